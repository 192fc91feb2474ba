import { z } from 'zod';
import { REPORT_GROUPS } from '../../first-touch/report-groups.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, timeSchema, wholeNumber } from '../../platform/http/field-schemas.js';

const count = countSchema;
const minutes = z.object({ p50: z.number().nullable(), p90: z.number().nullable() });

export const firstTouchQuerySchema = z.strictObject({
  days: wholeNumber(1, 365).default(7).describe('Clocks that started in the last days.'),
  by: z.enum(REPORT_GROUPS).default('owner'),
});

const row = z.object({
  group: z.string().nullable().describe('The user of the CRM, the pool, the campaign or the band; null: none.'),
  clocks: count.describe('Leads that were assigned, each owner counted.'),
  touched: count.describe('A person acted: changed the status, entered a Task or Event, converted, or claimed the lead.'),
  inTime: count,
  late: count.describe('The time is over, and no person had acted within it.'),
  open: count,
  passedOn: count.describe('The lead went on to another owner.'),
  junk: count,
  businessMinutes: minutes.describe('Working time of the owner until the first touch.'),
  wallMinutes: minutes.describe('Time by the calendar until the first touch.'),
});

const exampleRow = {
  group: '0055e000001SaleAAA',
  clocks: 40,
  touched: 36,
  inTime: 33,
  late: 5,
  open: 2,
  passedOn: 2,
  junk: 0,
  businessMinutes: { p50: 4.2, p90: 11.5 },
  wallMinutes: { p50: 6.8, p90: 840 },
};

export const firstTouchReportSchema = apiSchema(
  'FirstTouchReport',
  z.object({ days: count, by: z.enum(REPORT_GROUPS), all: row, groups: z.array(row) }),
  { days: 7, by: 'owner', all: { ...exampleRow, group: null }, groups: [exampleRow] },
);

/** The clocks of a lead, as its journey shows them. */
export const leadFirstTouchSchema = z
  .array(
    z.object({
      assignmentId: z.string(),
      ownerId: z.string(),
      pool: z.string().nullable(),
      band: z.string().nullable(),
      slaMinutes: count.describe('Of working time of the owner.'),
      startedAt: timeSchema.nullable().describe('The CRM has the owner; null: not yet.'),
      dueAt: timeSchema.nullable(),
      touch: z.string().nullable().describe('What the person did: status, task, event, converted, claim, or reported.'),
      touchedAt: timeSchema.nullable(),
      businessMinutes: z.number().nullable(),
      endedAt: timeSchema.nullable(),
      endReason: z.string().nullable(),
      steps: z.array(
        z.object({ kind: z.string(), dueAt: timeSchema, endedAt: timeSchema.nullable(), outcome: z.string().nullable() }),
      ),
    }),
  )
  .describe('The clock of each owner of the lead until the first touch, the first one first; empty without `firstTouch` rules.');
