import { z } from 'zod';

const minutes = z.number().int().min(1).max(100_000);
const ids = z.array(z.string().trim().min(1).max(100)).max(1000);

/** What can be done while no person acts. */
export const STEP_KINDS = ['remind', 'manager', 'reassign'] as const;
export type StepKind = (typeof STEP_KINDS)[number];

const DEFAULT_STEPS: { do: StepKind; atPercent: number }[] = [
  { do: 'remind', atPercent: 50 },
  { do: 'manager', atPercent: 100 },
  { do: 'reassign', atPercent: 150 },
];

/** The section `firstTouch` of the routing rules: how soon an owner must act, and what is done when no person does. */
export const firstTouchSchema = z.strictObject({
  minutes: z
    .partialRecord(z.enum(['hot', 'warm', 'cold', 'other']), minutes)
    .refine((bands) => Object.keys(bands).length > 0, { error: 'must name at least one of hot, warm, cold and other' })
    .describe('Minutes of the working time of the owner, by the band of the score. A band that is not named has no clock.'),
  steps: z
    .array(
      z.strictObject({
        do: z.enum(STEP_KINDS).describe('Remind the owner, notify the manager, or choose the next owner.'),
        atPercent: z.number().min(1).max(10_000).describe('When, in per cent of the minutes.'),
      }),
    )
    .max(10)
    .default(DEFAULT_STEPS)
    .describe('What is done while no person acts. Each is done once.'),
  maxReassignments: z
    .number()
    .int()
    .min(0)
    .max(20)
    .default(2)
    .describe('So often the next owner is chosen; after that the queue or rep of the fallback gets the lead.'),
  entryStatuses: z
    .array(z.string().trim().min(1).max(255))
    .max(100)
    .optional()
    .describe('Statuses of a Lead on which no person has worked. Absent: the status that the Lead is first seen with.'),
  automationUsers: ids
    .default([])
    .describe('Users of the CRM whose Tasks and Events are no act of a person. The user of this service never is one.'),
  quietHours: z
    .string()
    .regex(/^\d{1,2}:\d\d-\d{1,2}:\d\d$/, 'must be a range of local times such as 20:00-08:00')
    .optional()
    .describe('When owners get no notices, in their time zone. The notices follow afterwards.'),
  groupSeconds: z
    .number()
    .int()
    .min(0)
    .max(3600)
    .default(60)
    .describe('After a notice the same person gets none for this time; those of the meantime follow as one.'),
  slackUsers: z
    .record(z.string(), z.string().regex(/^[UW][A-Z0-9]{2,20}$/, 'must be a member id of Slack such as U012ABCDEF'))
    .default({})
    .describe('Member ids of Slack by the users of the CRM: notices mention them.'),
});

export type FirstTouchPolicy = z.output<typeof firstTouchSchema>;

/** The hours of each day but the quiet ones, `20:00-08:00`, as a calendar has them. */
export function hoursWithout(quietHours: string): Record<string, string> {
  const [from, to] = quietHours.split('-');
  return { 'mon-sun': `${to === '24:00' ? '00:00' : to}-${from}` };
}
