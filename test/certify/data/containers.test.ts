/** Files of samples: what was written is what is read, and what is broken, hostile or of another kind is refused in one sentence. */
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobSource } from '../../../src/arrays/stretch.ts';
import { openContainer } from '../../../src/certify/data/container.ts';
import { file, floats, idx, labelsNpy, npy, npyHeader, safetensorsFile, zip } from './files.ts';

/** All rows of an array. */
async function read(bytes: Uint8Array, key = 'x', name = 'data.npz', rows?: number): Promise<number[][]> {
  const container = await openContainer(file(name, bytes));
  const array = await container.rows(key);
  const all: number[][] = [];
  for await (const row of array.read(0, rows ?? array.shape[0]!)) all.push([...row]);
  return all;
}

/** float32 [2, 2, 3]: k/8; int64 [2]: 1, 0. Written by NumPy 2, `savez_compressed`. */
const FROM_NUMPY =
  'UEsDBC0AAAAIAAAAIQAKIFno//////////8FABQAeC5ucHkBABAAsAAAAAAAAABoAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CkBkrKmjUKtAHuBigAA7BoYGID4AxAz2DAwKQOwAxAlA3ADEE4B4ARBvsAcAUEsDBC0AAAAIAAAAIQBx+zmr//////////8FABQAeS5ucHkBABAAkAAAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5GBlQAAFBLAQItAy0AAAAIAAAAIQAKIFnoaAAAALAAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAIAAAAIQBx+zmrSAAAAJAAAAAFAAAAAAAAAAAAAACAAZ8AAAB5Lm5weVBLBQYAAAAAAgACAGYAAAAeAQAAAAA=';

describe('archives of NumPy', () => {
  it('that NumPy has written', async () => {
    const bytes = Buffer.from(FROM_NUMPY, 'base64');
    expect(await read(bytes)).toEqual([
      [0, 0.125, 0.25, 0.375, 0.5, 0.625],
      [0.75, 0.875, 1, 1.125, 1.25, 1.375],
    ]);
    expect(await read(bytes, 'y')).toEqual([[1], [0]]);
  });

  it('stored, deflated, with a comment, in a page', async () => {
    const values = [1, 2, 3, 4, 5, 6];
    for (const options of [{ store: true }, { store: false }, { comment: 'PK\x05\x06 is no end' }]) {
      const bytes = zip({ 'x.npy': npy([3, 2], values) }, options);
      expect(await read(bytes)).toEqual([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      const page = await openContainer(blobSource('data.npz', new Blob([new Uint8Array(bytes)])));
      expect((await page.rows('x')).shape).toEqual([3, 2]);
    }
  });

  it('of any rows, read from the middle', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ noNaN: true }), { minLength: 12, maxLength: 12 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 4 }),
        async (values, store, from) => {
          const bytes = zip({ 'x.npy': npy([4, 3], values) }, { store });
          const array = await (await openContainer(file('d.npz', bytes))).rows('x');
          const rows: number[] = [];
          for await (const row of array.read(from, 4)) rows.push(...row);
          expect(rows).toEqual(values.slice(3 * from));
        },
      ),
    );
  });

  it.each([
    ['<f8', Buffer.from(Float64Array.of(0.1, -2).buffer), [0.1, -2]],
    ['>f4', Buffer.from([0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]), [1, -2]],
    ['<f2', Buffer.from([0x00, 0x3c, 0x01, 0x80]), [1, -(2 ** -24)]],
    ['>i2', Buffer.from([0xff, 0xfe, 0x01, 0x00]), [-2, 256]],
    ['<i8', Buffer.from(BigInt64Array.of(-1n, 7n).buffer), [-1, 7]],
    ['<u4', Buffer.from(Uint32Array.of(4e9, 1).buffer), [4e9, 1]],
    ['|i1', Buffer.from([0xff, 1]), [-1, 1]],
    ['|b1', Buffer.from([0, 1]), [0, 1]],
  ])('numbers of type %s', async (descr, data, expected) => {
    expect((await read(Buffer.concat([npyHeader(descr, [2]), data]), '', 'x.npy')).flat()).toEqual(expected);
  });
});

