import type { Readable } from 'node:stream';
import { Option, type Command } from 'commander';
import type { Score } from '../ops/score/score.schemas.js';
import { usageError } from './exit-codes.js';
import { dryRunText, MOVER_COLUMNS, scoreText } from './format-score.js';
import { jsonFile, jsonObject } from './json-file.js';
import { readLimit } from './paging.js';
import { readSince } from './read-since.js';
import { tryProfile } from './score-dry-run.js';
import type { Session } from './session.js';

interface ScoreOptions {
  profile?: string;
  since?: string;
  limit: number;
}

/** `score`: what a lead would get; with --profile and --since, what a profile would change. */
export function addScoreCommand(program: Command, session: Session): void {
  program
    .command('score')
    .argument('[lead]', 'a file with one lead in JSON, the JSON itself, or - for standard input')
    .description('show the score that a lead would get; nothing is stored and no model is asked')
    .option('--profile <file>', 'a scoring profile to try instead of the active one')
    .addOption(
      new Option(
        '--since <time>',
        'with --profile: score the stored leads of this time again, e.g. 30d, 12h, 2026-11-01',
      ).argParser(readSince),
    )
    .addOption(
      new Option('-n, --limit <n>', 'with --since: the newest n leads; "all" for each one').argParser(readLimit).default(10_000),
    )
    .action((lead: string | undefined, options: ScoreOptions) => score(session, lead, options));
}

async function score(session: Session, lead: string | undefined, { profile, since, limit }: ScoreOptions): Promise<void> {
  if (since !== undefined && lead !== undefined) throw usageError('Name a lead, or --since for the stored leads; not both.');
  if (since !== undefined && profile === undefined)
    throw usageError('--since compares a profile with the active one. Add --profile.');
  if (since === undefined && lead === undefined) throw usageError('Name a lead (file, JSON or -), or --profile with --since.');
  const { client, output, io } = session;
  const proposed = profile === undefined ? undefined : await jsonFile(profile);
  if (since === undefined) {
    const body = {
      lead: await leadOf(session, lead!),
      ...(proposed === undefined ? {} : { profile: proposed }),
    };
    const scored = await client.post<Score>('/ops/score', body);
    return output.document(scored, () => scoreText(scored));
  }
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({ format: 'Scored {value} leads', clearOnComplete: true, stream: io.stderr });
  if (io.stderr.isTTY && !output.isQuiet) bar.start(limit, 0);
  const report = await tryProfile(client, { profile: proposed, since, limit, progress: (leads) => bar.update(leads) }).finally(
    () => bar.stop(),
  );
  await output.report(report, report.movers, { columns: MOVER_COLUMNS }, () => dryRunText(report, output.width));
}

async function leadOf({ io }: Session, lead: string): Promise<Record<string, unknown>> {
  if (lead === '-') return jsonObject(await textOf(io.stdin), 'The lead');
  return lead.trimStart().startsWith('{') ? jsonObject(lead, 'The lead') : jsonFile(lead);
}

const MAX_BYTES = 1_000_000;

async function textOf(input: Readable): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += String(chunk);
    if (text.length > MAX_BYTES) throw usageError('The lead is larger than a webhook may be.');
  }
  return text;
}
