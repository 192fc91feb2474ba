import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { loadConfig } from './config.js';

const choices = { aiProviders: ['heuristic'], crmProviders: ['postgres'] };
const load = (env: NodeJS.ProcessEnv) => loadConfig(env, choices);
const secret = 'x'.repeat(32);

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    load(env);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('CONFIG_INVALID');
    return (error as AppError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('needs nothing at all', () => {
    expect(load({})).toMatchObject({
      ENV: 'MOCK',
      ROLE: 'all',
      PORT: 3000,
      HOST: '127.0.0.1',
      AI_PROVIDER: 'heuristic',
      RETRY_ATTEMPTS: 5,
    });
  });

  it.each([
    [{}, 'http://127.0.0.1:3000'],
    [{ HOST: '::1', PORT: '8080' }, 'http://[::1]:8080'],
    [{ PUBLIC_URL: 'https://leads.example.com/' }, 'https://leads.example.com'],
    // No browser can open these addresses.
    [{ PORT: '0' }, undefined],
    [{ HOST: '0.0.0.0', WEBHOOK_SECRETS: secret, OPS_TOKENS: `ann:operator:${secret}` }, undefined],
  ])('knows from %j that people open it at %s', (env, address) => {
    expect(load(env).PUBLIC_URL).toBe(address);
  });

  it('takes an empty value for none', () => {
    expect(load({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ PORT: 3000, DATABASE_URL: undefined });
  });

  it('names every wrong variable in a line of its own, and no value', () => {
    const text = problemsOf({ PORT: 'secret-port', ROLE: 'secret-role', DATABASE_URL: 'mysql://secret', LEASE_MS: '1' });
    expect(text.split('\n')).toHaveLength(4);
    for (const name of ['PORT', 'ROLE', 'DATABASE_URL', 'LEASE_MS']) expect(text).toContain(name);
    expect(text).not.toContain('secret');
  });

  it('refuses short secrets without showing them', () => {
    expect(problemsOf({ WEBHOOK_SECRETS: `${secret},short-one` })).toMatch(/WEBHOOK_SECRETS.*32/);
    expect(problemsOf({ WEBHOOK_SECRETS: 'short-one' })).not.toContain('short-one');
    expect(problemsOf({ OPS_TOKENS: 'ann:operator:short-one' })).not.toContain('short-one');
    expect(problemsOf({ OPS_TOKENS: `ann:admin:${secret}` })).toMatch(/viewer or operator/);
    expect(problemsOf({ OPS_TOKENS: `ann:viewer:${secret},ann:operator:${secret}` })).toMatch(/alike/);
  });

  it('reads tokens whose secret has colons', () => {
    expect(load({ OPS_TOKENS: `ann:operator:${secret}:tail` }).OPS_TOKENS).toEqual([
      { name: 'ann', role: 'operator', secret: `${secret}:tail` },
    ]);
  });

  it('does not open itself to a network without secrets', () => {
    expect(problemsOf({ HOST: '0.0.0.0' })).toMatch(/WEBHOOK_SECRETS.*\n.*OPS_TOKENS/);
    expect(load({ HOST: '0.0.0.0', WEBHOOK_SECRETS: secret, OPS_TOKENS: `ann:operator:${secret}` }).HOST).toBe('0.0.0.0');
    expect(load({ HOST: '127.0.0.2' }).HOST).toBe('127.0.0.2');
  });

  it('asks for what REAL needs', () => {
    const text = problemsOf({ ENV: 'REAL' });
    for (const name of ['DATABASE_URL', 'WEBHOOK_SECRETS', 'OPS_TOKENS']) expect(text).toContain(name);
  });

  it('never falls back from a real provider to the mock without being told', () => {
    const real = {
      ENV: 'REAL',
      DATABASE_URL: 'postgres://x',
      REDIS_URL: 'redis://x',
      WEBHOOK_SECRETS: secret,
      OPS_TOKENS: `ann:operator:${secret}`,
    };
    expect(problemsOf(real)).toMatch(/AI_PROVIDER.*bedrock by default.*\n.*CRM_PROVIDER.*salesforce by default/);
    expect(load({ ...real, AI_PROVIDER: 'heuristic', CRM_PROVIDER: 'postgres' }).ENV).toBe('REAL');
  });

  it('knows only the providers that there are', () => {
    expect(problemsOf({ AI_PROVIDER: 'oracle' })).toMatch(/AI_PROVIDER must be one of heuristic/);
  });

  describe('of a model', () => {
    const withModels = (env: NodeJS.ProcessEnv) =>
      loadConfig(env, { aiProviders: ['heuristic', 'gemini', 'bedrock', 'openai-compatible'], crmProviders: ['postgres'] });
    const refused = (env: NodeJS.ProcessEnv) => {
      try {
        withModels(env);
      } catch (error) {
        return (error as AppError).message;
      }
      throw new Error('the configuration was accepted');
    };

    it('uses Gemini if its key is set and no provider is chosen', () => {
      expect(withModels({ GEMINI_API_KEY: 'k' })).toMatchObject({ AI_PROVIDER: 'gemini', GEMINI_MODEL: 'gemini-3.5-flash-lite' });
      expect(withModels({ GEMINI_API_KEY: 'k', AI_PROVIDER: 'heuristic' }).AI_PROVIDER).toBe('heuristic');
      expect(withModels({ GEMINI_API_KEY: ' ' }).AI_PROVIDER).toBe('heuristic');
    });

    it.each(['gemini-2.0-flash', 'gemini-2.0-flash-lite-001', 'models/gemini-2.0-flash', 'gemini-1.5-pro', 'gemini-pro'])(
      'refuses %s, which is shut down, and says what replaces it',
      (model) => {
        expect(refused({ GEMINI_API_KEY: 'k', GEMINI_MODEL: model })).toMatch(/GEMINI_MODEL.*gemini-3\.5-flash-lite replaces it/);
      },
    );

    it('asks for what the chosen one cannot work without', () => {
      expect(refused({ AI_PROVIDER: 'gemini' })).toContain('GEMINI_API_KEY is required');
      expect(refused({ AI_PROVIDER: 'bedrock' })).toContain('AWS_REGION is required');
      expect(refused({ AI_PROVIDER: 'openai-compatible' }).split('\n')).toHaveLength(2);
      expect(refused({ AI_FALLBACK_PROVIDER: 'gemini' })).toContain('GEMINI_API_KEY is required with AI_FALLBACK_PROVIDER');
      expect(withModels({ AI_PROVIDER: 'gemini', ROLE: 'api' }).AI_PROVIDER).toBe('gemini');
    });

    it('wants two different ones', () => {
      expect(refused({ AI_FALLBACK_PROVIDER: 'heuristic' })).toContain('AI_FALLBACK_PROVIDER must be another');
      expect(refused({ AI_FALLBACK_PROVIDER: 'oracle' })).toMatch(/AI_FALLBACK_PROVIDER must be one of/);
    });
  });
});
