/**
 * HDF5 files (of Keras and MATLAB 7.3) by h5wasm: the HDF5 Group's library in WebAssembly, with a memory and a file system of its own, so
 * that a file can harm nothing and name no other. It is loaded when such a file is read.
 */
import { InputError } from '../../errors.ts';
import { product } from '../../network/size.ts';
import type { Budget } from '../budget.ts';
import { demandName, type NamedArray } from '../weights/namedArrays.ts';
import { demandUsualType } from './datatype.ts';
import { checkHeaps } from './heaps.ts';
import { startOf } from './signature.ts';

type Library = typeof import('h5wasm');
type Module = Awaited<Library['ready']>;

/** Groups and arrays that are looked at, and how deep these lie in one another. */
const MOST_OBJECTS = 1e5;
const DEEPEST = 32;
/** Bytes of a text. */
const LARGEST_TEXT = 2 ** 26;
const MOST_AXES = 16;
/** Bytes that the library's memory may have, besides a multiple of the file's: arrays are read as a whole. */
const FREE_MEMORY = 2 ** 28;
const MEMORY_PER_BYTE = 64;
/** Of WebAssembly. */
const PAGE = 2 ** 16;

/** A file that is open. Paths are as `model_weights/dense/kernel:0`; an empty one is the file itself. */
export interface Hdf5 {
  /** The text of an attribute; undefined where it has none of this name, or one that is no single text. */
  text(path: string, name: string): string | undefined;
  /** All arrays of numbers below a group, by their paths from there on. */
  arrays(path: string): ReadonlyMap<string, NamedArray>;
}

/** Files that were opened, so that no two have one name. */
let opened = 0;
/** Whether the library has trapped: what its memory holds from then on is anybody's guess, and no file is read by it any more. */
let trapped = false;

/**
 * What `use` makes of a file, which is open until then.
 * @throws InputError for files that are broken
 */
export async function withHdf5<T>(
  bytes: Uint8Array,
  file: string,
  budget: Budget,
  use: (content: Hdf5) => T | Promise<T>,
): Promise<T> {
  if (trapped) {
    throw new InputError(
      `${file}: cannot be read, since the library for HDF5 has broken down over an earlier file; start again`,
    );
  }
  checkSizes(bytes, file);
  checkHeaps(bytes, file);
  const library = await import('h5wasm');
  const module = await library.ready;
  // Else errors are printed, and reading goes on without what was not read.
  module.activate_throwing_error_handler();
  const files = library.FS!;
  const guarded = guardOf(file, FREE_MEMORY + MEMORY_PER_BYTE * bytes.length);
  const path = `/${++opened}.h5`;
  files.writeFile(path, bytes);
  try {
    const content = guarded(() => new library.File(path, 'r'));
    try {
      if (content.file_id === -1n) throw new InputError(`${file}: broken HDF5 file, it cannot be opened`);
      return await use(reading(library, module, content, bytes, file, budget, guarded));
    } finally {
      guarded(() => content.close());
    }
  } finally {
    files.unlink(path);
  }
}

/** @throws InputError unless offsets and lengths have eight bytes, as everybody writes them */
function checkSizes(bytes: Uint8Array, file: string): void {
  const start = startOf(bytes) ?? 0;
  const at = start + (bytes[start + 8]! < 2 ? 13 : 9);
  if (bytes[at] === 8 && bytes[at + 1] === 8) return;
  throw new InputError(`${file}: broken HDF5 file, its offsets must have eight bytes, got ${bytes[at]}`);
}

/** Carries something out with the library. */
type Guard = <T>(act: () => T) => T;

/** What the library throws is about the file, whose claims must not make its memory grow beyond so many bytes. */
function guardOf(file: string, most: number): Guard {
  return (act) => {
    try {
      return withMemory(most, act);
    } catch (error) {
      if (error instanceof InputError) throw error;
      // All that the library itself finds wrong begins so.
      const text = error instanceof Error ? error.message : String(error);
      if (!/HDF5-DIAG|^name not defined/.test(text)) trapped = true;
      // The first of the library's list is where it failed.
      const reason = /\(\): ([^\n]*)/.exec(text)?.[1] ?? text;
      throw new InputError(`${file}: broken HDF5 file, got an error: ${reason.slice(0, 200)}`, {
        cause: error,
      });
    }
  };
}

/**
 * The library allocates what a file says that a text takes before it looks for it. Its memory has no limit of its own below 2 GiB, and is in
 * nobody's reach, but nothing else runs while it is at work.
 */
