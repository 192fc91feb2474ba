const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const ID = /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/;

/**
 * An id in its form of 18 characters, so that two spellings of one id are equal. The last three say which of the
 * fifteen are upper-case, so an id whose letters were changed by a spreadsheet is restored
 * (https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm#i1435616). Anything else comes back
 * as it is.
 */
export function to18(id: string): string {
  if (!ID.test(id)) return id;
  if (id.length === 15) return id + suffixOf(id);
  const masks = [...id.slice(15).toUpperCase()].map((character) => SUFFIX.indexOf(character));
  if (masks.includes(-1)) return id;
  const restored = Array.from(id.slice(0, 15)).map((character, at) =>
    (masks[Math.floor(at / 5)]! >> (at % 5)) & 1 ? character.toUpperCase() : character.toLowerCase(),
  );
  const fifteen = restored.join('');
  return suffixOf(fifteen) === id.slice(15).toUpperCase() ? fifteen + suffixOf(fifteen) : id;
}

/**
 * Whether it is an id of an object with this key prefix (701 Campaign, 00Q Lead, 003 Contact), in its form of 18
 * characters.
 */
export function isIdOf(prefix: string, id: string): boolean {
  return id.length === 18 && id.startsWith(prefix) && ID.test(id) && id.slice(15) === suffixOf(id.slice(0, 15));
}

/** A user or queue of Salesforce in its form of 18 characters; any other id as it is. */
export function ownerIdOf(id: string): string {
  return /^00[5G][A-Za-z0-9]{12}$/u.test(id) ? to18(id) : id;
}

function suffixOf(fifteen: string): string {
  return [0, 5, 10]
    .map((from) =>
      Array.from(fifteen.slice(from, from + 5)).reduce(
        (mask, character, at) => mask | (/[A-Z]/.test(character) ? 1 << at : 0),
        0,
      ),
    )
    .map((mask) => SUFFIX[mask]!)
    .join('');
}
