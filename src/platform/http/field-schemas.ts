import { z } from 'zod';

/** Fields that requests and answers of several endpoints share. */
export const timeSchema = z.iso.datetime();
export const countSchema = z.int().min(0);
export const attributesSchema = z.record(z.string(), z.string());
export const nextCursorSchema = z.string().nullable().describe('Send it as `cursor` for the next page; null on the last.');

/** A whole number of a query, where all values are texts. */
export const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** The parameters of a list that is read in pages. */
export const pageShape = { limit: wholeNumber(1, 200).default(50), cursor: z.string().optional() };
