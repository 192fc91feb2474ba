import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { pairsOf, readDockerfile, type Stage } from '../../scripts/container/dockerfile.js';
import { sentToBuilder } from '../../scripts/container/ignore.js';

const ROOT = join(import.meta.dirname, '../..');
const FILE = join(ROOT, 'Dockerfile');
const text = readFileSync(FILE, 'utf8');
const stages = readDockerfile(FILE);
const service = stages.at(-1)!;
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const said = (stage: Stage, does: string) => stage.steps.filter((step) => step.does === does);

describe('the Dockerfile', () => {
  it('has nothing that the linter complains of', () => {
    expect(validate(text)).toEqual([]);
  });

  it('takes every base image from one argument, slim and of the newest Node line, so that a release can pin its digest', () => {
    expect(text.match(/^FROM \S+/gm)!.filter((from) => !/^FROM (?:\$\{NODE_IMAGE\}|build)$/.test(from))).toEqual([]);
    expect(service.base).toBe('node:24-slim');
  });

  it('installs from the lockfile, without the embedded PostgreSQL, and for the service without development packages', () => {
    const installs = stages.flatMap((stage) => said(stage, 'RUN').filter(({ says }) => says.startsWith('npm')));
    expect(installs.length).toBe(2);
    for (const { says } of installs) expect(says).toMatch(/^npm ci .*--omit=optional --ignore-scripts/);
    const production = stages.find(({ name }) => name === 'production')!;
    expect(said(production, 'RUN')[0]!.says).toContain('--omit=dev');
    const modules = said(service, 'COPY').filter(({ says }) => says.includes('node_modules'));
    expect(modules.map(({ flags }) => flags['from'])).toEqual(['production']);
  });

  it('ends as a user without rights, who owns none of the files', () => {
    expect(said(service, 'USER').map(({ says }) => says)).toEqual(['1000:1000']);
    for (const { flags } of said(service, 'COPY')) expect(flags).not.toHaveProperty('chown');
    expect(service.steps.findIndex(({ does }) => does === 'USER')).toBeGreaterThan(
      service.steps.findLastIndex(({ does }) => does === 'COPY' || does === 'RUN'),
    );
  });

  it('starts Node itself, as npm start does, so that it gets the signals', () => {
    expect(said(service, 'CMD')[0]!.exec.join(' ')).toBe(manifest.scripts['start']);
    expect(said(service, 'ENTRYPOINT')).toEqual([]);
  });

  it('has a health check that needs no tool but Node', () => {
    const [check] = said(service, 'HEALTHCHECK');
    expect(check!.exec).toEqual(['node', 'healthcheck.mjs']);
    expect(Object.keys(check!.flags).sort()).toEqual(['interval', 'retries', 'start-period', 'timeout']);
  });

  it('carries the OCI labels', () => {
    const labels = Object.assign({}, ...said(service, 'LABEL').map(({ says }) => pairsOf(says))) as Record<string, string>;
    const names = ['title', 'description', 'licenses', 'version', 'revision', 'created'];
    expect(Object.keys(labels).sort()).toEqual(names.map((name) => `org.opencontainers.image.${name}`).sort());
  });

  it('copies only what exists and what .dockerignore sends', () => {
    const sends = sentToBuilder(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
    const sources = stages
      .flatMap((stage) => said(stage, 'COPY'))
      .filter(({ flags }) => !flags['from'])
      .flatMap(({ says }) => says.split(/\s+/).slice(0, -1));
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(sends(source), source).toBe(true);
    }
    expect(
      ['.env', '.git/config', '.data/x', 'node_modules/pg/package.json', 'src/domain/lead-keys.spec.ts'].filter(sends),
    ).toEqual([]);
  });
});
