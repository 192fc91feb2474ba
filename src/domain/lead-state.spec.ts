import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAD_CHANGES, LEAD_STATES, OPEN_STATES, stageDueIn, stateAfter, type LeadState } from './lead-state.js';

/** The diagram of docs/architecture.md, written down a second time on purpose. */
const ARROWS = new Set([
  'received enrich enriched',
  'enriched sync synced',
  'synced rescore synced',
  'received fail received',
  'enriched fail enriched',
  'received give-up dead',
  'enriched give-up dead',
  'dead replay-enrichment received',
  'dead replay-crm-sync enriched',
  'dead edit dead',
  'dead discard discarded',
  'enriched resync enriched',
  'synced resync enriched',
  ...LEAD_STATES.map((state) => `${state} revise received`),
]);

describe('the state diagram', () => {
  it('has exactly the arrows of the documentation', () => {
    for (const state of LEAD_STATES) {
      for (const change of LEAD_CHANGES) {
        const after = stateAfter(state, change);
        const drawn = [...ARROWS].find((arrow) => arrow.startsWith(`${state} ${change} `));
        expect(after === null ? undefined : `${state} ${change} ${after}`).toBe(drawn);
      }
    }
  });

  it('keeps every path inside itself, and lets no lead reach the CRM unscored', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...LEAD_CHANGES), { maxLength: 30 }), (changes) => {
        let state: LeadState = 'received';
        let scored = false;
        for (const change of changes) {
          const after = stateAfter(state, change);
          if (after === null) continue;
          if (change === 'revise' || change === 'edit') scored = false;
          if (change === 'enrich') scored = true;
          // Only an enriched lead that died in the CRM stage may be replayed there.
          if (change === 'replay-crm-sync' && !scored) continue;
          expect(LEAD_STATES).toContain(after);
          if (after === 'synced') expect(scored).toBe(true);
          state = after;
        }
      }),
    );
  });

  it('has a stage due in each open state and in no other', () => {
    for (const state of LEAD_STATES) {
      expect(stageDueIn(state) !== null).toBe((OPEN_STATES as readonly string[]).includes(state));
    }
  });
});
