/** Foreign text (names in a file, messages of libraries, paths) made safe to show: nothing in it acts on a terminal or page. */

/** Control characters (line ends included), invisible and bidirectional formatting, line separators, halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line without any of them: each is written as `\u001b`, the way JSON does. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** JSON with every such character inside its strings escaped; white space between them is kept. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (c) => (c === '\n' ? c : escaped(c)));
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, k) => `\\u${character.charCodeAt(k).toString(16).padStart(4, '0')}`,
  ).join('');
}
