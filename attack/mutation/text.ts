/** What may reach a terminal. */

/**
 * Characters that move a cursor, hide or turn round what is printed: C0 but for the line feed, DEL, C1, the marks that set the
 * direction of text, and the line separators of Unicode.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** The first character that must not be printed as it is, with its code; undefined for text without any. */
export function hiddenCharacter(text: string): string | undefined {
  const found = HIDDEN.exec(text);
  if (!found) return undefined;
  const code = found[0].codePointAt(0)!.toString(16).padStart(4, '0');
  return `U+${code} in ${JSON.stringify(text.slice(Math.max(0, found.index - 30), found.index + 30))}`;
}
