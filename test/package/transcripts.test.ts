/** What documents show of commands is what these print. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, rerun, transcriptsIn } from '../../scripts/transcripts.ts';

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** By how much numbers may differ: searches end elsewhere with every engine. */
const TOLERANCE = 2e-3;

/** A line without what is another thing on every machine and at every time. */
function lasting(line: string): string {
  return line
    .replace(/; (OpenBLAS|Wasm|WebGPU).*$/, '; ENGINE')
    .replace(/^( +at least +sampled) .*/, '$1')
    .replace(/^At least .* \(sampled[^)]*\): .*/, 'At least SAMPLED')
    .replace(/^Search \((.*)\): .*/, 'Search ($1)')
    .replace(/^[\d.]+ s a sample\.$/, 'SECONDS a sample')
    .replace(/(digits are rounded \w+\.) [\d.]+ \w+\.$/, '$1 SECONDS')
    .replace(/( +\d+\.\d{4} +)\d+\.\d+$/, '$1SECONDS');
}

/** The first difference between what is shown and what is printed, if there is one that counts. */
function difference(shown: string, printed: string): string | undefined {
  const [left, right] = [shown, printed].map((text) => text.split('\n').map(lasting));
  for (let k = 0; k < Math.max(left!.length, right!.length); k++) {
    const [a = '', b = ''] = [left![k], right![k]];
    const words = (line: string) => line.replaceAll(NUMBER, '#').replaceAll(/\s+/g, ' ');
    const numbers = (line: string) => [...line.matchAll(NUMBER)].map(([text]) => Number(text));
    const [x, y] = [numbers(a), numbers(b)];
    const close = x.every((value, n) => Math.abs(value - y[n]!) <= TOLERANCE * Math.abs(value));
    if (words(a) !== words(b) || !close) return `line ${k + 1}: ${a}\nbecame: ${b}`;
  }
  return undefined;
}

describe('transcripts', () => {
  it.each(DOCUMENTS)('of %s are what commands print', async (name) => {
    const text = readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');
    const all = await rerun(text);
    expect(all.length).toBeGreaterThan(0);
    for (const { command, shown, printed } of all) {
      if (shown !== undefined) expect(difference(shown, printed), command).toBe(undefined);
    }
  });

  const LINES = 'a 3: four\n*  refined  299.562  2.4765  0.992\n   at least  sampled  58.1  1.7  0.1\n';
  it.each([
    ['another number', LINES.replace('299.562', '301.2'), true],
    ['another word', LINES.replace('refined', 'unrolled'), true],
    ['a line less', LINES.replace(/.*at least.*\n/, ''), true],
    ['a number less', LINES.replace(' 2.4765', ''), true],
    ['NaN', LINES.replace('299.562', 'NaN'), true],
    ['the last digit', LINES.replace('299.562', '299.549'), false],
    ['other seconds and samples', LINES.replace('0.992', '12.3').replace('58.1  1.7', '61.3  1.8'), false],
  ])('differ by %s', (_, changed, counts) => {
    expect(difference(LINES, changed) !== undefined).toBe(counts);
  });

  it('without a block are seen', () => {
    expect(() => transcriptsIn('<!-- prints: lipsoid bound a.onnx -->\nnothing')).toThrow(
      /there must be a block/,
    );
  });
});
