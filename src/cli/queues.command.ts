import { Argument, type Command } from 'commander';
import { STAGES } from '../domain/lead-state.js';
import { tableOf, type Column } from './format-table.js';
import type { Times } from './format-time.js';
import { refuseUnknownWords } from './options.js';
import type { Session } from './session.js';

interface ShownQueue {
  name: string;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  paused: boolean;
  pausedBy: string | null;
  breaker: {
    state: string;
    reason: string | null;
    code: string | null;
    problem: string | null;
    answer: string | null;
    nextProbeAt: string | null;
  };
}

interface Queues {
  backend: string;
  items: ShownQueue[];
  alertsFailing: { problem: string } | null;
}

/** `queues …`: what waits, what is paused and by whom. */
export function addQueueCommands(program: Command, session: Session): void {
  const queues = program.command('queues').description('show, pause and resume the queues of the two stages');
  const list = queues
    .command('list', { isDefault: true })
    .description('show what waits in each queue, whether it is paused, and its circuit breaker')
    .action(async () => {
      const { client, output, times } = session;
      const answer = await client.get<Queues>('/ops/queues');
      const columns = columnsOf(times);
      await output.report(answer, answer.items, { columns }, () =>
        [
          `on ${answer.backend}`,
          tableOf(columns, answer.items, output.width),
          ...answer.items.flatMap(problemLines),
          ...(answer.alertsFailing ? [`Alerts do not arrive: ${answer.alertsFailing.problem}. Check ALERT_WEBHOOK_URL.`] : []),
        ].join('\n'),
      );
    });
  refuseUnknownWords(list);

  for (const act of ['pause', 'resume'] as const) {
    queues
      .command(act)
      .addArgument(new Argument('<queue>', 'the queue of a stage').choices(STAGES))
      .description(act === 'pause' ? 'stop processing leads in a stage; they wait until it is resumed' : 'process leads again')
      .action(async (name: string) => {
        const { client, output } = session;
        const answer = await client.post(`/ops/queues/${encodeURIComponent(name)}/${act}`, {});
        await output.done(answer, () => (act === 'pause' ? `${name} is paused. Leads wait; none is lost.` : `Resumed ${name}.`));
      });
  }
}

function columnsOf(times: Times): Column<ShownQueue>[] {
  const count = (field: 'waiting' | 'active' | 'delayed' | 'failed', rank: number): Column<ShownQueue> => ({
    head: field,
    field,
    value: (queue) => queue[field],
    rank,
  });
  return [
    { head: 'queue', field: 'name', value: ({ name }) => name, rank: 10 },
    count('waiting', 9),
    count('active', 6),
    count('delayed', 4),
    count('failed', 3),
    {
      head: 'workers',
      field: 'workers',
      value: ({ paused, pausedBy }) => (paused ? `paused by ${pausedBy}` : 'running'),
      min: 14,
      rank: 8,
    },
    { head: 'breaker', field: 'breaker', value: ({ breaker }) => breakerText(breaker, times), min: 12, rank: 7 },
  ];
}

function problemLines({ name, breaker: { problem, answer } }: ShownQueue): string[] {
  return problem ? [`${name}: ${problem}`, ...(answer ? [`  last answer: ${answer}`] : [])] : [];
}

function breakerText({ state, reason, code, nextProbeAt }: ShownQueue['breaker'], times: Times): string {
  return [state, reason, code, nextProbeAt ? `next probe ${times.relative(nextProbeAt)}` : null]
    .filter((part) => part !== null)
    .join(', ');
}
