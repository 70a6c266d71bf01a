/** Samples from files that a person chose, in a page. Nothing is read of them before it is asked for. */

import { blobSource } from '../../arrays/stretch.ts';
import { InputError } from '../../errors.ts';
import { product } from '../../network/size.ts';
import { type Advice, arraysOf, labelsIn, type SampleArrays, type SampleOptions } from './arrays.ts';
import { openContainer } from './container.ts';
import { type FolderImage, imageFolder } from './imageFolder.ts';
import { MissingLabels } from './missingLabels.ts';
import { type Fit, type SampleSet, sampleSet } from './samples.ts';

/** A file, and where it lay in what was dropped: `digits.npz`, `images/3/a.png`. */
export interface SampleFile {
  readonly path: string;
  readonly blob: Blob;
}

const ADVICE: Advice = {
  ...{ inputs: '“Array of inputs”', labels: '“Array of labels”' },
  noLabels: 'give the file of their labels together with it, or say that there are none',
};

/**
 * Opens one file of samples, one of inputs and one of labels, or PNG images, which lie in folders of their classes or have a file of labels.
 * Nothing but the outline of files is read, and labels.
 * @throws InputError for what is not read, broken, or does not fit the network
 */
export async function openSamples(
  files: readonly SampleFile[],
  options: SampleOptions,
  fit: Fit,
): Promise<SampleSet> {
  const images = files.filter(({ path }) => /\.png$/i.test(path));
  const others = files.filter(({ path }) => !/\.png$/i.test(path));
  const { inputs, labels } =
    images.length > 0 ? await imagesOf(images, others, options) : await arraysIn(others, options);
  return sampleSet(inputs, labels, fit);
}

async function arraysIn(files: readonly SampleFile[], options: SampleOptions): Promise<SampleArrays> {
  const sources = files.map(({ path, blob }) => blobSource(nameOf(path), blob));
  const [first, second, third] = sources;
  if (!first || third) {
    const names = sources.slice(0, 5).map(({ name }) => name);
    throw new InputError(
      `data: must be one file, one of inputs and one of labels, or PNG images, got ${names.join(', ') || 'none'}`,
    );
  }
  if (!second) return arraysOf(first, options, undefined, ADVICE);
  const areLabels = await Promise.all(
    [first, second].map(async (source) => {
      const { keys, rows } = await openContainer(source);
      if (keys.length > 0) {
        throw new InputError(
          `${source.name}: holds inputs and labels by name, so that no other file goes with it; give it alone`,
        );
      }
      return product((await rows('')).shape.slice(1)) === 1;
    }),
  );
  if (areLabels[0] === areLabels[1]) {
    throw new InputError(
      `${first.name} and ${second.name}: one must hold inputs and one a label for each, got two ${areLabels[0] ? 'of labels' : 'of inputs'}`,
    );
  }
  const [inputs, labels] = areLabels[0] ? [second, first] : [first, second];
  return arraysOf(inputs, options.labels === false ? { labels: false } : {}, labels, ADVICE);
}

async function imagesOf(
  files: readonly SampleFile[],
  others: readonly SampleFile[],
  { labels }: SampleOptions,
): Promise<SampleArrays> {
  const [labelFile, more] = others;
  if (more) {
    throw new InputError(
      `images: may have one file of labels beside them, got ${others.map((o) => o.path).join(', ')}`,
    );
  }
  const root = commonFolder(files.map(({ path }) => path));
  const images = files.map(({ path, blob }): FolderImage => {
    const parts = path.slice(root.length).split('/');
    if (parts.length > 2) {
      throw new InputError(`${path}: must lie in the folder of its class, got a folder in a folder`);
    }
    const file = parts.at(-1)!;
    const folder = parts.length === 2 ? parts[0] : undefined;
    return { name: path, folder, file, bytes: async () => new Uint8Array(await blob.arrayBuffer()) };
  });
  const folders = new Set(images.flatMap(({ folder }) => (folder === undefined ? [] : [folder])));
  const name = root === '' ? 'images' : root.slice(0, -1);
  const { inputs, labels: classes } = await imageFolder(name, [...folders], images);
  if (labels === false) return { inputs, labels: undefined };
  if (labelFile) {
    return { inputs, labels: await labelsIn(blobSource(nameOf(labelFile.path), labelFile.blob), ADVICE) };
  }
  if (classes) return { inputs, labels: classes };
  throw new MissingLabels(
    `${name}: must be folders of images, one for each class, got images alone; ${ADVICE.noLabels}`,
  );
}

/**
 * What all paths begin with, up to the folders of classes: `images/` of `images/3/a.png` and `images/4/b.png`, and of the first alone. What lies
 * in one folder only, which was dropped itself, has no classes.
 */
function commonFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const [first] = folders;
  const deepest = folders.reduce((most, { length }) => Math.max(most, length), 0);
  let depth = Math.min(first!.length, deepest >= 2 ? deepest - 1 : deepest);
  while (!folders.every((names) => first!.slice(0, depth).every((name, k) => names[k] === name))) depth--;
  return first!
    .slice(0, depth)
    .map((name) => `${name}/`)
    .join('');
}

function nameOf(path: string): string {
  return path.split('/').at(-1)!;
}
