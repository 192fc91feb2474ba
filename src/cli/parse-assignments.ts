/** `title=VP company=Acme` as an object; a value may contain further equals signs. */
export function fieldsOf(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error(`"${pair}" is not field=value.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
