// Loaded into a worker with --import: crashes the process at an I/O step, or when it scores a certain lead.
// CHAOS_RECORD=<file>: records every step that is passed.
// CHAOS_KILL_AT=<step>:<before|after> with CHAOS_KILL_AFTER=<times>: kills the process there; with
// CHAOS_ARMED_BY=<signal> only from the moment that it gets that signal.
// CHAOS_FREEZE_AT=<step>:<before|after>: stops it there once, until it gets SIGCONT.
// CHAOS_KILL_LEAD=<lead id>: kills it whenever that lead is about to be scored.
import { appendFileSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';

const { CHAOS_RECORD, CHAOS_FREEZE_AT, CHAOS_KILL_AT, CHAOS_KILL_AFTER = '1', CHAOS_ARMED_BY, CHAOS_KILL_LEAD } = process.env;
const seen = new Set();
let left = Number(CHAOS_KILL_AFTER);
let frozen = false;
let armed = CHAOS_ARMED_BY === undefined;
if (!armed) process.once(CHAOS_ARMED_BY, () => (armed = true));

subscribe('revenueflow:boundary', ({ step, when, leadId }) => {
  const place = `${step}:${when}`;
  if (CHAOS_RECORD && !seen.has(place)) {
    seen.add(place);
    appendFileSync(CHAOS_RECORD, `${place}\n`);
  }
  if (place === CHAOS_FREEZE_AT && !frozen) {
    frozen = true;
    process.kill(process.pid, 'SIGSTOP');
  }
  if (armed && place === CHAOS_KILL_AT && --left === 0) process.kill(process.pid, 'SIGKILL');
  if (place === 'ai.score:before' && leadId === CHAOS_KILL_LEAD) process.kill(process.pid, 'SIGKILL');
});
