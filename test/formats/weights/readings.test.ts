/** Files of weights that readers take for different things are refused, and so are those that keep a reader busy. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { openWeights } from '../../../src/formats/weights/open.ts';
import { floats, npy, zip } from '../../certify/data/files.ts';
import { CELL, matlabFile, matrix, row, STRUCTURE, TEXT, text, words } from '../files/matlab.ts';
import { codes, dictionary, storage, tensor, torchFile, unicode } from '../files/pickle.ts';
import { safetensorsFile } from '../files/safetensors.ts';

async function numbers(bytes: Uint8Array, file: string): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const [key, array] of await openWeights(bytes, file)) found[key] = [...(await array.numbers())];
  return found;
}

async function refuses(bytes: Uint8Array, file: string, message: RegExp): Promise<void> {
  const error = await numbers(bytes, file).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
}

const W = unicode('w');

describe('state dictionaries', () => {
  const read = (pickle: Buffer, more?: Record<string, Buffer>) => torchFile(pickle, [3, 4], more);

  it.each<[string, readonly (string | Buffer)[]]>([
    ['five operands and no more', []],
    ['no hooks', ['\x89', 'N']],
    ['metadata of nothing', ['\x89', '}', 'N']],
    ['empty metadata', ['\x89', '}', '}']],
  ])('have tensors with %s', async (_, more) => {
    expect(await numbers(read(dictionary(W, tensor(...more))), 'a.pth')).toEqual({ w: [3, 4] });
  });

  it('have no tensors that are to be negated, or with operands that are not known', async () => {
    const negative = tensor('\x89', '}', '}(', unicode('neg'), '\x88u');
    await refuses(read(dictionary(W, negative)), 'a.pth', /a tensor with metadata/);
    await refuses(read(dictionary(W, tensor('\x89', '}', 'NN'))), 'a.pth', /a tensor with metadata/);
  });

  it('have tensors of the shape that they were made with', async () => {
    // Shape and strides are lists that are noted, and grow once the tensor has been made.
    const lists = codes(']K\x02aq\x05', ']K\x01aq\x06');
    const made = codes('ctorch._utils\n_rebuild_tensor_v2\n(', storage(2), 'K\x00h\x05h\x06tR');
    const grow = 'h\x05K\x01a0h\x06K\x01a0';
    const pickle = codes('\x80\x02', lists, '00}(', W, made, 'u', grow, '.');
    const [array] = (await openWeights(read(pickle), 'a.pth')).values();
    expect(array!.shape).toEqual([2]);
  });

  it.each([
    ['little', [3, 4]],
    ['big', [...new Float32Array(new Uint8Array(floats([3, 4]).swap32()).buffer)]],
  ])('have the order of bytes that they name: %s', async (order, values) => {
    const bytes = read(dictionary(W, tensor()), { 'm/byteorder': Buffer.from(order) });
    expect(await numbers(bytes, 'a.pth')).toEqual({ w: values });
  });

  it('have no other order of bytes', async () => {
    const bytes = read(dictionary(W, tensor()), { 'm/byteorder': Buffer.from('middle') });
    await refuses(bytes, 'a.pth', /must be little or big, got "middle"/);
  });

  it('do not name a long list again and again', async () => {
    const count = 20_000;
    const ints = Buffer.from('K\x01'.repeat(count), 'latin1');
    const call = codes('h\x00(h\x01K\x00h\x02h\x02tR0');
    const noted = codes('ctorch._utils\n_rebuild_tensor_v2\nq\x000', storage(2), 'q\x010](', ints, 'eq\x020');
    const pickle = codes('\x80\x02', noted, ...Array.from({ length: count }, () => call), '}.');
    const before = process.cpuUsage();
    await refuses(read(pickle), 'a.pth', /more than 16 axes/);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
  });

  it('join no two names to one', async () => {
    const inner = (key: string, ...more: Buffer[]) => codes(unicode(key), '}(', ...more, 'u');
    const pickle = dictionary(inner('a', unicode('b.c'), tensor()), inner('a.b', unicode('c'), tensor()));
    await refuses(read(pickle), 'a.pth', /names must be unique, got a\.b\.c twice/);
  });
});

describe('MAT-files', () => {
  it('hold cells, structures and text', async () => {
    const fields = [words(4), text('b\0\0\0')];
    const bytes = matlabFile(
      row('w', 1, 2),
      matrix(CELL, [1, 2], 'c', row('', 3), row('', 4)),
      matrix(STRUCTURE, [1, 1], 's', ...fields, row('', 5)),
      matrix(TEXT, [1, 1], 't', text('x')),
    );
    expect(await numbers(bytes, 'a.mat')).toEqual({ w: [1, 2], 'c{1}': [3], 'c{2}': [4], 's.b': [5] });
  });

  it.each<[string, Buffer[], RegExp]>([
    ['two variables of one name', [row('w', 1), row('w', 5)], /unique, got w twice/],
    ['two of which one is text', [row('w', 1), matrix(TEXT, [1, 1], 'w', text('x'))], /unique, got w twice/],
    [
      'a cell and a variable of its name',
      [matrix(CELL, [1, 1], 'c', row('', 3)), row('c{1}', 5)],
      /unique, got c\{1\} twice/,
    ],
    [
      'a field twice',
      [matrix(STRUCTURE, [1, 1], 's', words(2), text('b\0b\0'), row('', 5), row('', 6))],
      /unique, got s\.b twice/,
    ],
  ])('do not hold %s', async (_, elements, message) => {
    await refuses(matlabFile(...elements), 'a.mat', message);
  });

  it.each([0, 1])('claim any number of elements in vain, of %i fields', async (fields) => {
    const bytes = matlabFile(
      matrix(STRUCTURE, [1e7, 1e7], 's', words(8), text('field\0\0\0'.repeat(fields))),
      row('w', 1),
    );
    expect(bytes.length).toBeLessThan(400);
    const before = process.cpuUsage();
    if (fields === 0) expect(await numbers(bytes, 'a.mat')).toEqual({ w: [1] });
    else await refuses(bytes, 'a.mat', /ends before its last element/);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(1);
  });

  it('hold at most a hundred thousand fields', async () => {
    const names = text('a'.repeat(100_001));
    await refuses(
      matlabFile(matrix(STRUCTURE, [0, 0], 's', words(1), names)),
      'a.mat',
      /at most 100000 fields/,
    );
  });

  it('hold at most a hundred thousand cells, also where these are empty', async () => {
    const empty = Buffer.alloc(8 * 100_001);
    for (let at = 0; at < empty.length; at += 8) empty.writeUInt32LE(14, at);
    await refuses(matlabFile(matrix(CELL, [100_001, 1], 'c', empty)), 'a.mat', /at most 100000 arrays/);
  });
});

describe('a name has at most 4096 characters', () => {
  const name = (length: number) => 'k'.repeat(length);
  it.each<[string, (length: number) => Uint8Array]>([
    ['a.pth', (length) => torchFile(dictionary(unicode(name(length)), tensor()), [1, 2])],
    [
      'joined.pth',
      (length) =>
        torchFile(
          dictionary(
            ...[unicode(name(length - 2)), '}(', unicode('w'), tensor(), 'u'],
            ...[unicode('b'), '}(', unicode('w'), tensor(), 'u'],
          ),
          [1, 2],
        ),
    ],
    ['a.mat', (length) => matlabFile(row(name(length), 1))],
    ['cells.mat', (length) => matlabFile(matrix(CELL, [1, 1], name(length - 3), row('', 1)))],
    ['a.npz', (length) => new Uint8Array(zip({ [`${name(length)}.npy`]: npy([1], [1]) }))],
    [
      'a.safetensors',
      (length) => safetensorsFile({ [name(length)]: { shape: [1], numbers: Float32Array.of(1) } }),
    ],
  ])('in %s', async (file, made) => {
    await numbers(made(4096), file);
    await refuses(made(4097), file, /at most 4096 characters, got 4097/);
  });
});
