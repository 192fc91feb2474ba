import type { DryRun } from '../ops/score/score.schemas.js';
import type { ServiceClient } from './http-client.js';

/** What the service answers at most per page. */
const PAGE = 500;
const MAX_MOVERS = 20;

type Bands = DryRun['bands']['current'];

/** The pages of a dry run added up. Its size does not grow with the number of leads. */
export type DryRunReport = Omit<DryRun, 'nextCursor'> & { since: string; isComplete: boolean };

interface DryRunOptions {
  profile: unknown;
  /** ISO 8601. */
  since: string;
  /** Leads at most, newest first. */
  limit: number;
  progress(leads: number): void;
}

/** Asks for page after page. @throws ServiceError */
export async function tryProfile(
  client: Pick<ServiceClient, 'post'>,
  { profile, since, limit, progress }: DryRunOptions,
): Promise<DryRunReport> {
  let report: DryRunReport | null = null;
  let cursor: string | null = null;
  do {
    const size: number = Math.min(PAGE, limit - (report?.leads ?? 0));
    const body: object = { profile, since, limit: size, ...(cursor === null ? {} : { cursor }) };
    const answer: DryRun = await client.post<DryRun>('/ops/score/dry-run', body);
    const { nextCursor, ...page } = answer;
    report = report === null ? { ...page, since, isComplete: false } : added(report, page);
    cursor = nextCursor;
    progress(report.leads);
  } while (cursor !== null && report.leads < limit);
  return { ...report, isComplete: cursor === null };
}

function added(sum: DryRunReport, page: Omit<DryRun, 'nextCursor'>): DryRunReport {
  const moves = new Map(sum.moves.map((move) => [`${move.from} ${move.to}`, move]));
  for (const move of page.moves) {
    const known = moves.get(`${move.from} ${move.to}`);
    moves.set(`${move.from} ${move.to}`, { ...move, count: move.count + (known?.count ?? 0) });
  }
  const distance = ({ current, proposed }: DryRun['movers'][number]) => Math.abs(proposed.fitScore - current.fitScore);
  return {
    ...sum,
    leads: sum.leads + page.leads,
    changed: sum.changed + page.changed,
    bands: {
      current: addedBands(sum.bands.current, page.bands.current),
      proposed: addedBands(sum.bands.proposed, page.bands.proposed),
    },
    moves: [...moves.values()],
    movers: [...sum.movers, ...page.movers].sort((a, b) => distance(b) - distance(a)).slice(0, MAX_MOVERS),
  };
}

function addedBands(a: Bands, b: Bands): Bands {
  return { cold: a.cold + b.cold, warm: a.warm + b.warm, hot: a.hot + b.hot };
}
