import { createHash, randomUUID } from 'node:crypto';
import type { Activities, FakeActivity } from './activities.js';

interface Job {
  exportId: string;
  status: 'Created' | 'Queued' | 'Processing' | 'Completed' | 'Failed' | 'Cancelled';
  createdAt: string;
  filter: { startAt: number; endAt: number; types: number[] };
  fields: string[];
  /** Looks until it changes its state. */
  looks: number;
  file: Buffer;
  records: number;
}

export type BulkAnswer = { result: unknown } | { code: string; message?: string };

const DAY_MS = 86_400_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const FIELDS = [
  'marketoGUID',
  'leadId',
  'activityDate',
  'activityTypeId',
  'campaignId',
  'primaryAttributeValueId',
  'primaryAttributeValue',
  'attributes',
  'actionResult',
];

/** Bulk activity extracts: jobs that are made, queued, executed, and leave a file with a checksum. */
export class BulkExports {
  readonly jobs = new Map<string, Job>();
  /** Looks that a job stays queued, and in execution. */
  looks = 1;
  /** Jobs of other integrations that wait: ten at most together. */
  othersQueued = 0;
  /** Bytes of a day, of all integrations; used ones are given back by a test. */
  dailyBytes = 500 * 1024 * 1024;
  usedBytes = 0;
  /** So many of the next jobs end as Failed. */
  failNext = 0;
  /** So many of the next downloads of a file have a wrong byte. */
  corruptNext = 0;
  /** So many of the next downloads end in the middle. */
  cutNext = 0;
  /** Marketo keeps files for seven days. */
  forgetFiles = false;

  constructor(
    private readonly activities: Activities,
    private readonly now: () => number,
  ) {}

  create(body: unknown): BulkAnswer {
    const { format = 'CSV', filter, fields = FIELDS.slice(0, -1) } = (body ?? {}) as Record<string, unknown>;
    const { createdAt, activityTypeIds = [] } = (filter ?? {}) as {
      createdAt?: Record<string, string>;
      activityTypeIds?: number[];
    };
    const { startAt = '', endAt = '' } = createdAt ?? {};
    if (format !== 'CSV' || !TIME.test(startAt) || !TIME.test(endAt)) return { code: '1003', message: 'Invalid createdAt' };
    const [start, end] = [Date.parse(startAt), Date.parse(endAt)];
    if (end <= start || end - start > 31 * DAY_MS) return { code: '1003', message: 'The range is longer than 31 days' };
    const unknown = (fields as string[]).find((name) => !FIELDS.includes(name));
    if (unknown) return { code: '1003', message: `Invalid field ${unknown}` };
    const job: Job = {
      exportId: randomUUID(),
      status: 'Created',
      createdAt: new Date(this.now()).toISOString(),
      filter: { startAt: start, endAt: end, types: activityTypeIds },
      fields: fields as string[],
      looks: this.looks,
      file: Buffer.alloc(0),
      records: 0,
    };
    this.jobs.set(job.exportId, job);
    return { result: [shown(job)] };
  }

  enqueue(id: string): BulkAnswer {
    const job = this.jobs.get(id);
    if (!job) return { code: '1013', message: 'Export not found' };
    if (job.status === 'Queued' || job.status === 'Processing') return { code: '1029', message: 'Job already queued' };
    if (job.status !== 'Created') return { code: '1029', message: `Job is ${job.status}` };
    const queued = [...this.jobs.values()].filter(({ status }) => status === 'Queued' || status === 'Processing').length;
    if (queued + this.othersQueued >= 10) return { code: '1029', message: 'Too many jobs in queue' };
    if (this.usedBytes >= this.dailyBytes) return { code: '1029', message: 'Export daily quota exceeded' };
    job.status = 'Queued';
    return { result: [shown(job)] };
  }

  status(id: string): BulkAnswer {
    const job = this.jobs.get(id);
    if (!job) return { code: '1013', message: 'Export not found' };
    if ((job.status === 'Queued' || job.status === 'Processing') && job.looks-- <= 0) this.advance(job);
    return { result: [shown(job)] };
  }

  /** null: 404 and plain text. */
  file(id: string, range: string | undefined): { status: 200 | 206; body: Buffer; contentRange: string | null } | null {
    const job = this.jobs.get(id);
    if (job?.status !== 'Completed' || this.forgetFiles) return null;
    const body = Buffer.from(job.file);
    if (this.corruptNext > 0 && body.length > 0) {
      this.corruptNext--;
      body[body.length - 2]! ^= 1;
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (from === undefined) return { status: 200, body, contentRange: null };
    const part = body.subarray(Number(from), to ? Number(to) + 1 : undefined);
    return { status: 206, body: part, contentRange: `bytes ${from}-${Number(from) + part.length - 1}/${body.length}` };
  }

  private advance(job: Job): void {
    if (job.status === 'Queued') {
      [job.status, job.looks] = ['Processing', this.looks];
      return;
    }
    if (this.failNext > 0) {
      this.failNext--;
      job.status = 'Failed';
      return;
    }
    const { startAt, endAt, types } = job.filter;
    const rows = this.activities.all.filter(
      ({ visibleAt, activityTypeId, activityDate }) =>
        visibleAt <= this.now() &&
        types.includes(activityTypeId) &&
        Date.parse(activityDate) >= startAt &&
        Date.parse(activityDate) <= endAt,
    );
    const lines = rows.map((activity) => job.fields.map((field) => cell(valueOf(activity, field))).join(','));
    // Some files end with a line that has nothing in it.
    job.file = Buffer.from(`${[job.fields.join(','), ...lines].join('\n')}\n\n`);
    job.records = rows.length;
    job.status = 'Completed';
    this.usedBytes += job.file.length;
  }
}

function valueOf(activity: FakeActivity, field: string): string {
  if (field === 'attributes')
    return JSON.stringify(Object.fromEntries(activity.attributes.map(({ name, value }) => [name, value])));
  if (field === 'actionResult') return activity.attributes.some(({ name }) => name === 'Error Type') ? 'failed' : 'succeeded';
  return String(activity[field as 'leadId'] ?? '');
}

function cell(value: string): string {
  if (value === '') return 'null';
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function shown({ exportId, status, createdAt, file, records }: Job) {
  const base = { exportId, status, createdAt, format: 'CSV' };
  if (status !== 'Completed') return base;
  const fileChecksum = `sha256:${createHash('sha256').update(file).digest('hex')}`;
  return { ...base, finishedAt: createdAt, numberOfRecords: records, fileSize: file.length, fileChecksum };
}
