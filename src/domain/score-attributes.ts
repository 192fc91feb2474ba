/** Fields that the field map that ships writes in Marketo, by their REST names. */
export const SCORE_FIELDS = [
  'rfFitScore',
  'rfIntent',
  'rfReason',
  'rfScoreSource',
  'rfScoredAt',
  'rfVersion',
  'rfOwner',
  'rfOutcome',
  'rfProbability',
] as const;

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The same as a webhook may send them back: as an attribute of this name, in snake case, or within an object `lead`.
 */
export const SCORE_ATTRIBUTES: readonly string[] = SCORE_FIELDS.flatMap((name) => [name, snakeCase(name), `lead.${name}`]);
