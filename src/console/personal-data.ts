/** Attributes that say nothing about who the person is. */
const SHOWN =
  /^(?:company|companyname|title|jobtitle|industry|country|source|leadsource|utm_.*|campaign.*|employees|companysize)$/;

/** "a…@acme.example": the domain tells which company it is. */
export function maskedEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 1 ? '…' : `${[...email][0]}…${email.slice(at)}`;
}

/** "A… B…". */
export function maskedName(name: string | null): string | null {
  if (name === null) return null;
  return name
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => `${[...word][0]}…`)
    .join(' ');
}

/** Attributes with the values hidden that may name the person. */
export function maskedAttributes(attributes: Record<string, string>): [string, string][] {
  return Object.entries(attributes).map(([name, value]) => [name, SHOWN.test(plain(name)) ? value : '…']);
}

function plain(name: string): string {
  return name.split('.').at(-1)!.toLowerCase().replaceAll(/[\s-]/g, '');
}
