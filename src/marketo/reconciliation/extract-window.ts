import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { WebhookCall } from '../../ledger/marketo-calls.repository.js';
import type { MarketoExtractsRepository } from '../../ledger/marketo-extracts.repository.js';
import type { ReconciliationRun } from '../../ledger/marketo-runs.repository.js';
import { unavailable } from '../client/errors.js';
import type { ExportJob, MarketoActivity, MarketoApi } from '../client/marketo-api.js';
import type { WebhookLog } from './read-window.js';

export interface ExtractTools {
  api: Pick<MarketoApi, 'createExport' | 'enqueueExport' | 'exportStatus' | 'exportPart'>;
  extracts: MarketoExtractsRepository;
  log: Pick<WebhookLog, 'callWebhookType' | 'ourCall'>;
  /** How long a job is left alone between two looks, in milliseconds. */
  lookEveryMs: number;
  /** Before each batch of calls is stored. @returns false where a pause or another process ends the work for now. */
  mayGoOn(): Promise<boolean>;
}

/** Calls that are stored at a time. */
const BATCH = 1000;
/** No activity is longer: its attributes have at most 64 KB each. */
const MAX_RECORD = 2_000_000;
/** How often a file that cannot be read, or has another checksum, is read again before another job is made. */
const REREADS = 3;
const ENDED = new Set(['failed', 'canceled', 'cancelled', 'expired']);

const cell = z.string().transform((text) => (text === '' || text === 'null' ? null : text));
const number = cell.transform((text) => (text === null ? null : Number(text)));
const rowSchema = z.object({
  marketoGUID: z.string().min(1),
  leadId: z.coerce.number().int(),
  activityDate: z.string(),
  campaignId: number,
  primaryAttributeValueId: number,
  primaryAttributeValue: cell,
  attributes: cell,
});

/**
 * Brings the job of a window one step forward: create, enqueue, wait, read its file. The job's id is in the ledger, so
 * any process continues it. Calls count once the checksum of the whole file is right.
 * @returns `waiting` while the job is not done.
 * @throws AppError as MarketoClient.call, and MARKETO_UNAVAILABLE where the job has no file: another follows.
 */
export async function extractWindow(tools: ExtractTools, run: ReconciliationRun, signal?: AbortSignal) {
  const { api, extracts, log, lookEveryMs } = tools;
  if (run.exportId === null) {
    const { exportId } = await api.createExport(await log.callWebhookType(signal), run.fromAt, run.toAt, signal);
    await extracts.begin(run.id, exportId);
    await api.enqueueExport(exportId, signal);
    await extracts.lookAfter(run.id, lookEveryMs);
    return 'waiting';
  }
  const job = await statusOf(tools, run.exportId, signal);
  const status = job?.status.toLowerCase() ?? 'expired';
  if (ENDED.has(status)) {
    await extracts.drop(run.id);
    throw unavailable(`Marketo has no file of the extract (${status}); a new job is made.`);
  }
  if (status === 'created') await api.enqueueExport(run.exportId, signal);
  if (!job || status !== 'completed') {
    await extracts.lookAfter(run.id, lookEveryMs);
    return 'waiting';
  }
  try {
    return await readFile(tools, run, job, signal);
  } catch (cause) {
    // Then the file itself may be damaged.
    if (run.failures >= REREADS) await extracts.drop(run.id);
    throw cause;
  }
}

/** null where Marketo does not know the job any more. */
async function statusOf({ api }: ExtractTools, id: string, signal?: AbortSignal): Promise<ExportJob | null> {
  try {
    return await api.exportStatus(id, signal);
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'MARKETO_REQUEST_REFUSED') return null;
    throw cause;
  }
}

async function readFile(
  { api, extracts, log, mayGoOn }: ExtractTools,
  run: ReconciliationRun,
  job: ExportJob,
  signal?: AbortSignal,
) {
  const { fileSize } = job;
  if (typeof fileSize !== 'number') throw unavailable('Marketo does not say how long the file of the extract is.');
  await extracts.clear(run.id);
  const hash = createHash('sha256');
  async function* bytes(size: number) {
    for (let at = 0; at < size;) {
      const part = await api.exportPart(job.exportId, at, signal);
      if (!part) {
        await extracts.drop(run.id);
        throw unavailable('The file of the extract is no longer there; a new job is made.');
      }
      const before = at;
      for await (const chunk of part) {
        hash.update(chunk);
        at += chunk.length;
        yield chunk;
      }
      if (at === before) throw unavailable('The file of the extract ended too early.');
    }
  }
  let batch: WebhookCall[] = [];
  for await (const row of rowsOf(bytes(fileSize))) {
    const call = log.ourCall(row);
    // A window ends before `to`, and Marketo's range includes it.
    if (!call || call.at >= run.toAt) continue;
    batch.push(call);
    if (batch.length < BATCH) continue;
    if (!(await mayGoOn())) return 'waiting';
    await extracts.stage(run.id, batch);
    batch = [];
  }
  await extracts.stage(run.id, batch);
  const wanted = job.fileChecksum?.replace(/^sha256:/i, '').toLowerCase();
  if (wanted !== undefined && hash.digest('hex') !== wanted) {
    throw unavailable('The file of the extract has not the checksum that Marketo gives; it is read again.');
  }
  await extracts.accept(run.id);
  return 'read';
}

/** The activities of a CSV file, as they come; no more of it is held than a few records. */
async function* rowsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<MarketoActivity> {
  const source = Readable.from(bytes, { objectMode: false });
  const parser = parse({
    columns: true,
    bom: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD,
  });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const record of parser) yield activityOf(record);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw unavailable('The file of the extract could not be read to its end.', cause);
  } finally {
    source.destroy();
  }
}

function activityOf(record: unknown): MarketoActivity {
  const { attributes, ...row } = rowSchema.parse(record);
  return { ...row, attributes: Object.entries(objectIn(attributes)).map(([name, value]) => ({ name, value })) };
}

/** Attributes say only whether Marketo logged an error: a call counts without them too. */
function objectIn(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
