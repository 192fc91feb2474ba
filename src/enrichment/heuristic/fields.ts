/** The fields of a lead that the rules read, whatever the sender called them. */
export interface Fields {
  title: string;
  company: string;
  message: string;
  /** Everything that tells where the lead came from. */
  source: string;
}

const NAMES: Record<keyof Fields, string[]> = {
  title: ['title', 'jobtitle', 'role', 'position', 'jobrole', 'funktion'],
  company: ['company', 'companyname', 'organization', 'organisation', 'account', 'employer', 'firma'],
  message: [
    'message',
    'comment',
    'comments',
    'note',
    'notes',
    'question',
    'questions',
    'inquiry',
    'enquiry',
    'description',
    'nachricht',
  ],
  source: [
    'source',
    'leadsource',
    'utmsource',
    'utmmedium',
    'utmcampaign',
    'form',
    'formname',
    'formtype',
    'landingpage',
    'asset',
  ],
};
const FIELD_OF = new Map(Object.entries(NAMES).flatMap(([field, names]) => names.map((name) => [name, field as keyof Fields])));

/** Reads them from the attributes: `Job Title`, `job_title`, `jobTitle` and `lead.jobTitle` are one name. */
export function fieldsOf(attributes: Record<string, string>): Fields {
  const fields: Fields = { title: '', company: '', message: '', source: '' };
  for (const [key, value] of Object.entries(attributes)) {
    const name = key.slice(key.lastIndexOf('.') + 1).toLowerCase();
    const field = FIELD_OF.get(name.replaceAll(/[^a-z]/g, ''));
    // Several fields may tell the source or carry a message; a bar keeps a phrase from reaching over the border.
    if (field) fields[field] = fields[field] === '' ? value : `${fields[field]} | ${value}`;
  }
  return fields;
}
