import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { workingCalendar } from '../../routing/working-calendar.js';
import type { Owner } from '../owners.js';
import { ActionLinks, LINK_ACTIONS } from './action-links.js';
import { slackMessage, webhookBody, type MessageContext } from './messages.js';
import type { Notice } from './notice.js';
import { signedHeaders } from './post-notice.js';
import { slackText } from './slack-text.js';

const SECRET = 'a-secret-of-thirty-two-characters!';
const NOW = Date.parse('2026-11-27T10:00:00Z');

describe('the links of notices', () => {
  const links = new ActionLinks(SECRET, 'https://leads.example.com');
  const tokenOf = (address: string) => address.slice('https://leads.example.com/first-touch/'.length);

  it.each(LINK_ACTIONS)('carry the action %s and the decision', (action) => {
    expect(links.read(tokenOf(links.address({ assignmentId: '42', action }, NOW)), NOW)).toEqual({ assignmentId: '42', action });
  });

  it('end after two weeks', () => {
    const token = tokenOf(links.address({ assignmentId: '42', action: 'claim' }, NOW));
    expect(links.read(token, NOW + 14 * 86_400_000 - 1000)).not.toBeNull();
    expect(links.read(token, NOW + 14 * 86_400_000)).toBeNull();
  });

  it('are refused where one character differs, and where another secret signed them', () => {
    const token = tokenOf(links.address({ assignmentId: '42', action: 'claim' }, NOW));
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === '1' ? '2' : '1'}${token.slice(at + 1)}`;
      // The last character of the signature carries only some bits.
      if (at < token.length - 1) expect(links.read(changed, NOW), changed).toBeNull();
    }
    expect(new ActionLinks(`${SECRET}2`, 'https://leads.example.com').read(token, NOW)).toBeNull();
    // While another secret replaces the one that signed it, a link stays valid.
    expect(new ActionLinks(`${SECRET}2,${SECRET}`, 'https://leads.example.com').read(token, NOW)).not.toBeNull();
    expect(links.read('', NOW)).toBeNull();
    expect(links.read('x'.repeat(200), NOW)).toBeNull();
  });
});

describe('text of a lead in a message', () => {
  it.each([
    ['a mention of everyone', '<!channel> now', /^&lt;!channel&gt; now$/],
    ['a link that looks like ours', '<https://evil.example|Claim>', /^&lt;https:\u200b\/\/evil\.example\|Claim&gt;$/],
    ['a mention in Mattermost', '@channel hi', /^@\u200bchannel hi$/],
    ['a Markdown link', '[Claim](https://evil.example)', /^\[Claim\]\u200b\(https:\u200b\/\/evil/],
    ['line breaks and reordering', 'Acme\n\n• *New lead*: \u202eevil', /^Acme • \u200b\*\u200bNew lead\u200b\*\u200b: evil$/],
    ['an entity', '&lt;!here&gt;', /^&amp;lt;!here&amp;gt;$/],
  ])('cannot be %s', (_what, hostile, harmless) => expect(slackText(hostile)).toMatch(harmless));

  it('is short', () => {
    const long = slackText('😀'.repeat(500));
    expect(long.length).toBeLessThanOrEqual(120);
    expect(long).not.toMatch(/[\uD800-\uDBFF]…/);
  });
});

const made = workingCalendar({ timeZone: 'Europe/Berlin' });
const recipient: Owner = {
  userId: '005A',
  name: 'Ann <!here>',
  email: 'ann@example.com',
  timeZone: 'Europe/Berlin',
  calendar: 'calendar' in made ? made.calendar : (null as never),
  managerId: null,
  slackUser: null,
};
const notice: Notice = {
  id: '7',
  kind: 'assigned',
  recipientId: '005A',
  assignmentId: '42',
  leadId: 'b7a1',
  ownerId: '005A',
  pool: 'emea',
  band: 'hot',
  campaignId: 'launch',
  company: 'Acme <!channel>',
  fitScore: 91,
  intent: 'high',
  evidence: [{ signal: 'message: asks for a demo ("<@U1>")', polarity: 'positive', points: 18 }],
  crmLeadId: '00Q1',
  startedAt: new Date(NOW),
  dueAt: new Date(NOW + 300_000),
  slaMinutes: 5,
  ended: false,
};
const context: MessageContext = {
  recipient,
  nameOf: () => 'Bo',
  linksOf: () => ({
    console: 'https://l/console/leads/b7a1',
    crm: 'https://org/b7a1',
    actions: { claim: 'https://l/c', 'not-mine': 'https://l/n', junk: 'https://l/j' },
  }),
  consoleUrl: 'https://l/console/leads',
};

describe('a message to an owner', () => {
  it('has the score, the reasons, the company, the clock in the time of the owner, and the links', () => {
    const [heading, line] = slackMessage([notice], context).text.split('\n');
    expect(heading).toBe('Ann &lt;!here&gt;:');
    expect(line).toContain('• *New lead*: Acme &lt;!channel&gt;, fit 91, intent high, hot. ');
    expect(line).toContain('Because: message: asks for a demo ("&lt;@\u200bU1&gt;"). ');
    // Versions of ICU differ in their commas.
    expect(line?.replaceAll(',', '')).toContain('First touch due by Fri 27 Nov 11:05 CET (5 min of working time). ');
    expect(line).toMatch(/<https:\/\/l\/console\/leads\/b7a1\|Lead> · <https:\/\/org\/b7a1\|CRM> · <https:\/\/l\/c\|Claim> · /);
    expect(line).toMatch(/ · <https:\/\/l\/n\|Not mine> · <https:\/\/l\/j\|Junk>$/);
  });

  it('mentions the owner where the rules know the member of Slack', () => {
    expect(slackMessage([notice], { ...context, recipient: { ...recipient, slackUser: 'U012AB' } }).text).toMatch(
      /^<@U012AB>:\n/,
    );
  });

  it('has no links that act once the clock has ended or the lead has another owner', () => {
    for (const over of [
      { ...notice, ended: true },
      { ...notice, kind: 'passed-on' as const },
    ]) {
      expect(slackMessage([over], context).text).not.toContain('Claim');
      expect(webhookBody([over], context).notices[0]!.links).toEqual({ console: expect.any(String), crm: expect.any(String) });
    }
  });

  it('names the owner to the manager', () => {
    expect(slackMessage([{ ...notice, kind: 'manager' }], context).text).toContain('*No first touch in time*: Acme');
    expect(slackMessage([{ ...notice, kind: 'manager' }], context).text).toContain('Owner: Bo.');
  });

  it('describes ten leads and counts the others', () => {
    const lines = slackMessage(
      Array.from({ length: 23 }, () => notice),
      context,
    ).text.split('\n');
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('And 13 more: <https://l/console/leads|leads>');
  });
});

describe('the signed webhook', () => {
  it('has the same as data, with the texts as they came', () => {
    const { notices } = webhookBody([notice], context);
    expect(notices[0]).toMatchObject({
      kind: 'assigned',
      company: 'Acme <!channel>',
      clock: { minutes: 5 },
      reasons: [{ points: 18 }],
    });
  });

  it('is signed by the rules of Standard Webhooks', () => {
    const headers = signedHeaders(SECRET, 'msg_1', NOW, '{"a":1}');
    const signature = createHmac('sha256', SECRET)
      .update(`msg_1.${NOW / 1000}.{"a":1}`)
      .digest('base64');
    expect(headers).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(NOW / 1000),
      'webhook-signature': `v1,${signature}`,
    });
    const both = signedHeaders(`${SECRET}2, ${SECRET}`, 'msg_1', NOW, '{"a":1}')['webhook-signature'];
    expect(both).toMatch(/^v1,\S+ v1,\S+$/);
    expect(both?.endsWith(` v1,${signature}`)).toBe(true);
  });
});
