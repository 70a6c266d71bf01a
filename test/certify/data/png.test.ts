/** PNG images against an encoder of somebody else's, and images that claim what they do not hold. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { type BitDepth, encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { decodePng, pngOutline } from '../../../src/certify/data/formats/png.ts';
import { png, pngChunk } from './files.ts';

describe('PNG images', () => {
  it.each([
    [1, 8],
    [2, 8],
    [3, 8],
    [4, 8],
    [1, 16],
    [3, 16],
  ] as const)('of %i samples with %i bits, as fast-png writes them', async (channels, depth) => {
    const largest = depth === 16 ? 65535 : 255;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.nat(largest)),
        async (width, height, numbers) => {
          const colours = channels >= 3 ? 3 : 1;
          const data = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * channels);
          for (let k = 0; k < data.length; k++) {
            data[k] = k % channels >= colours ? largest : (numbers.next().value as number);
          }
          const bytes = encode({ width, height, data, channels, depth: depth as BitDepth });
          const image = await decodePng('a.png', bytes);
          expect(image.shape).toEqual([colours, height, width]);
          expect(image.full).toBe(largest);
          const pixels = width * height;
          const expected = Array.from(
            { length: colours * pixels },
            (_, n) => data[(n % pixels) * channels + Math.floor(n / pixels)],
          );
          expect([...image.values]).toEqual(expected);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('with every filter', async () => {
    // Two lines for each filter: 10, 20, 30 and 40, 50, 60 in grey.
    const first = [10, 20, 30];
    const filtered = [
      [[0, 40, 50, 60]],
      [[1, 40, 10, 10]],
      [[2, 30, 30, 30]],
      [[3, 35, 20, 20]],
      // Paeth: the predictions are up (10), then left (40; |up − corner| is 10, |left − corner| 30), so up wins or ties as the rule says.
      [[4, 30, 10, 10]],
    ];
    for (const [line] of filtered) {
      const image = await decodePng('a.png', png([3, 2, 8, 0], Buffer.from([0, ...first, ...line!])));
      expect([...image.values], `filter ${line![0]}`).toEqual([10, 20, 30, 40, 50, 60]);
    }
  });

  it('of one bit, and with a palette', async () => {
    const bits = await decodePng('a.png', png([9, 1, 1, 0], Buffer.from([0, 0b10100000, 0b10000000])));
    expect([...bits.values]).toEqual([255, 0, 255, 0, 0, 0, 0, 0, 255]);
    const palette = pngChunk('PLTE', Buffer.from([1, 2, 3, 4, 5, 6]));
    const indexed = await decodePng('a.png', png([2, 1, 4, 3], Buffer.from([0, 0x01]), [palette]));
    expect(indexed.shape).toEqual([3, 1, 2]);
    expect([...indexed.values]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('say how large they are before they are unpacked', () => {
    const claims = png([4000, 4000, 16, 2], Buffer.from([0, 7]));
    expect(pngOutline('a.png', claims)).toMatchObject({ shape: [3, 4000, 4000], full: 65535 });
  });

  const grey = Buffer.from([0, 7]);
  const changed = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    return copy;
  };
  it.each([
    ['another file', Buffer.from('GIF89a'), /must be a PNG image/],
    ['a part', png([1, 1, 8, 0], grey).subarray(0, 50), /ends early/],
    ['a changed bit', changed(png([1, 1, 8, 0], grey), 45), /check sum/],
    ['a bomb', png([1, 1, 8, 0], Buffer.alloc(2 ** 26)), /unpacks to more than the 2 bytes/],
    ['too little', png([1, 9, 8, 0], grey), /unpacks to 2 bytes and says 18/],
    ['too many pixels', png([2 ** 31, 2 ** 31, 8, 0], grey), /at most \d+ pixels/],
    ['no pixels', png([0, 1, 8, 0], grey), /at most \d+ pixels/],
    ['a kind that does not exist', png([1, 1, 3, 0], grey), /does not exist/],
    ['interlaced', png([1, 1, 8, 0, 1], grey), /interlaced/],
    ['a filter that does not exist', png([1, 1, 8, 0], Buffer.from([9, 7])), /filter 9/],
    ['without a palette', png([1, 1, 8, 3], grey), /no palette/],
    [
      'beyond its palette',
      png([1, 1, 8, 3], grey, [pngChunk('PLTE', Buffer.from([1, 2, 3]))]),
      /palette is too short/,
    ],
    ...([0, 2, 3] as const).map(
      (colour) =>
        [
          `a colour that is transparent, type ${colour}`,
          png([1, 1, 8, colour], Buffer.from([0, 7, 7, 7]), [
            pngChunk('PLTE', Buffer.from([1, 2, 3])),
            pngChunk('tRNS', Buffer.from([0, 7])),
          ]),
          /transparent/,
        ] as const,
    ),
    ['transparent', png([1, 1, 8, 4], Buffer.from([0, 7, 100])), /transparent/],
    ['no image', png([1, 1, 8, 0], grey).subarray(0, 33), /ends early/],
    [
      'a stream that is none',
      Buffer.concat([
        png([1, 1, 8, 0], grey).subarray(0, 33),
        pngChunk('IDAT', deflateSync(grey).subarray(0, 4)),
        pngChunk('IEND', Buffer.alloc(0)),
      ]),
      /a\.png: broken/,
    ],
  ] as readonly (readonly [string, Buffer, RegExp])[])('refuse %s', async (_, bytes, why) => {
    const error = await decodePng('a.png', bytes).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error?.name).toBe('InputError');
    expect(error?.message).toMatch(why);
  });
});
