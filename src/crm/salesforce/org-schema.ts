import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { Clock } from '../../platform/clock.js';
import type { SalesforceClient } from './client.js';
import type { FieldValues } from './field-map.js';
import { fittingValue, isCut } from './fitting-value.js';

const fieldSchema = z.object({
  name: z.string(),
  label: z.string().catch(''),
  type: z.string(),
  length: z.number().catch(0),
  createable: z.boolean(),
  updateable: z.boolean(),
  nillable: z.boolean(),
  defaultedOnCreate: z.boolean().catch(false),
  externalId: z.boolean().catch(false),
  unique: z.boolean().catch(false),
  caseSensitive: z.boolean().catch(false),
  restrictedPicklist: z.boolean().catch(false),
  picklistValues: z
    .array(z.object({ value: z.string(), label: z.string().nullish().catch(null), active: z.boolean().catch(true) }))
    .catch([]),
  filterable: z.boolean().catch(true),
  htmlFormatted: z.boolean().catch(false),
  extraTypeInfo: z.string().nullish().catch(null),
});
export type OrgField = z.output<typeof fieldSchema>;
const describeSchema = z.object({ fields: z.array(fieldSchema) });

const KNOWN_FOR_MS = 3_600_000;

/** The fields of one object as the integration user sees them, asked for once an hour. */
export class OrgSchema {
  private fields: Promise<Map<string, OrgField>> | undefined;
  private until = 0;

  constructor(
    private readonly client: Pick<SalesforceClient, 'call'>,
    readonly object: 'Lead' | 'CampaignMember' | 'Campaign' | 'Contact' | 'Opportunity',
    private readonly clock: Clock,
  ) {}

  describe(): Promise<Map<string, OrgField>> {
    if (this.fields && this.clock.now() < this.until) return this.fields;
    this.until = this.clock.now() + KNOWN_FOR_MS;
    this.fields = this.client
      .call({ method: 'GET', path: `sobjects/${this.object}/describe`, repeatable: true }, describeSchema)
      .then(({ fields }) => new Map(fields.map((field) => [field.name.toLowerCase(), field])))
      .catch((error: unknown) => {
        this.forget();
        throw error;
      });
    return this.fields;
  }

  /** An admin may have corrected the org: look again. */
  forget(): void {
    this.fields = undefined;
  }

  /**
   * @throws AppError CRM_MISCONFIGURED where the org lacks a field, or does not let us write it: every record would
   * fail alike.
   */
  async require(names: string[]): Promise<void> {
    const fields = await this.describe();
    const missing = names.filter((name) => !fields.get(name.toLowerCase())?.createable);
    if (missing.length === 0) return;
    this.forget();
    const list = missing.map((name) => `${this.object}.${name}`).join(', ');
    throw new AppError(
      'CRM_MISCONFIGURED',
      `The org has no such fields, or does not let the integration user write them: ${list}. Deploy salesforce/, or correct the field map.`,
      { signature: `MISSING:${list}` },
    );
  }

  /**
   * Makes each value one that its field can hold: text is cut to the field's length, numbers, checkboxes and dates are
   * read from text. What cannot be read is taken out, since Salesforce would refuse the whole call for it.
   * @returns the names of what was cut, and of what was taken out.
   */
  async fit(values: FieldValues): Promise<{ cut: string[]; unfit: string[] }> {
    const fields = await this.describe();
    const cut: string[] = [];
    const unfit: string[] = [];
    for (const [name, value] of Object.entries(values)) {
      const field = fields.get(name.toLowerCase());
      if (!field) continue;
      const fitting = fittingValue(value, field);
      if (fitting === value) continue;
      if (fitting === null) {
        delete values[name];
        unfit.push(field.name);
        continue;
      }
      values[name] = fitting;
      if (isCut(value, fitting, field)) cut.push(field.name);
    }
    return { cut, unfit };
  }
}
