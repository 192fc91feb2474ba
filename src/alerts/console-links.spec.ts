import { describe, expect, it } from 'vitest';
import { ConsoleLinks } from './console-links.js';

const condition = (key: string) => ({ key, raised: true, detail: '', text: 'It is late.', resolved: 'Resolved.' });

describe('the links of alerts', () => {
  it.each([
    ['sla', 'It is late. Console: https://leads.example.com/console'],
    ['breaker:crm-sync', 'It is late. Console: https://leads.example.com/console/stages'],
  ])('lead from %s to the page that shows it', (key, text) => {
    const linked = new ConsoleLinks('https://leads.example.com').of(condition(key));
    expect([linked.text, linked.resolved]).toEqual([text, 'Resolved.']);
  });

  it('are left out where PUBLIC_URL is unknown', () => {
    const links = new ConsoleLinks(undefined);
    expect([links.of(condition('sla')).text, links.lead('0a')]).toEqual(['It is late.', '/ops/leads/0a']);
  });
});
