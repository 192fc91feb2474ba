export interface ContentType {
  /** Lower case, without parameters; empty where the header is missing. */
  type: string;
  charset: string | null;
}

const CHARSET = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i;

/** Parses a Content-Type leniently: senders vary spaces, capitals and quotes, or omit the header. */
export function readContentType(header: string | undefined): ContentType {
  if (header === 'application/json') return JSON_TYPE; // nearly every webhook
  const type = (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
  const charset = CHARSET.exec(header ?? '');
  return { type, charset: charset ? (charset[1] ?? charset[2]!).trim() || null : null };
}

const JSON_TYPE: ContentType = { type: 'application/json', charset: null };

export function isJsonType(type: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json$/.test(type);
}

export function isFormType(type: string): boolean {
  return type === 'application/x-www-form-urlencoded';
}
