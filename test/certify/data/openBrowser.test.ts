/** Samples from files of a page: the same as from the same files on a disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SampleOptions } from '../../../src/certify/data/arrays.ts';
import { MissingLabels } from '../../../src/certify/data/missingLabels.ts';
import { openSamples as openInPage } from '../../../src/certify/data/open.browser.ts';
import { openSamples } from '../../../src/certify/data/open.node.ts';
import type { Fit, SampleSet } from '../../../src/certify/data/samples.ts';
import { idx, labelsNpy, npy, png, zip } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'lipsoid-page-samples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Files = Readonly<Record<string, Uint8Array>>;
const FIT: Fit = { shape: [2], classes: 4 };

async function listed(set: SampleSet) {
  const samples = [];
  for await (const { index, input, label } of set.read(0, set.count))
    samples.push([index, [...input], label]);
  return samples;
}

function inPage(files: Files, options: SampleOptions = {}, fit = FIT) {
  const blobs = Object.entries(files).map(([path, bytes]) => ({
    path,
    blob: new Blob([new Uint8Array(bytes)]),
  }));
  return openInPage(blobs, options, fit).then(listed);
}

/** @param path below the folder that the files are written to */
async function onDisk(files: Files, path: string, options: SampleOptions = {}, fit = FIT) {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  const labels = typeof options.labels === 'string' ? { labels: join(folder, options.labels) } : {};
  const set = await openSamples(join(folder, path), { ...options, ...labels }, fit);
  return listed(set).finally(() => set.close());
}

const x = npy([2, 2], [1, 2, 3, 4]);
const y = labelsNpy([3, 0]);
const grey = (value: number) => png([2, 1, 8, 0], Buffer.from([0, value, 255]));

describe('samples of a page', () => {
  it('of one file, and of two in whichever order', async () => {
    const archive = { 'a.npz': zip({ 'x.npy': x, 'y.npy': y }) };
    const rows = await onDisk(archive, 'a.npz');
    expect(rows).toHaveLength(2);
    expect(await inPage(archive)).toEqual(rows);
    const pair = { 'y.npy': y, 'x.npy': x };
    expect(await onDisk(pair, 'x.npy', { labels: 'y.npy' })).toEqual(rows);
    expect(await inPage(pair)).toEqual(rows);
    expect(await inPage({ 'x.npy': x, 'y.npy': y })).toEqual(rows);
    const mnist = {
      images: idx(8, [2, 1, 2], Buffer.from([0, 51, 255, 102])),
      labels: idx(8, [2], Buffer.from([1, 2])),
    };
    expect(await inPage(mnist)).toEqual(await onDisk(mnist, 'images', { labels: 'labels' }));
    expect(await inPage({ 'x.npy': x }, { labels: false }, { ...FIT, first: 1 })).toEqual([
      [0, [1, 2], undefined],
    ]);
  });

  it('of folders of images, whichever of them was dropped', async () => {
    const numbers = { 'n/2/a.png': grey(1), 'n/2/b.png': grey(2), 'n/0/c.png': grey(3) };
    const rows = await onDisk(numbers, 'n');
    expect(rows.map(([, , label]) => label)).toEqual([0, 2, 2]);
    expect(await inPage(numbers)).toEqual(rows);
    // The folders of the classes themselves, without the one around them.
    const inner = Object.fromEntries(Object.entries(numbers).map(([path, bytes]) => [path.slice(2), bytes]));
    expect(await inPage(inner)).toEqual(rows);
    const one = { 'm/3/a.png': grey(1) };
    expect(await inPage(one)).toEqual(await onDisk(one, 'm'));
    const named = { 'p/dog/a.png': grey(1), 'p/cat/b.png': grey(2) };
    expect(await inPage(named)).toEqual(await onDisk(named, 'p'));
    const flat = { 'f/b.png': grey(1), 'f/a.png': grey(2) };
    expect(await inPage({ ...flat, 'y.npy': y })).toEqual([
      [0, [2 / 255, 1], 3],
      [1, [1 / 255, 1], 0],
    ]);
    await expect(inPage(flat)).rejects.toThrow(MissingLabels);
    await expect(inPage(flat)).rejects.toThrow(/^f: must be folders of images.*file of their labels/);
  });

  it.each([
    [{}, /must be one file, one of inputs and one of labels, or PNG images, got none/],
    [{ a: x, b: y, c: y }, /got a, b, c/],
    [{ 'x.npy': x, 'z.npy': x }, /x\.npy and z\.npy: one must hold inputs.*got two of inputs/],
    [{ 'x.npy': y, 'z.npy': y }, /got two of labels/],
    [{ 'a.npz': zip({ 'x.npy': x }), 'y.npy': y }, /a\.npz: holds inputs and labels by name.*give it alone/],
    [
      { 'a.npz': zip({ 'z.npy': x }) },
      /a\.npz: must hold the array x \(“Array of inputs” names another\), got z/,
    ],
    [{ 'a.png': grey(1), b: x, c: y }, /one file of labels beside them, got b, c/],
    [{ 'a/b/c.png': grey(1), 'a/d.png': grey(1) }, /got d\.png beside b/],
    [{ 'a/b/c/d.png': grey(1), 'e.png': grey(1) }, /a\/b\/c\/d\.png: must lie in the folder of its class/],
  ] as const)('are refused where they are none: %#', async (files: Files, message) => {
    await expect(inPage(files)).rejects.toThrow(message);
  });

  it('that lack their labels say so', async () => {
    await expect(inPage({ 'x.npy': x })).rejects.toThrow(MissingLabels);
    await expect(inPage({ 'x.npy': x })).rejects.toThrow(/x\.npy: holds inputs alone; give the file/);
  });
});
