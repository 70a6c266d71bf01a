/** An output that remembers what was written. */
import type { Output } from '../../src/cli/output/terminal.ts';

export interface Recorder extends Output {
  readonly text: string;
}

export function recorder(settings: Partial<Omit<Output, 'write'>> = {}): Recorder {
  const parts: string[] = [];
  return {
    interactive: false,
    colour: false,
    columns: 100,
    ...settings,
    write: (text) => void parts.push(text),
    get text() {
      return parts.join('');
    },
  };
}
