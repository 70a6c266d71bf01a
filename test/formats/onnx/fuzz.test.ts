/** Damaged files: each is read or refused, with one of the two errors that say so, and soon. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { arbitraryNetwork, Random } from '../../network/arbitrary.ts';
import { read } from './build.ts';

const models = readFileSync(new URL('runtime/runtime.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => new Uint8Array(Buffer.from((JSON.parse(line) as { model: string }).model, 'base64')));

function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.1)) return bytes.slice(0, random.integer(0, bytes.length - 1));
  const result = random.chance(0.2) ? spliced(bytes, random) : bytes.slice();
  const changes = random.pick([1, 1, 1, 2, 4, 16]);
  for (let k = 0; k < changes; k++) {
    const at = random.integer(0, result.length - 1);
    result[at] = random.pick([
      random.integer(0, 255),
      result[at]! ^ (1 << random.integer(0, 7)),
      0,
      0x7f,
      0x80,
      0xff,
    ]);
  }
  return result;
}

/** A stretch repeated or left out. */
function spliced(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.integer(0, bytes.length - 1);
  const end = Math.min(start + random.integer(1, 40), bytes.length);
  const stretch = bytes.subarray(start, end);
  const tail = bytes.subarray(random.chance(0.5) ? start : end);
  const result = new Uint8Array(end + tail.length);
  result.set(bytes.subarray(0, start));
  result.set(stretch, start);
  result.set(tail, end);
  return result;
}

async function outcome(bytes: Uint8Array): Promise<'read' | 'refused'> {
  try {
    await read(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof InputError || error instanceof UnsupportedError) return 'refused';
    throw error;
  }
}

describe('damaged files', () => {
  it('of every operator are read or refused', async () => {
    const random = new Random(20);
    const counts = { read: 0, refused: 0 };
    for (let k = 0; k < 20_000; k++) {
      const bytes = damaged(models[k % models.length]!, random);
      counts[await outcome(bytes)]++;
    }
    // Most damage is noticed, some is not: both paths are walked.
    expect(counts.refused).toBeGreaterThan(2_000);
    expect(counts.read).toBeGreaterThan(200);
  });

  it('of random networks are read or refused', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryNetwork(6, false), fc.nat(), async ({ network }, seed) => {
        const bytes = writeOnnx(network);
        const random = new Random(seed);
        for (let k = 0; k < 20; k++) await outcome(damaged(bytes, random));
      }),
      { numRuns: 100 },
    );
  });
});
