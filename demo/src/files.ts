/** From what a person dropped to models with the files that their weights may be in. */
import type { SampleFile } from '../../src/index.browser.ts';
import type { ModelFiles } from './worker/protocol.ts';

/** A serialized protocol buffer has at most this many bytes, and browsers hold little more in one array. */
const LARGEST_FILE = 2 ** 31 - 1;

export interface Sorted {
  readonly models: readonly ModelFiles[];
  /** `.json` files: certificates. */
  readonly certificates: readonly File[];
  /** Files whose names say that they hold samples, which no weights beside a model have. */
  readonly samples: readonly SampleFile[];
  /** Files that are none of these: weights for models that are there already, or samples. */
  readonly loose: readonly File[];
  readonly refused: readonly { readonly file: File; readonly reason: string }[];
}

/** `.onnx` files are models, each with all other files for its weights. Without any, nothing says what the others are. */
export function sortFiles(dropped: readonly (File | Dropped)[]): Sorted {
  const paths = new Map(dropped.map((d) => (d instanceof File ? [d, d.name] : [d.file, d.path])));
  const files = [...paths.keys()];
  const refused = files.flatMap((file) => {
    const reason = refusal(file);
    return reason === undefined ? [] : [{ file, reason }];
  });
  const usable = files.filter((file) => refusal(file) === undefined);
  const isModel = (file: File) => /\.onnx$/i.test(file.name);
  const isCertificate = (file: File) => /\.json$/i.test(file.name);
  const isSamples = (file: File) => SAMPLES.test(file.name);
  const others = usable.filter((f) => !isModel(f) && !isCertificate(f) && !isSamples(f));
  const external = new Map(others.map((f) => [f.name, f]));
  const models = usable.filter(isModel).map((model): ModelFiles => ({ model, external }));
  return {
    models,
    certificates: usable.filter(isCertificate),
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
    return `${size} GB are more than the 2.1 GB that an ONNX file can have and a page can hold; keep the weights in several external-data files, or use the command line.`;
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
