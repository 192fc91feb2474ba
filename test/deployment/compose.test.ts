import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readDockerfile } from '../../scripts/container/dockerfile.js';
import { loadConfig } from '../../src/platform/config/config.js';

interface Service {
  image?: string;
  profiles?: string[];
  build?: { target: string };
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: object;
  read_only?: boolean;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const { postgres, redis, api, worker, fakes } = compose.services as Record<string, Service>;

/** What a value becomes with nothing in .env. */
const withDefaults = (value: string) => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const configOf = (service: Service) => {
  const env = Object.entries(service.environment!).map(([name, value]) => [name, withDefaults(value)]);
  return loadConfig(Object.fromEntries(env), { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
};
/** A commented setting of .env.example. */
const example = (name: string) => new RegExp(`^#?${name}=(.*)$`, 'm').exec(read('.env.example'))![1]!;

describe('compose.yaml', () => {
  it('is valid by the schema of the Compose specification, and the linter finds nothing', () => {
    // Style rules are off: the order of keys is ours, and a built image needs a name so that the worker can share it.
    const off = ['no-build-and-image', 'service-keys-order', 'services-alphabetical-order', 'top-level-properties-order'];
    const rules = Object.fromEntries(off.map((rule) => [rule, 0 as const]));
    const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
    expect(
      linter.lintFiles([join(ROOT, 'compose.yaml')], false).flatMap(({ messages }: { messages: unknown[] }) => messages),
    ).toEqual([]);
  });

  it('starts the two stores alone without a profile', () => {
    const plain = Object.entries(compose.services).filter(([, { profiles }]) => !profiles);
    expect(plain.map(([name]) => name).sort()).toEqual(['postgres', 'redis']);
  });

  it('has the stores that .env.example names', () => {
    const database = new URL(example('DATABASE_URL'));
    expect([database.username, database.password, database.pathname]).toEqual([
      postgres!.environment!['POSTGRES_USER'],
      postgres!.environment!['POSTGRES_PASSWORD'],
      `/${postgres!.environment!['POSTGRES_DB']}`,
    ]);
    expect(postgres!.ports).toEqual([`${database.hostname}:${database.port}:5432`]);
    const queue = new URL(example('REDIS_URL'));
    expect([queue.username, queue.password]).toEqual(['', '']);
    expect(redis!.ports).toEqual([`${queue.hostname}:${queue.port}:6379`]);
  });

  it('is what the service uses once the # is removed before the two settings', () => {
    const env = Object.fromEntries(['DATABASE_URL', 'REDIS_URL'].map((name) => [name, example(name)]));
    expect(loadConfig(env, { aiProviders: ['heuristic'], crmProviders: ['postgres'] })).toMatchObject(env);
  });

  it('keeps what the stores hold, and says when they are ready', () => {
    for (const store of [postgres!, redis!]) {
      expect(store.healthcheck).toBeDefined();
      expect(Object.keys(compose.volumes)).toContain(store.volumes![0]!.split(':')[0]);
    }
    const command = redis!.command!.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--maxmemory-policy noeviction');
    expect(postgres!.command!.join(' ')).toContain('synchronous_commit=on');
  });

  it('gives both containers of the service a configuration that it accepts', () => {
    expect(configOf(api!)).toMatchObject({ ROLE: 'api', HOST: '0.0.0.0', PORT: 3000 });
    expect(configOf(worker!)).toMatchObject({ ROLE: 'worker' });
    for (const service of [api!, worker!]) expect(service).toMatchObject({ read_only: true, profiles: ['app'] });
  });

  it('lets Prometheus in with a token of its own', () => {
    const token = withDefaults(
      (parse(read('compose.yaml')) as { configs: Record<string, { content: string }> }).configs['prometheus-token']!.content,
    );
    expect(configOf(api!).OPS_TOKENS).toContainEqual({ name: 'prometheus', role: 'viewer', secret: token });
  });

  it('publishes every port on loopback only', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('builds stages that the Dockerfile has', () => {
    const names = readDockerfile(join(ROOT, 'Dockerfile')).map(({ name }) => name);
    for (const { build } of Object.values(compose.services)) if (build) expect(names).toContain(build.target);
  });

  it('publishes the ports of all fakes', () => {
    const ports = [...read('test/support/fakes/main.ts').matchAll(/\bport: (\d+)/g)].map(([, port]) => Number(port));
    const [from, to] = /127\.0\.0\.1:(\d+)-(\d+)/.exec(fakes!.ports![0]!)!.slice(1).map(Number) as [number, number];
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => port < from || port > to)).toEqual([]);
  });

  it('mounts folders that are here', () => {
    const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith('./')),
    );
    expect(mounts.length).toBeGreaterThan(0);
    for (const mount of mounts) expect(existsSync(join(ROOT, mount.split(':')[0]!)), mount).toBe(true);
    for (const file of ['prometheus/prometheus.yml', 'grafana/provisioning/datasources/prometheus.yml'])
      expect(parse(read(`deploy/${file}`)), file).toBeTypeOf('object');
  });
});
