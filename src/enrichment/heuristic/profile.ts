import { createHash } from 'node:crypto';
import { z } from 'zod';
import { INTENTS } from '../../lead/enrichment.js';
import json from './profile.json' with { type: 'json' };

const points = z.number().int().min(-100).max(100);
const words = z.array(z.string().min(1)).min(1);
const description = z.string();
const rule = z.object({ name: z.string(), points, words });

const profileSchema = z.object({
  description,
  base: z.object({ points, description }),
  domain: z.object({ description, corporate: points, free: points, disposable: points, education: points }),
  seniority: z.object({ description, levels: z.array(rule.extend({ except: words.optional() })) }),
  functions: z.object({ description, groups: z.array(rule) }),
  company: z.object({ description, named: points, matchesDomain: points }),
  sources: z.object({ description, rules: z.array(rule.extend({ intent: z.enum(INTENTS).nullable() })) }),
  message: z.object({
    description,
    families: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['buying', 'weak', 'support', 'none']),
        strength: z.enum(['high', 'medium', 'low']).optional(),
        points,
        phrases: words,
      }),
    ),
    negations: z.object({ description, words, exceptions: words, reach: z.number().int().min(1).max(10), points }),
  }),
  injection: z.object({ description, points, phrases: words }),
  thresholds: z.object({ description, high: points, medium: points }),
});

export type Profile = z.output<typeof profileSchema>;

/** The shipped profile, checked once at load. */
export const PROFILE: Profile = profileSchema.parse(json);

/** Names the rules that made a score: another profile, another version. */
export const PROFILE_VERSION = `heuristic-${createHash('sha256').update(JSON.stringify(json)).digest('hex').slice(0, 12)}`;
