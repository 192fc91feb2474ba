const NAMED_IN = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'ja', 'zh'];
/** Languages that forms offer by their names. */
const LANGUAGES =
  'ar bg ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nb nl no pl pt ro ru sk sl sr sv th tr uk vi zh'.split(
    ' ',
  );

let names: Map<string, string> | undefined;

/**
 * The words by which a language is found: `de-AT`, as `de_AT` too, is German in Austria and German; `German` and
 * `Deutsch` are `de`.
 */
export function languageWords(text: string): string[] {
  const tag = languageTag(text);
  const [base = tag] = tag.split('-');
  return base === tag ? [tag] : [tag, base];
}

/** The tag as comparisons need it, in lower case: `de-at`; any other text as it is. */
export function languageTag(text: string): string {
  names ??= readNames();
  const word = text.trim().toLowerCase();
  // `English (US)`, as Salesforce shows it.
  const named = names.get(word) ?? names.get(word.replace(/\s*\([^()]*\)$/u, ''));
  if (named !== undefined) return named;
  return /^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*$/u.test(word) ? word.replaceAll('_', '-') : word;
}

function readNames(): Map<string, string> {
  const found = new Map<string, string>();
  for (const shownIn of new Set([...NAMED_IN, ...LANGUAGES])) {
    const display = new Intl.DisplayNames([shownIn], { type: 'language', fallback: 'none' });
    for (const language of NAMED_IN.includes(shownIn) ? LANGUAGES : [shownIn]) {
      const name = display.of(language)?.toLowerCase();
      if (name !== undefined && !found.has(name)) found.set(name, language);
    }
  }
  return found;
}
