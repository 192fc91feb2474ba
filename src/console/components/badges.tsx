import type { Intent } from '../../domain/intent.js';
import type { LeadState } from '../../domain/lead-state.js';
import { visibleText } from './text.js';

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'plain';

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: string }) {
  return <span class={tone === 'plain' ? 'badge' : `badge badge-${tone}`}>{visibleText(children)}</span>;
}

const STATE_TONES: Record<LeadState, Tone> = {
  received: 'accent',
  enriched: 'accent',
  synced: 'good',
  dead: 'bad',
  discarded: 'plain',
};

export function StateBadge({ state }: { state: LeadState }) {
  const tone = STATE_TONES[state];
  return <span class={tone === 'plain' ? 'badge state' : `badge badge-${tone} state`}>{state}</span>;
}

export type Band = 'cold' | 'warm' | 'hot';
const BAND_TONES: Record<Band, Tone> = { hot: 'good', warm: 'accent', cold: 'plain' };

export function BandBadge({ band }: { band: Band }) {
  return <Badge tone={BAND_TONES[band]}>{band}</Badge>;
}

const INTENT_TONES: Record<Intent, Tone> = { high: 'good', medium: 'accent', low: 'plain', none: 'plain', unknown: 'plain' };

export function IntentBadge({ intent }: { intent: Intent | null }) {
  return intent === null ? <span class="muted">–</span> : <Badge tone={INTENT_TONES[intent]}>{intent}</Badge>;
}
