import { describe, expect, it } from 'vitest';
import { findingsIn, longProseLines, longSentences, retiredWords } from '../../scripts/check-language.mjs';

const words = (path: string, text: string) => retiredWords(path, text).map(({ what }) => /^"(.*?)"/.exec(what)![1]);

describe('the language check', () => {
  it.each([
    ['Nobody answers, and whoever asks is told of it.', ['Nobody', 'whoever', 'is told of']],
    ['One Lead a person; the leads in hand wait for company.', ['One Lead a person', 'in hand', 'wait for company']],
    ['PostgreSQL is away, so the lead is given up and buried.', ['buried', 'given up', 'is away']],
    ['The given-up outcome, commend, turn it away, newsletter, 3 a day.', []],
  ])('finds the retired words of %j', (text, expected) => {
    expect(words('src/x.ts', `// ${text}`).toSorted()).toEqual(expected.toSorted());
  });

  it('allows the system user, e-mail addresses and quoted test data, and only where they belong', () => {
    expect(words('src/platform/embedded/x.ts', "const user = 'nobody';")).toEqual([]);
    expect(words('src/queue/x.ts', "const user = 'nobody';")).toEqual(['nobody']);
    expect(words('src/queue/x.ts', 'nobody@example.com')).toEqual([]);
    expect(words('test/x.ts', "message: 'Has somebody a quote?'")).toEqual([]);
  });

  it('measures comments and Markdown prose, not code, tables or links', () => {
    const long = 'word '.repeat(30);
    expect(longProseLines('src/x.ts', `// ${long}\nconst x = '${long}';`).map(({ line }) => line)).toEqual([1]);
    expect(longProseLines('docs/x.md', `${long}\n| ${long} |\n\`\`\`\n${long}\n\`\`\`\n`).map(({ line }) => line)).toEqual([1]);
    expect(longProseLines('docs/x.md', `[text](${'a'.repeat(130)})`)).toEqual([]);
  });

  it('measures sentences across lines; list items and code are their own', () => {
    const twenty = Array.from({ length: 20 }, (_, index) => `w${index}`).join(' ');
    expect(longSentences('docs/x.md', `${twenty}\n${twenty} and one.`)).toHaveLength(1);
    expect(longSentences('docs/x.md', `${twenty}.\nThen ${twenty}.`)).toEqual([]);
    expect(longSentences('docs/x.md', `- ${twenty}\n- ${twenty} and one.`)).toEqual([]);
    expect(longSentences('docs/x.md', `\`\`\`\n${twenty} ${twenty} ${twenty}\n\`\`\``)).toEqual([]);
  });

  it('checks generated files for words only', () => {
    expect(findingsIn('docs/errors.md', `${'word '.repeat(60)} nobody`)).toHaveLength(1);
  });
});
