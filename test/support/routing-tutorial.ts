import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decisionText } from '../../src/cli/format-routing.js';
import { bandOf, loadRules, scoreByRules, type Ruleset } from '../../src/enrichment/score-by-rules.js';
import { parseLead } from '../../src/ingress/parse-lead.js';
import { checkIntent } from '../../src/routing/check-rules.js';
import type { World } from '../../src/routing/availability.js';
import { decide } from '../../src/routing/decide.js';
import type { Turn } from '../../src/routing/pool-turn.js';
import { readRoutingRules } from '../../src/routing/rules.js';
import { readableTrace } from '../../src/routing/trace.js';

export const TUTORIAL = join(import.meta.dirname, '../../docs/routing.md');
const BLOCK = /```(json rules|text)\n([\s\S]*?)```/gu;
const SIMULATE = /^\$ npx revenueflow routing simulate '(\{.*\})'(?: --at (\S+))?\n/u;
const CHECK = /^\$ npx revenueflow routing check rules\.json\n/u;
/** A Friday, when each rep of the tutorial works. */
const NOW = '2026-11-27T12:00:00Z';

/** The tutorial with the output of each command as the code prints it, by the rules above the command. */
export async function withOutputs(markdown: string): Promise<string> {
  const ruleset = await loadRules(undefined);
  let rules: unknown;
  return markdown.replaceAll(BLOCK, (block: string, kind: string, content: string) => {
    if (kind === 'json rules') rules = JSON.parse(content);
    else if (SIMULATE.test(content)) {
      const [command, lead, at] = SIMULATE.exec(content)!;
      return `\`\`\`text\n${command}${simulated(rules, JSON.parse(lead!), at ?? NOW, ruleset)}\n\`\`\``;
    } else if (CHECK.test(content)) return `\`\`\`text\n${CHECK.exec(content)![0]}${checked(rules)}\n\`\`\``;
    return block;
  });
}

function simulated(document: unknown, body: unknown, at: string, ruleset: Ruleset): string {
  const read = readRoutingRules(document);
  if ('problems' in read) throw new Error(`the rules of the tutorial are wrong: ${JSON.stringify(read.problems)}`);
  const { email, campaignId, attributes } = parseLead(body, undefined);
  const enrichment = scoreByRules({ email, attributes }, ruleset);
  const lead = { email, campaignId, attributes, enrichment, band: bandOf(enrichment.fitScore, ruleset), account: null };
  const { owner, rule, pool, trace } = decide(read.rules, { lead, existing: null, excluded: new Map() }, freshWorld(at));
  const steps = readableTrace(trace, read.rules.source);
  return decisionText({ owner: owner && { rep: owner.rep, crmUserId: owner.ownerId }, rule, pool, steps });
}

/** No lead has been given yet. */
function freshWorld(at: string): World {
  const turns = new Map<string, Turn>();
  return {
    at: new Date(at),
    member: () => undefined,
    turnsOf: () => turns,
    today: () => 0,
    open: () => 0,
    given: () => {},
    nextStamp: () => 1,
  };
}

function checked(document: unknown): string {
  const read = readRoutingRules(document);
  const found = 'problems' in read ? read.problems : checkIntent(read.rules.source, null);
  const kind = 'problems' in read ? 'problem' : 'warning';
  return found.length === 0
    ? 'The rules are in order.'
    : found.map(({ path, message }) => `${kind}  ${path}  ${message}`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(TUTORIAL, await withOutputs(readFileSync(TUTORIAL, 'utf8')));
}
