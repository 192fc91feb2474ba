import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sentToBuilder } from './ignore.js';
import { pairsOf, readDockerfile, type Stage } from './dockerfile.js';

/** What the Dockerfile's last stage comes to, in a folder instead of an image. */
export interface Built {
  /** The folder that stands for `/`. */
  root: string;
  workdir: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  user: string;
  command: string[];
  healthcheck: string[];
}

/**
 * Carries out the steps of every stage that the last one needs, each in a folder of its own, with this machine's Node
 * instead of the base image. Understands what our Dockerfile uses, and throws at anything else.
 */
export function buildFrom(project: string, scratch: string, args: Record<string, string>): Built {
  const stages = readDockerfile(join(project, 'Dockerfile'), args);
  const sent = sentToBuilder(readFileSync(join(project, '.dockerignore'), 'utf8'));
  const needed = neededBy(stages.at(-1)!, stages);
  let last: Built | undefined;
  for (const stage of stages.filter((candidate) => needed.has(candidate.name))) last = carryOut(stage, project, scratch, sent);
  return last!;
}

function neededBy(stage: Stage, stages: Stage[]): Set<string> {
  const names = new Set(stage.steps.flatMap(({ does, flags }) => (does === 'COPY' ? (flags['from'] ?? []) : [])));
  const found = stages.filter(({ name }) => names.has(name) || name === stage.base);
  return new Set([stage.name, ...found.flatMap((other) => [...neededBy(other, stages)])]);
}

function carryOut(stage: Stage, project: string, scratch: string, sent: (path: string) => boolean): Built {
  const root = join(scratch, stage.name);
  mkdirSync(root, { recursive: true });
  const built: Built = { root, workdir: '/', env: {}, labels: {}, user: '', command: [], healthcheck: [] };
  const here = () => join(root, built.workdir);
  for (const { does, says, flags, exec } of stage.steps) {
    if (does === 'WORKDIR') mkdirSync(join(root, (built.workdir = says)), { recursive: true });
    else if (does === 'ENV') Object.assign(built.env, pairsOf(says));
    else if (does === 'LABEL') Object.assign(built.labels, pairsOf(says));
    else if (does === 'USER') built.user = says;
    else if (does === 'CMD') built.command = exec;
    else if (does === 'HEALTHCHECK') built.healthcheck = exec;
    else if (does === 'RUN') run(says, here(), built.env);
    else if (does === 'COPY') {
      const from = flags['from'] ? join(scratch, flags['from']) : project;
      copy(says.split(/\s+/), from, here(), flags['from'] ? () => true : (path) => sent(path.slice(project.length + 1)));
    } else if (!['EXPOSE', 'STOPSIGNAL'].includes(does)) throw new Error(`scripts/container does not know ${does}.`);
  }
  return built;
}

function run(command: string, cwd: string, env: Record<string, string>): void {
  console.log(`   RUN ${command}`);
  const { PATH = '', HOME = '' } = process.env;
  // The registry that this machine is set up for, and nothing else of its environment.
  const npm = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^npm_config_(registry|cache|userconfig)$/i.test(name)),
  );
  execFileSync('/bin/sh', ['-c', command], { cwd, env: { PATH, HOME, ...npm, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
}

function copy(words: string[], from: string, workdir: string, wanted: (path: string) => boolean): void {
  const into = words.at(-1)!;
  for (const source of words.slice(0, -1)) {
    const path = join(from, source);
    const file = statSync(path).isFile();
    if (file && !wanted(path)) throw new Error(`.dockerignore keeps ${source} from the builder, but the Dockerfile copies it.`);
    const target = join(workdir, into, file && into.endsWith('/') ? basename(source) : '');
    cpSync(path, target, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (each) => statSync(each).isDirectory() || wanted(each),
    });
  }
}
