import { describe, expect, it } from 'vitest';
import { acknowledgedIn } from '../src/acknowledged.js';
import { SIZES, type StageName } from '../src/sizes.js';
import { findingsOf, synthesise } from './synthesised.js';

describe.each(Object.keys(SIZES) as StageName[])('cdk-nag on %s', (stage) => {
  const raw = findingsOf({ stage });

  it('finds nothing that is not acknowledged', () => {
    expect(raw.findings.length).toBeGreaterThan(0);
    expect(() => synthesise({ stage })).not.toThrow();
  });

  it('still finds everything that is acknowledged, and each has a reason', () => {
    for (const { at, id, reason } of acknowledgedIn(raw.settings)) {
      expect(reason.length, id).toBeGreaterThan(35);
      for (const path of at) {
        const found = raw.findings.some(
          (finding) =>
            finding.path.startsWith(`RevenueFlow-${stage}/${path}`) && finding.id.includes(id.replace(/^.*::(?=[A-Z]\d)/, '')),
        );
        expect(found, `${id} at ${path} is acknowledged but no longer found`).toBe(true);
      }
    }
  });
});
