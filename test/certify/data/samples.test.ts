/** Samples as a network takes them: shapes and labels are checked before anything is computed, numbers when they are read. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SampleOptions } from '../../../src/certify/data/arrays.ts';
import { openSamples } from '../../../src/certify/data/open.node.ts';
import type { Fit } from '../../../src/certify/data/samples.ts';
import { idx, labelsNpy, npy, png, zip } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'lipsoid-samples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

const FIT: Fit = { shape: [2], classes: 3 };

async function all(path: string, options: SampleOptions = {}, fit: Fit = FIT) {
  const set = await openSamples(path, options, fit);
  try {
    const samples = [];
    for await (const { index, input, label } of set.read(0, set.count))
      samples.push([index, [...input], label]);
    return samples;
  } finally {
    await set.close();
  }
}

const x = npy([2, 2], [1, 2, 3, 4]);

describe('samples', () => {
  it('of an archive, by the usual names, by others, the first of them', async () => {
    const path = write('a.npz', zip({ 'x.npy': x, 'y.npy': labelsNpy([2, 0]), 'z.npy': labelsNpy([1, 1]) }));
    expect(await all(path)).toEqual([
      [0, [1, 2], 2],
      [1, [3, 4], 0],
    ]);
    expect(await all(path, { labels: 'z' })).toEqual([
      [0, [1, 2], 1],
      [1, [3, 4], 1],
    ]);
    expect(await all(path, { labels: false }, { ...FIT, first: 1 })).toEqual([[0, [1, 2], undefined]]);
    await expect(all(path, { inputs: 'images' })).rejects.toThrow(
      /a\.npz: must hold the array images \(--inputs names another\), got x, y, z/,
    );
    await expect(all(path, {}, { ...FIT, first: 3 })).rejects.toThrow(
      /the 3 samples that are asked for, got 2/,
    );
  });

  it('of two files; bytes are divided by 255', async () => {
    const images = write('images', idx(8, [2, 1, 2], Buffer.from([0, 51, 255, 102])));
    const labels = write('labels', idx(8, [2], Buffer.from([1, 2])));
    expect(await all(images, { labels }, { shape: [1, 1, 2], classes: 3 })).toEqual([
      [0, [0, 0.2], 1],
      [1, [1, 0.4], 2],
    ]);
    await expect(all(images)).rejects.toThrow(/--labels FILE.*--no-labels/);
    await expect(all(write('x.npy', x), { inputs: 'x', labels: false })).rejects.toThrow(
      /one array without a name/,
    );
  });

  it('of folders of images by class', async () => {
    for (const [name, value] of [
      ['b/2.png', 1],
      ['b/10.png', 2],
      ['a/1.png', 3],
      ['b/x.txt', 0],
    ] as const) {
      write(
        `classes/${name}`,
        name.endsWith('png') ? png([2, 1, 8, 0], Buffer.from([0, value, 255])) : Buffer.of(),
      );
    }
    const rows = await all(join(folder, 'classes'));
    expect(rows).toEqual([
      [0, [3 / 255, 1], 0],
      [1, [2 / 255, 1], 1],
      [2, [1 / 255, 1], 1],
    ]);
    write('numbers/2/a.png', png([2, 1, 8, 0], Buffer.from([0, 9, 9])));
    expect((await all(join(folder, 'numbers')))[0]![2]).toBe(2);
    write('flat/a.png', png([2, 1, 8, 0], Buffer.from([0, 9, 9])));
    await expect(all(join(folder, 'flat'))).rejects.toThrow(/folder of images for each class/);
    expect(await all(join(folder, 'flat'), { labels: write('one.npy', labelsNpy([1])) })).toHaveLength(1);
    write('numbers/2/b.png', png([1, 1, 8, 0], Buffer.from([0, 9])));
    await expect(all(join(folder, 'numbers'))).rejects.toThrow(
      /b\.png: must be \[1, 1, 2\].*got \[1, 1, 1\]/,
    );
    mkdirSync(join(folder, 'empty'));
    await expect(all(join(folder, 'empty'))).rejects.toThrow(/must hold PNG images, got none/);
  });

  it('of folders that links lead to, and of nothing that would be passed over', async () => {
    const grey = (value: number) => png([2, 1, 8, 0], Buffer.from([0, value, 255]));
    write('elsewhere/a.png', grey(1));
    write('linked/1/a.png', grey(2));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'linked/0'));
    expect((await all(join(folder, 'linked'))).map(([, , label]) => label)).toEqual([0, 1]);
    write('linked/loose.png', grey(3));
    await expect(all(join(folder, 'linked'))).rejects.toThrow(/got loose\.png beside 0/);
    write('deep/0/a.png', grey(1));
    write('deep/0/more/a.png', grey(1));
    await expect(all(join(folder, 'deep'))).rejects.toThrow(/0 must hold images alone, got the folder more/);
  });

  it('whose channels are last where the network has them last', async () => {
    const colours = write('rgb/0/a.png', png([2, 1, 8, 2], Buffer.from([0, 1, 2, 3, 4, 5, 6])));
    const read = async (shape: number[]) =>
      (await all(join(colours, '../..'), {}, { shape, classes: 1 }))[0]![1];
    expect(await read([3, 1, 2])).toEqual([1, 4, 2, 5, 3, 6].map((b) => b / 255));
    expect(await read([1, 2, 3])).toEqual([1, 2, 3, 4, 5, 6].map((b) => b / 255));
  });

  it('have a digest of all that they come from', async () => {
    const digest = async (inputs: Buffer, labels: number[]) => {
      const set = await openSamples(
        write('d.npy', inputs),
        { labels: write('l.npy', labelsNpy(labels)) },
        FIT,
      );
      return set.digest().finally(() => set.close());
    };
    const before = await digest(x, [0, 1]);
    expect(await digest(x, [0, 1])).toBe(before);
    expect(await digest(x, [0, 2])).not.toBe(before);
    expect(await digest(npy([2, 2], [1, 2, 3, 5]), [0, 1])).not.toBe(before);
    const folderDigest = async () => {
      const set = await openSamples(join(folder, 'named'), {}, FIT);
      return set.digest().finally(() => set.close());
    };
    write('named/cat/a.png', png([2, 1, 8, 0], Buffer.from([0, 1, 2])));
    const cat = await folderDigest();
    // An empty class before it makes the same image another label's.
    mkdirSync(join(folder, 'named/bird'));
    expect(await folderDigest()).not.toBe(cat);
  });
});

describe('refusals', () => {
  const labelled = (inputs: Buffer, labels: Buffer = labelsNpy([0, 1])) =>
    write('r.npz', zip({ 'x.npy': inputs, 'y.npy': labels }));
  it.each([
    [
      'a label that is no output',
      () => labelled(x, labelsNpy([0, 3])),
      /y\.npy in r\.npz: must hold whole numbers from 0 to 2.*got 3 for sample 1/,
    ],
    ['a label that is no whole number', () => labelled(x, npy([2], [0.5, 1])), /got 0\.5 for sample 0/],
    ['a negative label', () => labelled(x, npy([2], [0, -1])), /got -1 for sample 1/],
    ['NaN as a label', () => labelled(x, npy([2], [0, Number.NaN])), /got NaN for sample 1/],
    ['another number of labels', () => labelled(x, labelsNpy([0])), /one label for each of 2 samples, got 1/],
    ['one-hot labels', () => labelled(x, npy([2, 3], [1, 0, 0, 0, 1, 0])), /numpy\.argmax/],
    ['another shape', () => labelled(npy([2, 3], [1, 2, 3, 4, 5, 6])), /network's input \[2\], got \[3\]/],
    ['no samples', () => labelled(npy([0, 2], []), labelsNpy([])), /got none/],
    [
      'NaN',
      () => labelled(npy([2, 2], [1, 2, 3, Number.NaN])),
      /x\.npy in r\.npz: must hold finite numbers, got NaN at entry 1 of sample 1/,
    ],
    ['infinity', () => labelled(npy([2, 2], [Infinity, 2, 3, 4])), /got Infinity at entry 0 of sample 0/],
    [
      'an archive without labels',
      () => write('r.npz', zip({ 'x.npy': x })),
      /must hold the array y \(--labels names another\), got x/,
    ],
    [
      'a file that is not there',
      () => join(folder, 'nothing.npz'),
      /nothing\.npz: must be readable, got an error: ENOENT/,
    ],
  ])('%s', async (_, path, why) => {
    const error = await all(path()).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error?.name).toBe('InputError');
    expect(error?.message).toMatch(why);
  });

  it('channels that are last, with what to do', async () => {
    const path = write('last.npy', npy([1, 2, 2, 3], new Array(12).fill(0)));
    await expect(all(path, { labels: false }, { shape: [3, 2, 2], classes: 2 })).rejects.toThrow(
      /numpy\.moveaxis\(x, -1, 1\)/,
    );
  });
});
