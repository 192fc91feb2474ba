/** Names of states and provinces by their postal codes, which forms and CRMs use alike. */
const STATES: Record<'US' | 'CA', string> = {
  US: `al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|de delaware|
    dc district of columbia|fl florida|ga georgia|hi hawaii|id idaho|il illinois|in indiana|ia iowa|ks kansas|ky kentucky|
    la louisiana|me maine|md maryland|ma massachusetts|mi michigan|mn minnesota|ms mississippi|mo missouri|mt montana|
    ne nebraska|nv nevada|nh new hampshire|nj new jersey|nm new mexico|ny new york|nc north carolina|nd north dakota|
    oh ohio|ok oklahoma|or oregon|pa pennsylvania|pr puerto rico|ri rhode island|sc south carolina|sd south dakota|
    tn tennessee|tx texas|ut utah|vt vermont|va virginia|wa washington|wv west virginia|wi wisconsin|wy wyoming`,
  CA: `ab alberta|bc british columbia|mb manitoba|nb new brunswick|nl newfoundland and labrador|ns nova scotia|
    nt northwest territories|nu nunavut|on ontario|pe prince edward island|qc quebec|sk saskatchewan|yt yukon`,
};

export interface State {
  country: string;
  /** `us-ca`, by which both spellings are found. */
  code: string;
}

const BY_WORD = new Map(
  Object.entries(STATES).flatMap(([country, list]) =>
    list.split('|').flatMap((each): [string, State][] => {
      const [, code = '', name = ''] = /^\s*(\w\w) (.+)$/u.exec(each) ?? [];
      const state = { country, code: `${country.toLowerCase()}-${code}` };
      return [code, name, state.code].map((word) => [word, state]);
    }),
  ),
);

/** A state of the United States or a province of Canada by its name or its code; undefined where the text is none. */
export function stateOf(text: string): State | undefined {
  return BY_WORD.get(text.trim().toLowerCase().normalize('NFD').replaceAll(/\p{M}/gu, ''));
}
