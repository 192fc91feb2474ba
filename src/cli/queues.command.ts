import { Command } from 'commander';
import type { ServiceClient } from './http-client.js';
import { table } from './format-lead.js';

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

/** `ops queues …`: what waits, what is stopped and by whom. */
export function queueCommands(client: () => ServiceClient, print: (document: unknown, text: () => string) => void): Command {
  const queues = new Command('queues')
    .description('the queues: what is in them, paused or not, and their breakers')
    .action(async () => {
      const answer = await client().get<{ backend: string; items: ShownQueue[] }>('/ops/queues');
      const rows = answer.items.map((queue) => [
        queue.name,
        queue.waiting,
        queue.active,
        queue.delayed,
        queue.failed,
        queue.paused ? `paused by ${queue.pausedBy}` : 'running',
        breakerText(queue.breaker),
      ]);
      const head = ['queue', 'waiting', 'active', 'delayed', 'failed', 'workers', 'breaker'];
      const problems = answer.items.flatMap(({ name, breaker }) => (breaker.problem ? [`${name}: ${problemText(breaker)}`] : []));
      print(answer, () => [`on ${answer.backend}`, table(head, rows), ...problems].join('\n'));
    });
  for (const act of ['pause', 'resume'] as const) {
    queues
      .command(act)
      .argument('<queue>', 'enrichment or crm-sync')
      .description(act === 'pause' ? 'workers take no more leads of this stage until it is resumed' : 'workers go on')
      .action(async (name: string) => {
        const answer = await client().post(`/ops/queues/${encodeURIComponent(name)}/${act}`, {});
        print(answer, () => (act === 'pause' ? `${name} is paused. Leads wait; none is lost.` : `${name} goes on.`));
      });
  }
  return queues;
}

function problemText({ problem, answer }: ShownQueue['breaker']): string {
  return answer ? `${problem}\n  It answered: ${answer}` : String(problem);
}

function breakerText({ state, reason, code, nextProbeAt }: ShownQueue['breaker']): string {
  return [state, reason, code, nextProbeAt ? `next probe ${nextProbeAt}` : null].filter((part) => part !== null).join(', ');
}