describe('what is broken is refused in one sentence that names it', () => {
  const good = npy([3, 2], [1, 2, 3, 4, 5, 6]);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['an archive without its end', zip({ 'x.npy': good }).subarray(0, 120), /data\.npz: broken zip archive/],
    ['an array that is shorter than it says', npy([4, 2], [1, 2, 3]), /takes .* bytes, got/],
    ['an array that is longer', npy([1, 2], [1, 2, 3]), /takes .* bytes, got/],
    [
      'the same, stored in an archive',
      zip({ 'x.npy': npy([9, 9], [1]) }, { store: true }),
      /x\.npy in data\.npz: broken/,
    ],
    [
      'an entry that unpacks to more',
      zip({ 'x.npy': npy([2], [1, 2]) }, { claims: { packed: deflateRawSync(Buffer.alloc(5e6)) } }),
      /unpacks to more|must be an array/,
    ],
    [
      'an entry that unpacks to less',
      zip({ 'x.npy': npy([2], [1, 2]) }, { claims: { packed: deflateRawSync(npyHeader('<f4', [2])) } }),
      /unpacks to|ends in row/,
    ],
    ['another check sum, stored', zip({ 'x.npy': good }, { store: true, claims: { crc: 1 } }), /check sum/],
    ['another check sum', zip({ 'x.npy': good }, { claims: { crc: 1 } }), /check sum/],
    [
      'bytes that do not unpack',
      zip({ 'x.npy': good }, { claims: { packed: Buffer.alloc(50, 0xff) } }),
      /cannot be unpacked/,
    ],
    ['another packing', zip({ 'x.npy': good }, { method: 14 }), /stored or deflated, got method 14/],
    ['an encrypted entry', zip({ 'x.npy': good }, { flags: 1 }), /encrypted/],
    [
      'Python objects',
      zip({ 'x.npy': Buffer.concat([npyHeader('|O', [1]), Buffer.alloc(40)]) }),
      /must hold numbers .*got \|O \(Python objects/,
    ],
    [
      'a structure',
      zip({ 'x.npy': Buffer.concat([npyHeader("[('a', '<f4')]", [1]), Buffer.alloc(4)]) }),
      /got a structure/,
    ],
    [
      'Fortran order',
      zip({ 'x.npy': Buffer.concat([npyHeader('<f4', [2, 2], true), floats([1, 2, 3, 4])]) }),
      /ascontiguousarray/,
    ],
    ['a single number', npy([], [1]), /must have rows/],
    [
      'a shape beyond all numbers',
      Buffer.concat([npyHeader('<f4', [2 ** 40, 2 ** 40]), floats([1])]),
      /must be an array of at most/,
    ],
    [
      'a header that never ends',
      Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 255, 255, 255, 127]),
      /its header says/,
    ],
    [
      'another file',
      Buffer.from('hello, this is text'),
      /must be a file of samples \(\.npz, .*got another file/,
    ],
    ['an empty file', Buffer.alloc(0), /must be a file of samples/],
  ];
  it.each(cases)('%s', async (_, bytes, why) => {
    const error = await read(bytes).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error?.name).toBe('InputError');
    expect(error?.message).toMatch(why);
    expect(error?.message).not.toContain('\n');
  });

  it('whatever bytes are changed: an answer or an InputError', async () => {
    const bytes = zip({ 'x.npy': good, 'y.npy': labelsNpy([1, 2, 3]) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const broken = Buffer.from(bytes);
          for (const [at, value] of changes) broken[at] = value;
          const container = await openContainer(file('d.npz', broken)).catch((e: Error) => e);
          if (container instanceof Error) {
            expect(container.name).toBe('InputError');
            return;
          }
          for (const key of container.keys) {
            const error = await container
              .rows(key)
              .then(
                async (rows) => {
                  for await (const _ of rows.read(0, Math.min(4, rows.shape[0]!)));
                },
                (e: Error) => e,
              )
              .catch((e: Error) => e);
            if (error) expect(error.name).toBe('InputError');
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('bombs', () => {
  it('that claim what they hold cost a row', async () => {
    const entry = Buffer.concat([npyHeader('<f4', [16 * 2 ** 20]), Buffer.alloc(64 * 2 ** 20)]);
    const source = file('bomb.npz', zip({ 'x.npy': entry }));
    expect(source.size).toBeLessThan(200_000);
    const before = process.memoryUsage().arrayBuffers;
    const array = await (await openContainer(source)).rows('x');
    let first: Float64Array | undefined;
    for await (const row of array.read(0, 1)) first = row;
    expect(first).toEqual(Float64Array.of(0));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  });

  it('in gzip end where the array does', async () => {
    const bytes = gzipSync(idx(8, [2, 2], Buffer.alloc(2 ** 24)));
    await expect(read(bytes, '', 'x.gz')).rejects.toThrow(/goes on behind its last row/);
  });
});

describe('other formats', () => {
  it('safetensors', async () => {
    const header = {
      __metadata__: { a: 'b' },
      x: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      half: { dtype: 'BF16', shape: [1], data_offsets: [16, 18] },
      odd: { dtype: 'F8_E4M3', shape: [1], data_offsets: [18, 19] },
      outside: { dtype: 'F32', shape: [2], data_offsets: [16, 24] },
      wrong: { dtype: 'F32', shape: [3], data_offsets: [0, 16] },
      bad: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] },
    };
    const data = Buffer.concat([floats([1, 2, 3, 4]), Buffer.from([0xc0, 0x3f, 7])]);
    const bytes = safetensorsFile(header, data);
    expect(await read(bytes, 'x', 'd.safetensors')).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await read(bytes, 'half', 'd.safetensors')).toEqual([[1.5]]);
    await expect(read(bytes, 'odd', 'd.safetensors')).rejects.toThrow(/odd in d.*must hold numbers.*F8_E4M3/);
    await expect(read(bytes, 'outside', 'd.safetensors')).rejects.toThrow(/outside lies outside/);
    await expect(read(bytes, 'wrong', 'd.safetensors')).rejects.toThrow(/takes 12 bytes, got 16/);
    await expect(read(bytes, 'bad', 'd.safetensors')).rejects.toThrow(/describes bad wrongly/);
    await expect(read(bytes.subarray(0, 40), 'x', 'd.safetensors')).rejects.toThrow(/broken safetensors/);
  });

  it.each([
    ['as it is', (b: Buffer) => b],
    ['packed', gzipSync],
  ])('IDX, %s', async (_, pack) => {
    const images = idx(8, [2, 1, 3], Buffer.from([0, 51, 255, 1, 2, 3]));
    expect(await read(pack(images), '', 'images-idx3-ubyte')).toEqual([
      [0, 51, 255],
      [1, 2, 3],
    ]);
    expect(await read(pack(idx(13, [1], Buffer.from([0x3f, 0x80, 0, 0]))), '', 'f')).toEqual([[1]]);
    await expect(read(pack(images.subarray(0, 20)), '', 'i')).rejects.toThrow(/broken/);
  });

  it('CIFAR, 10 and 100', async () => {
    const record = (labels: number[], value: number) =>
      Buffer.concat([Buffer.from(labels), Buffer.alloc(3072, value)]);
    const ten = Buffer.concat([record([3], 1), record([7], 2)]);
    expect(await read(ten, 'label', 'test_batch.bin')).toEqual([[3], [7]]);
    expect((await read(ten, 'x', 'test_batch.bin')).map((row) => [row.length, row[0], row[3071]])).toEqual([
      [3072, 1, 1],
      [3072, 2, 2],
    ]);
    const hundred = Buffer.concat([record([3, 41], 1), record([7, 99], 2)]);
    expect(await read(hundred, 'fine', 'test.bin')).toEqual([[41], [99]]);
    expect(await read(hundred, 'coarse', 'test.bin')).toEqual([[3], [7]]);
    const both = Buffer.alloc(3073 * 3074);
    await expect(openContainer(file('both.bin', both))).rejects.toThrow(/CIFAR-10 or CIFAR-100/);
    expect((await openContainer(file('both.bin', both), 'fine')).keys).toEqual(['x', 'coarse', 'fine']);
  });
});
