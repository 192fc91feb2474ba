import { describe, expect, it } from 'vitest';
import { companyMatchesDomain, sizeOf } from './company.js';
import { SHIPPED_RULES } from './ruleset.js';
import { classifyDomain } from './domain-class.js';

describe('domains', () => {
  it.each([
    ['gmail.com', 'free'],
    ['yahoo.co.uk', 'free'],
    ['web.de', 'free'],
    ['mailinator.com', 'disposable'],
    ['x.mailinator.com', 'disposable'],
    ['mit.edu', 'education'],
    ['cs.ox.ac.uk', 'education'],
    ['uni-jena.de', 'education'],
    ['nasa.gov', 'government'],
    ['impots.gouv.fr', 'government'],
    ['mail.acme.co.uk', 'corporate'],
    ['liveperson.com', 'corporate'],
    ['', 'corporate'],
    ['localhost', 'corporate'],
  ])('%s is %s', (domain, expected) => {
    expect(classifyDomain(domain).class).toBe(expected);
  });
});

describe('companies', () => {
  it.each([
    ['Acme', 'acme', true],
    ['Acme Logistics GmbH', 'acme-logistics', true],
    ['Acme Inc.', 'acmecorp', true],
    ['Müller & Söhne', 'muller', true],
    ['International Business Machines', 'ibm', false],
    ['Red Blue Green', 'rbg', true],
    ['Acme', 'globex', false],
    ['', 'acme', false],
    ['GmbH', 'acme', false],
  ])('%j at %s: %s', (company, label, expected) => {
    expect(companyMatchesDomain(company, label)).toBe(expected);
  });

  it.each([
    ['51-200', 3],
    ['1,000+', 4],
    ['10.000', 2],
    ['1', -2],
    ['many', undefined],
  ])('of size %s bring %s', (size, points) => {
    expect(sizeOf(size, SHIPPED_RULES.profile.sizes)?.points).toBe(points);
  });
});
