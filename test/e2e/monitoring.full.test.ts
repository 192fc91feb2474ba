import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { freshDatabase } from '../support/database.js';
import { hasPromtool, promtool } from '../support/promtool.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Alert {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: { expr: string; refId: string }[];
}

const alerts = (parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const dashboard = JSON.parse(read('deploy/grafana/dashboard.json')) as {
  panels: Panel[];
  templating: { list: { name: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const expressions = panels.flatMap(({ targets }) => targets!.map(({ expr }) => expr));

/** Replaces Grafana's variables. */
const asPrometheusSeesIt = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');
const metricsOf = (expr: string) => expr.match(/\b(?:revenueflow|process|nodejs)_[a-z0-9_]+/g) ?? [];
/** Makes a heading's anchor as GitHub does. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

describe('the alert rules', () => {
  it.skipIf(!hasPromtool())('fire when they should and not before (needs promtool)', () => {
    expect(promtool('test', 'rules', join(ROOT, 'deploy/prometheus/alerts.test.yml'))).toMatch(/SUCCESS/);
  });

  it('each have a test in which they fire and one in which they do not', () => {
    interface Case {
      alertname: string;
      exp_alerts: unknown[];
    }
    const { tests } = parse(read('deploy/prometheus/alerts.test.yml')) as { tests: { alert_rule_test: Case[] }[] };
    const cases = tests.flatMap((test) => test.alert_rule_test);
    for (const { alert } of alerts) {
      const own = cases.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length);
      expect(own, alert).toContain(0);
      expect(
        own.some((count) => count > 0),
        alert,
      ).toBe(true);
    }
  });

  it('each say what it is, what it means, and where the runbook goes on', () => {
    const headings = [...read('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
    for (const { alert, annotations } of alerts) {
      expect(Object.keys(annotations).toSorted(), alert).toEqual(['description', 'runbook', 'summary']);
      const [page, section] = annotations['runbook']!.split('#');
      expect(page).toBe('docs/runbook.md');
      expect(headings, alert).toContain(section);
    }
  });
});

describe('the dashboard', () => {
  it('has panels that do not overlap, each with a description and something to show', () => {
    const taken = new Set<string>();
    for (const { id, title, description, gridPos, targets } of panels) {
      expect([title, description, targets?.length].every(Boolean), `panel ${id}`).toBe(true);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it.skipIf(!hasPromtool())('has expressions that Prometheus can read (needs promtool)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'revenueflow-dashboard-'));
    const file = join(folder, 'rules.yml');
    const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr: asPrometheusSeesIt(expr) }));
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(promtool('check', 'rules', file)).toMatch(`SUCCESS: ${expressions.length} rules found`);
    rmSync(folder, { recursive: true });
  });
});

describe('the metrics', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let service: RunningProcess;
  let text: string;

  beforeAll(async () => {
    database = await freshDatabase();
    service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres' });
    text = (await service.get('/metrics')).text;
  });
  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  it('include every one that an alert or a panel asks for', () => {
    const known = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => seriesOf(name!, type!)));
    for (const expr of [...alerts.map(({ expr: of }) => of), ...expressions]) {
      for (const metric of metricsOf(expr)) expect(known, expr).toContain(metric);
    }
  });

  it('are all in docs/monitoring.md, and no others', () => {
    const own = [...text.matchAll(/^# TYPE (revenueflow_\S+)/gm)].map(([, name]) => name!);
    const documented = [...read('docs/monitoring.md').matchAll(/^\| `(revenueflow_\w+)/gm)].map(([, name]) => name!);
    expect(documented.toSorted()).toEqual(own.toSorted());
  });

  it.skipIf(!hasPromtool())('are scraped as docs/monitoring.md says (needs promtool)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'revenueflow-scrape-'));
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, /```yaml\n([^]*?)```/.exec(read('docs/monitoring.md'))![1]!);
    expect(promtool('check', 'config', '--syntax-only', file)).toMatch(/SUCCESS/);
    rmSync(folder, { recursive: true });
  });
});

function seriesOf(name: string, type: string): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}
