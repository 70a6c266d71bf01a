/** Images in folders: in the order of their names, or by their names where these are whole numbers. */
import { InputError } from '../../errors.ts';
import { type ImageFile, imageRows, labelRows, type NumberRows } from './rows.ts';

/** An image, and the folder that it lies in, which is its class; undefined beside the folders. */
export interface FolderImage extends ImageFile {
  readonly folder: string | undefined;
  /** Without its folder. */
  readonly file: string;
}

export interface ImageFolder {
  readonly inputs: NumberRows;
  /** Undefined where images lie in no folders of their classes. */
  readonly labels: NumberRows | undefined;
  /** In the order of the rows, and the class of each, where there are classes. */
  readonly images: readonly FolderImage[];
  readonly classes: readonly number[];
}

/** Images of a folder at most. */
const MOST_IMAGES = 1e6;

/**
 * @param path of the folder, for messages
 * @param folders all that there are, those without images too
 * @throws InputError for images beside folders, for too many, and for none
 */
export async function imageFolder(
  path: string,
  folders: readonly string[],
  images: readonly FolderImage[],
): Promise<ImageFolder> {
  const numbered = folders.every((name) => /^[0-9]{1,9}$/.test(name));
  const sorted = folders.toSorted((a, b) => (numbered ? Number(a) - Number(b) : compare(a, b)));
  const loose = images.filter(({ folder }) => folder === undefined);
  if (sorted.length > 0 && loose.length > 0) {
    throw new InputError(
      `${path}: must hold images or folders of these, got ${loose[0]!.file} beside ${sorted[0]}`,
    );
  }
  if (images.length > MOST_IMAGES) {
    throw new InputError(`${path}: must hold at most ${MOST_IMAGES} images, got ${images.length}`);
  }
  const place = new Map(sorted.map((name, k) => [name, k]));
  const order = (image: FolderImage) => place.get(image.folder ?? '') ?? 0;
  const all = images.toSorted((a, b) => order(a) - order(b) || compare(a.file, b.file));
  const inputs = await imageRows(path, all);
  if (sorted.length === 0) return { inputs, labels: undefined, images: all, classes: [] };
  const classes = all.map((image) => (numbered ? Number(image.folder) : order(image)));
  return { inputs, labels: labelRows(`folders of ${path}`, classes), images: all, classes };
}

/** By code units: the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
