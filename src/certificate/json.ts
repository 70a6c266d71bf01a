/** JSON that is read before anything vouches for it. */
import { InputError } from '../errors.ts';

/** Objects and arrays within each other; Lipsoid writes four. */
const MOST_DEPTH = 16;

/**
 * `JSON.parse`, without what it lets pass: members that occur twice, of which readers see different ones, and nesting without end,
 * which takes more memory than the text.
 * @param what the text is, for messages
 */
export function parseJson(text: string, what: string): unknown {
  const wrong = (why: string) => new InputError(`${what}: ${why}`);
  /** Names of the members so far of every object that is open; none for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        open.push(text[at] === '{' ? new Set() : undefined);
        if (open.length > MOST_DEPTH) throw wrong(`must be nested at most ${MOST_DEPTH} deep`);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        const names = open.at(-1);
        if (names && isName(text, end)) {
          const name = nameOf(text.slice(at, end));
          if (name !== undefined && names.has(name)) throw wrong(`must have the member "${name}" once`);
          if (name !== undefined) names.add(name);
        }
        at = end - 1;
        break;
      }
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw wrong('must be JSON');
  }
}

/** Behind the quotation mark that ends the string which starts at `from`, or the end of the text. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let before = at - 1;
    while (text[before] === '\\') before--;
    if ((at - before) % 2 === 1) return at + 1;
  }
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return text[at] === ':';
}

/** Undefined for what is no string: `JSON.parse` says so of the whole. */
function nameOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
