import { ImportFileError } from './import-file.js';

export interface ColumnOptions {
  /** `--map`: header to field. */
  map: Record<string, string>;
  /** `--campaign`: for rows that have none. */
  campaign?: string | undefined;
}

const words = (text: string) => text.split(' ');

/**
 * Headers of Marketo, Salesforce, HubSpot and Excel, without case, spaces and signs. The first of a field is the most
 * certain.
 */
const ALIASES: Record<string, string[]> = {
  email: words(
    'email emailaddress mail mailaddress emailadresse mailadresse workemail businessemail primaryemail contactemail leademail ' +
      'useremail emailid email1value email1 courriel adresseemail adressemail adresseélectronique correo correoelectrónico ' +
      'correoelectronico direccióndecorreo indirizzoemail indirizzodiposta emailadres epost emailendereço endereçodeemail ' +
      'メールアドレス 电子邮件',
  ),
  name: words('name fullname contactname leadname vollständigername nomcomplet nombrecompleto nomecompleto 氏名 お名前'),
  campaign_id: words(
    'campaignid marketocampaignid crmcampaignid campaign kampagnenid kampagneid idcampagne idcampagna idcampaña idcampanha ' +
      'campagneid iddecampaña iddelacampaña iddecampagne iddelacampagne identifiantcampagne identifiantdecampagne ' +
      'identifiantdelacampagne キャンペーンid',
  ),
  first_name: words('firstname givenname forename vorname prénom prenom voornaam nombre nombredepila nome'),
  last_name: words(
    'lastname surname familyname nachname familienname apellidos apellido cognome achternaam sobrenome nom nomdefamille',
  ),
  company: words(
    'company companyname companyaccount accountname organization organisation firma firmenname unternehmen unternehmensname ' +
      'entreprise nomdelentreprise raisonsociale société empresa nombredelaempresa nombredeempresa compañía azienda ragionesociale ' +
      'bedrijf bedrijfsnaam 会社名',
  ),
  title: words('title jobtitle jobposition berufsbezeichnung funktion fonction puesto qualifica functie'),
  phone: words(
    'phone phonenumber businessphone workphone telephone telefon telefonnummer téléphone numérodetéléphone teléfono ' +
      'númerodeteléfono telefono telefone telefoonnummer',
  ),
  country: words('country countryregion pays país paese'),
};
const FIELD_OF = new Map(Object.entries(ALIASES).flatMap(([field, names]) => names.map((name) => [name, field] as const)));

/** `Email (required)` is Email; a header that is in brackets as a whole stays. */
function plain(header: string): string {
  const lower = header.normalize('NFKC').toLowerCase();
  const bare = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '');
  return bare(lower.replaceAll(/\([^()]*\)/g, '')) || bare(lower);
}

/** The field that a header names, or the header itself. */
export function fieldOf(header: string): string {
  return FIELD_OF.get(plain(header)) ?? cleanHeader(header);
}

export function cleanHeader(header: string): string {
  return header.replaceAll(/[\p{Default_Ignorable_Code_Point}\p{C}]/gu, '').trim();
}

/**
 * The field of each column; null for a column without a name.
 * @throws ImportFileError where a required column is missing, or two columns have the same name or name the same
 * required field.
 */
export function fieldsOfColumns(headers: string[], options: ColumnOptions): (string | null)[] {
  const names = headers.map(cleanHeader);
  const repeated = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (repeated) throw new ImportFileError(`Two columns are called "${repeated}". Rename or remove one. Nothing was posted.`);
  const fields = mappedColumns(names, options.map);
  for (const [field, aliases] of Object.entries(ALIASES)) {
    if (fields.includes(field)) continue;
    const candidates = names
      .map((name, index) => ({ index, name, rank: fields[index] === undefined ? aliases.indexOf(plain(name)) : -1 }))
      .filter(({ rank }) => rank >= 0);
    if (candidates.length > 1 && field === 'email') {
      const list = candidates.map(({ name }) => `"${name}"`).join(' and ');
      throw new ImportFileError(
        `${list} may both be the e-mail. Choose one, e.g. --map "${candidates[0]!.name}=email". Nothing was posted.`,
      );
    }
    const best = candidates.toSorted((a, b) => a.rank - b.rank)[0];
    if (best) fields[best.index] = field;
  }
  readNamesTogether(names, fields);
  readAmbiguous(names, fields);
  requireColumns(names, fields, options);
  const named = names.map((name, index) => fields[index] ?? (name === '' ? null : name));
  refuseSameField(names, named);
  return named;
}

