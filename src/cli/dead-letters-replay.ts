import { usageError } from './exit-codes.js';
import { groupColumns, groupsText, type Group } from './format-dead-letter.js';
import { counted } from './format-text.js';
import type { Session } from './session.js';

export interface ReplayManyOptions {
  code?: string;
  all?: true;
  limit: number;
  perSecond?: number;
  dryRun?: true;
  yes?: boolean;
}

/** @throws CommandError where it is unclear which leads are meant. */
export function readReplayTarget(reference: string | undefined, { code, all }: ReplayManyOptions): 'one' | 'many' {
  const named = [reference, code, all].filter((value) => value !== undefined).length;
  if (code === '') throw usageError('--code is empty, so it names no dead letters. Nothing was changed.');
  if (named === 0) throw usageError('Name a lead, or add --code <code> or --all.');
  if (named > 1) throw usageError('Use one of: a lead, --code <code>, --all.');
  return reference === undefined ? 'many' : 'one';
}

/** Replays all dead letters, or all with an error code, after a question that says how many they are. */
export async function confirmAndReplayMany(session: Session, options: ReplayManyOptions, isOldName: boolean): Promise<void> {
  const { client, output, times } = session;
  const { code, limit, perSecond, dryRun = false, yes = false } = options;
  const { items } = await client.get<{ items: Group[] }>('/ops/dead-letters/summary');
  const groups = items.filter((group) => code === undefined || group.code === code);
  const found = groups.reduce((sum, { count }) => sum + count, 0);
  const count = Math.min(limit, found);
  const pace = perSecond ? `, ${perSecond} per second` : '';
  if (dryRun) {
    const columns = groupColumns(times);
    return output.report({ replaying: count, dryRun: true, items: groups }, groups, { columns }, () =>
      [`Would replay ${counted(count, 'dead letter')}${count < found ? ` of ${found}` : ''}${pace}.`]
        .concat(groups.length === 0 ? [] : [groupsText(groups, columns, output.width)])
        .join('\n'),
    );
  }
  if (count > 0) {
    const which = `${counted(count, 'dead letter')}${code ? ` with the code ${code}` : ''}${pace}`;
    await session.confirm({ question: `Replay ${which}?`, yes, isOldName });
  }
  const answer = await client.post<{ replaying: number }>('/ops/dead-letters/replay', {
    ...(code === undefined ? { all: true } : { code }),
    limit,
    ...(perSecond ? { perSecond } : {}),
  });
  await output.done(answer, () =>
    answer.replaying === 0
      ? `There are no dead letters${code ? ` with the code ${code}` : ''}.`
      : `Replay queued for ${counted(answer.replaying, 'lead')}${pace}.`,
  );
}
