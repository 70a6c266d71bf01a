/** Messages of the library in the words of the page. */
import { flagOf } from '../../src/cli/words.ts';

/** A field for what a file leaves open; its name is that of the library's option. */
interface ReadingField {
  readonly option: 'inputShape' | 'output' | 'batch';
  readonly label: string;
  readonly placeholder: string;
  readonly pattern: string;
  readonly read: (text: string) => readonly number[] | string | number;
}

export const READING_FIELDS: readonly ReadingField[] = [
  {
    option: 'inputShape',
    label: 'Input shape without the batch axis',
    placeholder: '1x28x28',
    pattern: '[0-9]+(x[0-9]+)*',
    read: (text) => text.split('x').map(Number),
  },
  {
    option: 'output',
    label: 'Name of the output',
    placeholder: 'output',
    pattern: '.+',
    read: (text) => text,
  },
  { option: 'batch', label: 'Size of the batch', placeholder: '1', pattern: '1', read: Number },
];

/** What the library calls `the option inputShape` is a field here, or an option of the command line where the page has none. */
export function inPageWords(text: string): string {
  return text.replace(/\bthe option ([a-z]+(?:[A-Z][a-z]+)*)\b/g, (_, name: string) => {
    const field = READING_FIELDS.find(({ option }) => option === name);
    return field ? `“${field.label}”` : `${flagOf(name)} of the command line`;
  });
}