/** Other things in English: they count beside a column that is called so in the language that is meant. */
const AMBIGUOUS: [called: string, beside: RegExp, field: string][] = [
  ['position', /^(?:vorname|nachname|firma|firmenname|unternehmen|kampagnenid)$/, 'title'],
  ['land', /^(?:vorname|nachname|firma|firmenname|unternehmen|kampagnenid|voornaam|achternaam|bedrijf)$/, 'country'],
  ['cargo', /^(?:nombre|apellidos?|empresa|correo(?:electr[oó]nico)?|sobrenome)$/, 'title'],
  ['poste', /^(?:prénom|prenom|société|entreprise|courriel)$/, 'title'],
];

function readAmbiguous(names: string[], fields: (string | undefined)[]): void {
  const called = names.map(plain);
  for (const [name, beside, field] of AMBIGUOUS) {
    const index = called.indexOf(name);
    const isMeant = index >= 0 && fields[index] === undefined && !fields.includes(field);
    if (isMeant && called.some((other) => beside.test(other))) fields[index] = field;
  }
}

const GIVEN_NAME = /^(?:vorname|voornaam|prénom|prenom)$/;

/**
 * `Vorname;Name`: the second is the family name. `Nom`, `Nombre` and `Nome` are the whole name where no other column
 * has a part of it.
 */
function readNamesTogether(names: string[], fields: (string | undefined)[]): void {
  const [whole, first, last] = ['name', 'first_name', 'last_name'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const isCalled = (index: number, pattern: RegExp) => index >= 0 && pattern.test(plain(names[index]!));
  if (isCalled(first, GIVEN_NAME) && last < 0 && isCalled(whole, /^name$/)) fields[whole] = 'last_name';
  if (whole >= 0) return;
  if (isCalled(first, /^(?:nombre|nome)$/) && last < 0) fields[first] = 'name';
  if (isCalled(last, /^nom$/) && first < 0) fields[last] = 'name';
}

/** Of two columns for one field the second would silently win. */
function refuseSameField(names: string[], fields: (string | null)[]): void {
  const second = fields.findIndex((field, index) => field !== null && fields.indexOf(field) < index);
  if (second < 0) return;
  const [field, first] = [fields[second]!, fields.indexOf(fields[second]!)];
  // The column that has the name of the field already is the one to rename.
  const other = names[first] === field ? names[first]! : names[second]!;
  throw new ImportFileError(
    `The columns "${names[first]!}" and "${names[second]!}" are both ${field}. Give one another name, e.g. ` +
      `--map "${other}=other_${field}". Nothing was posted.`,
  );
}

function mappedColumns(names: string[], map: Record<string, string>): (string | undefined)[] {
  const fields = Array.from<string | undefined>({ length: names.length });
  for (const [header, field] of Object.entries(map)) {
    const exact = names.indexOf(header);
    const index = exact >= 0 ? exact : names.findIndex((name) => plain(name) === plain(header));
    if (index < 0)
      throw new ImportFileError(`--map ${header}=${field}: no column is called "${header}". ${found(names)} Nothing was posted.`);
    fields[index] = field;
  }
  return fields;
}

function requireColumns(names: string[], fields: (string | undefined)[], { campaign }: ColumnOptions): void {
  const isMissing = (field: string) => !fields.includes(field) && !(field === 'campaign_id' && campaign !== undefined);
  const missing = ['email', 'campaign_id'].filter(isMissing);
  if (missing.length === 0) return;
  const advice =
    missing.join() === 'campaign_id'
      ? 'Name the campaign of all rows with --campaign, or a column with --map "Header=campaign_id".'
      : names.length === 1 && /[,;\t|]/.test(names[0]!)
        ? 'The whole line is one value, in quotation marks or with another delimiter: save the file again as CSV.'
        : names.some((name) => name.includes('@'))
          ? 'The first line looks like data: add a line with the names of the columns.'
          : `Name a column with --map "Header=${missing[0]}".`;
  throw new ImportFileError(
    `There is no column ${missing.join(' and no column ')}. ${found(names)} ${advice} Nothing was posted.`,
  );
}

function found(names: string[]): string {
  const list = names.slice(0, 12).map((name) => (name.includes('@') ? '(an address)' : `"${name.slice(0, 40)}"`));
  return `Found: ${list.join(', ')}${names.length > 12 ? ' …' : ''}.`;
}
