import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import type { AcceptedLead, LeadToAccept } from '../../ledger/intake.repository.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { FailoverLedger } from './failover-ledger.js';
import type { Spool } from './spool.js';

const lead = { id: 'l' } as LeadToAccept;
const accepted: AcceptedLead = { leadId: 'l', outcome: 'accepted', revision: 1, epoch: 1, jobId: 'j' };

function gate({ spool = true } = {}) {
  const accept = vi.fn(async () => accepted);
  const write = vi.fn(async () => {});
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const tools = {
    intake: { accept, pingAcceptPath: () => new Promise<void>(() => {}) },
    spool: spool ? ({ write } as unknown as Spool) : null,
    logger,
    metrics: createMetrics(),
  };
  return { accept, write, lines, ledger: new FailoverLedger(tools) };
}

describe('the ledger with its spool', () => {
  it('sends every lead to the spool after one met an outage', async () => {
    const { accept, write, ledger } = gate();
    accept.mockRejectedValue(new AppError('LEDGER_UNAVAILABLE', ''));
    expect([await ledger.accept(lead), await ledger.accept(lead)]).toEqual(['spooled', 'spooled']);
    expect([accept.mock.calls.length, write.mock.calls.length]).toEqual([1, 2]);
    ledger.stop();
  });

  it.each([new AppError('UNEXPECTED', ''), new TypeError('ours')])(
    'diverts only the lead that met a fault of ours (%s)',
    async (fault) => {
      const { accept, write, lines, ledger } = gate();
      accept.mockRejectedValueOnce(fault).mockRejectedValueOnce(fault);
      expect([await ledger.accept(lead), await ledger.accept(lead), await ledger.accept(lead)]).toEqual([
        'spooled',
        'spooled',
        accepted,
      ]);
      expect([write.mock.calls.length, lines.length]).toEqual([2, 1]);
    },
  );

  it('answers 503 to a fault of ours where there is no spool', async () => {
    const { accept, ledger } = gate({ spool: false });
    accept.mockRejectedValueOnce(new TypeError('ours'));
    await expect(ledger.accept(lead)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(await ledger.accept(lead)).toBe(accepted);
  });

  it.each(['INVALID_LEAD', 'LEDGER_OVERLOADED'] as const)('passes %s on', async (code) => {
    const { accept, write, ledger } = gate();
    accept.mockRejectedValue(new AppError(code, ''));
    await expect(ledger.accept(lead)).rejects.toMatchObject({ code });
    expect(write).not.toHaveBeenCalled();
  });
});
