import { channel } from 'node:diagnostics_channel';
import { isTracing, SpanKind, traced } from './tracing.js';

/** Published before and after each I/O step. */
export interface BoundaryMessage {
  /** The step, e.g. `crm.sync`. */
  step: string;
  when: 'before' | 'after';
  leadId: string | undefined;
}

/** A diagnostics channel for tracing and tests. Without subscribers it costs nothing. */
export const BOUNDARY_CHANNEL = 'revenueflow:boundary';

const boundaries = channel(BOUNDARY_CHANNEL);

/** Runs an I/O step and publishes its start and end. */
export async function ioBoundary<T>(step: string, leadId: string | undefined, act: () => Promise<T>): Promise<T> {
  const run = isTracing() ? () => traced({ name: step, kind: SpanKind.CLIENT }, act) : act;
  if (!boundaries.hasSubscribers) return run();
  boundaries.publish({ step, when: 'before', leadId } satisfies BoundaryMessage);
  const result = await run();
  boundaries.publish({ step, when: 'after', leadId } satisfies BoundaryMessage);
  return result;
}
