import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { FlowControlRepository } from './flow-control.repository.js';
import { CircuitBreaker } from './circuit-breaker.js';

describe('CircuitBreaker', () => {
  it('dates a success by the start of its call: later failures belong to an outage', () => {
    let now = 1000;
    const gate = new CircuitBreaker({
      stage: 'crm-sync',
      store: {} as FlowControlRepository,
      worker: 'w',
      baseMs: 1000,
      clock: { now: () => now },
      logger: pino({ level: 'silent' }),
      changed: () => {},
    });
    const [slow, quick] = [gate.enter()!, gate.enter()!];
    now = 1500;
    const later = gate.enter()!;
    now = 2000;
    quick.succeeded(true);
    expect(gate.lastSuccessAt).toBe(1000);
    later.succeeded(true);
    expect(gate.lastSuccessAt).toBe(1500);
    now = 9000; // the downstream has failed others meanwhile
    slow.succeeded(true);
    expect([gate.lastSuccessAt, gate.lastAnswerAt]).toEqual([1500, 9000]);
    gate.enter()!.succeeded(false);
    expect(gate.lastSuccessAt).toBe(1500);
  });
});
