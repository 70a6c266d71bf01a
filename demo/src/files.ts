/** From what a person dropped to models with the files that their weights may be in. */
import type { ModelFiles } from './worker/protocol.ts';

/** A serialized protocol buffer has at most this many bytes, and browsers hold little more in one array. */
const LARGEST_FILE = 2 ** 31 - 1;

export interface Sorted {
  readonly models: readonly ModelFiles[];
  /** `.json` files: certificates. */
  readonly certificates: readonly File[];
  /** Files that are neither: weights for models that are there already. */
  readonly loose: readonly File[];
  readonly refused: readonly { readonly file: File; readonly reason: string }[];
}

/** `.onnx` files are models, each with all other files for its weights. Without any, nothing says what the others are. */
export function sortFiles(files: readonly File[]): Sorted {
  const refused = files.flatMap((file) => {
    const reason = refusal(file);
    return reason === undefined ? [] : [{ file, reason }];
  });
  const usable = files.filter((file) => refusal(file) === undefined);
  const isModel = (file: File) => /\.onnx$/i.test(file.name);
  const isCertificate = (file: File) => /\.json$/i.test(file.name);
  const others = usable.filter((f) => !isModel(f) && !isCertificate(f));
  const external = new Map(others.map((f) => [f.name, f]));
  const models = usable.filter(isModel).map((model): ModelFiles => ({ model, external }));
  return {
    models,
    certificates: usable.filter(isCertificate),
    loose: models.length === 0 ? others : [],
    refused,
  };
}

function refusal(file: File): string | undefined {
  if (file.size > LARGEST_FILE) {
    const size = (file.size / 1e9).toFixed(1);
    return `${size} GB are more than the 2.1 GB that an ONNX file can have and a page can hold; keep the weights in several external-data files, or use the command line.`;
  }
  return undefined;
}

/** The files of a drop, those in dropped folders included. */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null || entry.isFile)) return [...data.files];
  return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [
      await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    ];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // A reader gives some entries at a time, none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return files;
    files.push(...(await Promise.all(some.map(filesIn))).flat());
  }
}
