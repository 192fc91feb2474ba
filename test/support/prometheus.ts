import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { eventually } from './eventually.js';

/** CI has it (.ci/run installs it). On machines without it, the tests that need it are skipped. */
export function hasPrometheus(): boolean {
  const found = spawnSync('prometheus', ['--version']).status === 0;
  if (!found && process.env['CI']) throw new Error('CI needs prometheus: apt-get install prometheus');
  return found;
}

export interface FiringAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** A Prometheus that scrapes each second, with the test's own rules. */
export class Prometheus {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly url: string,
  ) {}

  static async start(rules: unknown, targets: string[], token: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-prometheus-'));
    await writeFile(join(folder, 'alerts.yml'), stringify(rules));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yml'],
      scrape_configs: [{ job_name: 'revenueflow', authorization: { credentials: token }, static_configs: [{ targets }] }],
    };
    await writeFile(join(folder, 'prometheus.yml'), stringify(config));
    for (let attempt = 1; ; attempt++) {
      const address = `127.0.0.1:${await freePort()}`;
      const args = [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ];
      const child = spawn('prometheus', args, { stdio: 'inherit' });
      const prometheus = new Prometheus(child, folder, `http://${address}`);
      const ended = once(child, 'exit').then(() => 'ended');
      const ready = eventually(async () => {
        if (!(await fetch(`${prometheus.url}/-/ready`)).ok) throw new Error('Prometheus is not ready.');
      });
      // Another process may have taken the port meanwhile.
      if ((await Promise.race([ready, ended])) !== 'ended') return prometheus;
      await ready.catch(() => {});
      if (attempt === 3) throw new Error('Prometheus ended as soon as it was started; above is what it said.');
    }
  }

  /** The alerts that are firing. */
  async firing(): Promise<FiringAlert[]> {
    const answer = await fetch(`${this.url}/api/v1/alerts`);
    const { data } = (await answer.json()) as { data: { alerts: (FiringAlert & { state: string })[] } };
    return data.alerts.filter(({ state }) => state === 'firing');
  }

  /** The value of a query with a single result. */
  async value(query: string): Promise<number> {
    const answer = await fetch(`${this.url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return Number(data.result[0]?.value[1] ?? NaN);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
