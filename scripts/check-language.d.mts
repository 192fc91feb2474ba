interface Finding {
  /** From 1. */
  line: number;
  what: string;
}
type Check = (path: string, text: string) => Finding[];

export const retiredWords: Check;
export const longProseLines: Check;
export const longSentences: Check;
export const findingsIn: Check;
