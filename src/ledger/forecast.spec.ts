import { describe, expect, it } from 'vitest';
import { forecastOf } from './forecast.js';

const load = (stage: 'enrichment' | 'crm-sync', backlog: number, perSecond: number) => ({
  stage,
  backlog,
  perSecond,
  oldestSeconds: 0,
});
const forecast = (received: [number, number], enriched: [number, number]) =>
  forecastOf([load('enrichment', ...received), load('crm-sync', ...enriched)]);

describe('the forecast', () => {
  it('is zero where no lead waits, whatever the throughput', () => {
    expect(forecast([0, 0], [0, 0])).toEqual({ stages: { enrichment: 0, 'crm-sync': 0 }, seconds: 0 });
  });

  it('counts leads that wait for their score as leads that will wait for the CRM', () => {
    expect(forecast([100, 10], [50, 5])).toEqual({ stages: { enrichment: 10, 'crm-sync': 10 }, seconds: 30 });
  });

  it('is that of the slower stage', () => {
    expect(forecast([100, 1], [0, 50]).seconds).toBe(100);
  });

  it('is null where a stage makes no progress', () => {
    expect(forecast([0, 0], [5, 0])).toEqual({ stages: { enrichment: 0, 'crm-sync': null }, seconds: null });
    expect(forecast([5, 1], [0, 0]).seconds).toBeNull();
  });
});
