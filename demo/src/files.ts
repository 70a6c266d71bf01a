/** From what a person dropped to models with the files that their weights may be in. */
import type { SampleFile } from '../../src/index.browser.ts';
import type { ModelFiles } from './worker/protocol.ts';

/** A serialized protocol buffer has at most this many bytes, and browsers hold little more in one array. */
const LARGEST_FILE = 2 ** 31 - 1;

export interface Sorted {
  readonly models: readonly ModelFiles[];
  /** `.json` files that are no models: certificates, multipliers, results. */
  readonly documents: readonly File[];
  /** Files whose names say that they hold samples, which no weights beside a model have. */
  readonly samples: readonly SampleFile[];
  /** Files that are none of these: weights for models that are there already, or samples. */
  readonly loose: readonly File[];
  readonly refused: readonly { readonly file: File; readonly reason: string }[];
}

/** Models whose names say so; JSON has to be looked into. */
const MODELS = /\.(onnx|keras|h5|hdf5|nnet)$/i;

/** Bytes in which JSON says what it is. */
const START = 4096;

/** The JSON files that are models, with the files of weights that they name in their first bytes. */
export async function modelsInJson(
  dropped: readonly (File | Dropped)[],
): Promise<ReadonlyMap<File, readonly string[]>> {
  const files = dropped.map((d) => (d instanceof File ? d : d.file));
  const found = new Map<File, readonly string[]>();
  for (const file of files.filter(({ name }) => /\.json$/i.test(name))) {
    const start = await file.slice(0, START).text();
    if (!/"(modelTopology|weightsManifest|lipsoid-architecture)"/.test(start)) continue;
    const weights = /"weights"\s*:\s*"([^"\\]+)"/.exec(start)?.[1];
    found.set(file, weights === undefined ? [] : [weights]);
  }
  return found;
}

/**
 * Models, each with all other files for its weights. Without any, nothing says what the others are.
 * @param json those among JSON files, with the files that they name, which are neither models nor samples then
 */
export function sortFiles(
  dropped: readonly (File | Dropped)[],
  json: ReadonlyMap<File, readonly string[]> = new Map(),
): Sorted {
  const paths = new Map(dropped.map((d) => (d instanceof File ? [d, d.name] : [d.file, d.path])));
  const files = [...paths.keys()];
  const refused = files.flatMap((file) => {
    const reason = refusal(file);
    return reason === undefined ? [] : [{ file, reason }];
  });
  const usable = files.filter((file) => refusal(file) === undefined);
  const named = new Set([...json.values()].flat());
  const isModel = (file: File) => json.has(file) || (MODELS.test(file.name) && !named.has(file.name));
  const isDocument = (file: File) => /\.json$/i.test(file.name) && !json.has(file);
  const isSamples = (file: File) => SAMPLES.test(file.name) && !named.has(file.name);
  const others = usable.filter((f) => !isModel(f) && !isDocument(f) && !isSamples(f));
  const external = new Map(others.map((f) => [f.name, f]));
  const models = usable.filter(isModel).map((model): ModelFiles => ({ model, external }));
  return {
    models,
    documents: usable.filter(isDocument),
    samples: usable.filter(isSamples).map((file) => ({ path: paths.get(file)!, blob: file })),
    loose: models.length === 0 ? others : [],
    refused,
  };
}

/** Arrays of NumPy, MNIST's files, what is packed, images. */
const SAMPLES = /\.(npz|npy|gz|png)$|idx[0-9]-ubyte$/i;

/** Whether a file whose name leaves it open may hold samples: CIFAR's, safetensors. */
export function mayBeSamples({ name }: File): boolean {
  return /\.(bin|safetensors)$/i.test(name);
}

function refusal(file: File): string | undefined {
  if (file.size > LARGEST_FILE) {
    const size = (file.size / 1e9).toFixed(1);
    return `${size} GB are more than the 2.1 GB that a page can hold in one file; keep the weights in several external-data files, or use the command line.`;
  }
  return undefined;
}

/** A file, and where it lay in what was dropped. */
export interface Dropped {
  readonly file: File;
  readonly path: string;
}

/** The files of a drop, those in dropped folders included. */
export async function droppedFiles(data: DataTransfer): Promise<(File | Dropped)[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null || entry.isFile)) return [...data.files];
  return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<Dropped[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ file, path: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: Dropped[] = [];
  for (;;) {
    // A reader gives some entries at a time, none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return files;
    files.push(...(await Promise.all(some.map(filesIn))).flat());
  }
}
