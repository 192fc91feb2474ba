import { z } from 'zod';

/** One environment variable: its schema, its default per profile, and its description in the docs. */
export interface Variable {
  schema: z.ZodType;
  /** One sentence for .env.example and docs/configuration.md. */
  about: string;
  /** Default per profile; `undefined` is "none", `REQUIRED` stops the start when it is missing. */
  mock: string | undefined | ((env: NodeJS.ProcessEnv) => string | undefined);
  real: string | undefined | typeof REQUIRED;
  /** Shown in the docs instead of a default that is determined at the start. */
  mockNote?: string;
  realNote?: string;
  /** A value that is safe and useful to show in .env.example. */
  example?: string;
  secret?: boolean;
}

export const REQUIRED = Symbol('required');

/** Of each secret. */
export const MIN_SECRET = 32;

export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

export const url = (protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });

export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