function withMemory<T>(most: number, act: () => T): T {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (pages) {
    if (this.buffer.byteLength + PAGE * pages > most) throw new RangeError('memory must fit its limit');
    return grow.call(this, pages);
  };
  try {
    return act();
  } finally {
    prototype.grow = grow;
  }
}

function reading(
  library: Library,
  module: Module,
  content: InstanceType<Library['File']>,
  bytes: Uint8Array,
  file: string,
  budget: Budget,
  guarded: Guard,
): Hdf5 {
  const { H5T_class_t: classes } = module;
  /** Groups and arrays of the present visit, and where the headers of its groups stand. */
  let looked = 0;
  const groups = new Set<number>();
  const at = (path: string) => (path === '' ? content : content.get(path));
  return {
    text: (path, name) =>
      guarded(() => {
        const object = at(path);
        if (!(object instanceof library.Group || object instanceof library.Dataset)) return undefined;
        // Of all attributes nothing is read before it is asked for.
        const attribute = object.attrs[name];
        if (!attribute) return undefined;
        const { type, total_size: count, size, vlen } = attribute.metadata;
        const fits = count === 1 && (vlen || size <= LARGEST_TEXT);
        if (type !== classes.H5T_STRING.value || !fits) return undefined;
        const { value } = attribute;
        return typeof value === 'string' ? value : undefined;
      }),
    arrays: (path) =>
      guarded(() => {
        const found = new Map<string, NamedArray>();
        const top = at(path);
        looked = 0;
        groups.clear();
        if (top instanceof library.Group) visit(top, '', 0, found);
        return found;
      }),
  };

  function visit(
    group: InstanceType<Library['Group']>,
    prefix: string,
    depth: number,
    found: Map<string, NamedArray>,
  ): void {
    if (depth > DEEPEST) throw new InputError(`${file}: groups must lie at most ${DEEPEST} deep`);
    const header = headerOf(group);
    if (groups.has(header)) throw new InputError(`${file}: groups must lie in one place, got one in several`);
    groups.add(header);
    for (const key of group.keys()) {
      if (++looked > MOST_OBJECTS)
        throw new InputError(`${file}: must hold at most ${MOST_OBJECTS} groups and arrays`);
      const path = prefix + key;
      demandName(path, file, budget);
      const object = group.get(key);
      if (object instanceof library.Group) visit(object, `${path}/`, depth + 1, found);
      else if (object instanceof library.Dataset) {
        const array = arrayOf(object, `${path} in ${file}`);
        if (array) found.set(path, array);
      }
    }
  }

  /** Where the header of an object stands, which all links to it have in common. */
  function headerOf({ path }: { readonly path: string }): number {
    const reference = Uint8Array.from(module.create_object_reference(content.file_id, path));
    return Number(new DataView(reference.buffer).getBigUint64(0, true));
  }

  /** Undefined for what is no array of numbers. */
  function arrayOf(dataset: InstanceType<Library['Dataset']>, name: string): NamedArray | undefined {
    const { type, size, shape, chunks, vlen } = dataset.metadata;
    const float = type === classes.H5T_FLOAT.value;
    if (!(float || type === classes.H5T_INTEGER.value) || vlen || !shape || shape.length > MOST_AXES) {
      return undefined;
    }
    return {
      ...{ name, shape, whole: !float },
      async numbers() {
        const count = product(shape);
        if (float ? size !== 4 && size !== 8 : size > 8) {
          throw new InputError(`${name}: must be of float32, float64 or whole numbers, got ${8 * size} bits`);
        }
        demandUsualType(
          bytes,
          guarded(() => headerOf(dataset)),
          name,
        );
        budget.allocate(name, count + product(chunks ?? []));
        const value = guarded(() => dataset.value);
        const numbers = exact(value, name);
        if (numbers.length !== count) {
          throw new InputError(
            `${name}: broken, [${shape.join(', ')}] are ${count} numbers, got ${numbers.length}`,
          );
        }
        return numbers;
      },
    };
  }
}

/** In float32 where that holds them all, else in float64. */
function exact(value: unknown, name: string): Float32Array | Float64Array {
  if (typeof value === 'number' || typeof value === 'bigint') return exact([value], name);
  if (value instanceof Float32Array || value instanceof Float64Array) return value;
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as ArrayLike<number | bigint>) : [];
  const numbers = Float64Array.from(list, Number);
  const bad = numbers.findIndex((x, k) => typeof list[k] === 'bigint' && !Number.isSafeInteger(x));
  if (bad >= 0) throw new InputError(`${name}: must hold whole numbers below 2^53, got ${numbers[bad]}`);
  return numbers;
}
