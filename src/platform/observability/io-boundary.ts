import { channel } from 'node:diagnostics_channel';
import { isTracing, SpanKind, traced } from './tracing.js';

/** What is published before and after each step that leaves the process. */
export interface BoundaryMessage {
  /** The step, e.g. `crm.sync`. */
  step: string;
  when: 'before' | 'after';
  leadId: string | undefined;
}

/** Named as Node's diagnostics channels are; whoever traces or tests the service may subscribe. Without subscribers it costs nothing. */
export const BOUNDARY_CHANNEL = 'revenueflow:boundary';

const boundaries = channel(BOUNDARY_CHANNEL);

/** Runs a step that leaves the process, and says so before and after it. */
export async function ioBoundary<T>(step: string, leadId: string | undefined, act: () => Promise<T>): Promise<T> {
  const run = isTracing() ? () => traced({ name: step, kind: SpanKind.CLIENT }, act) : act;
  if (!boundaries.hasSubscribers) return run();
  boundaries.publish({ step, when: 'before', leadId } satisfies BoundaryMessage);
  const result = await run();
  boundaries.publish({ step, when: 'after', leadId } satisfies BoundaryMessage);
  return result;
}
