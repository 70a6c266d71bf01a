/**
 * The pickles of PyTorch's state dictionaries (Python's `pickletools` says what each code means). A pickle is a program for a machine with
 * a stack; here it can make text, numbers, lists, dictionaries and tensors, by three globals, which are names and call nothing. Whatever
 * else it asks for is refused.
 */
import { InputError } from '../../../errors.ts';

/** What the storages of a file are of: `FloatStorage`. */
export class StorageType {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Numbers in an entry of the archive. */
export class PickledStorage {
  readonly type: StorageType;
  readonly key: string;
  /** Numbers. */
  readonly size: number;
  constructor(type: StorageType, key: string, size: number) {
    this.type = type;
    this.key = key;
    this.size = size;
  }
}

/** A view of a storage. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: PickledStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** Dictionaries are maps, lists and tuples arrays; OTHER is what no state dictionary needs: bytes. */
export type Pickled =
  | string
  | number
  | boolean
  | null
  | Pickled[]
  | Map<Pickled, Pickled>
  | StorageType
  | PickledStorage
  | PickledTensor
  | typeof MAKES_DICTIONARY
  | typeof MAKES_TENSOR
  | typeof OTHER;

const MAKES_DICTIONARY = Symbol('collections.OrderedDict');
const MAKES_TENSOR = Symbol('torch._utils._rebuild_tensor_v2');
const OTHER = Symbol('other');
/** Stands on the stack where a list of operands begins. */
const MARK = Symbol('mark');

const MOST_AXES = 16;

/** Numbers that a tensor's shape can be made of. */
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
// How many there are comes first: a long list could be named again and again.
const areSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isSize);

/**
 * What a pickle stands for.
 * @param name of the file, for messages
 * @throws InputError for pickles that are broken or hold anything but plain values and tensors
 */
export function readPickle(bytes: Uint8Array, name: string): Pickled {
  return new PickleMachine(bytes, name).run();
}

class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly #stack: (Pickled | typeof MARK)[] = [];
  readonly #memo = new Map<number, Pickled>();
  #at = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  run(): Pickled {
    for (;;) {
      const code = this.#unsigned(1);
      if (code === 0x2e) return this.#pop();
      this.#step(code);
    }
  }

  /** Carries a code out that puts a value on the stack, or else one that does something to what is there. */
  #step(code: number): void {
    const value = this.#made(code);
    if (value !== undefined) this.#stack.push(value);
    else this.#act(code);
  }

  /** What a code makes; undefined for codes that make nothing. */
  #made(code: number): Pickled | undefined {
    switch (String.fromCharCode(code)) {
      case 'N':
        return null;
      case '\x88':
        return true;
      case '\x89':
        return false;
      case 'J':
        return this.#view.getInt32(this.#skip(4), true);
      case 'K':
        return this.#unsigned(1);
      case 'M':
        return this.#unsigned(2);
      case '\x8a':
        return this.#long(this.#unsigned(1));
      case 'G':
        return this.#view.getFloat64(this.#skip(8), false);
      case 'X':
        return this.#text(this.#unsigned(4));
      case '\x8c':
      case 'U':
        return this.#text(this.#unsigned(1));
      case 'C':
        this.#skip(this.#unsigned(1));
        return OTHER;
      case 'B':
        this.#skip(this.#unsigned(4));
        return OTHER;
      case '}':
        return new Map();
      case ']':
      case ')':
        return [];
      case 't':
      case 'l':
        return this.#marked();
      case '\x85':
      case '\x86':
      case '\x87':
        return Array.from({ length: code - 0x84 }, () => this.#pop()).reverse();
      case 'd':
        return this.#filled(new Map(), this.#marked());
      case 'h':
        return this.#remembered(this.#unsigned(1));
      case 'j':
        return this.#remembered(this.#unsigned(4));
      case 'c': {
        const module = this.#line();
        return this.#global(module, this.#line());
      }
      case '\x93': {
        const member = this.#pop();
        const module = this.#pop();
        if (typeof module !== 'string' || typeof member !== 'string') throw this.#broken('a name is no text');
        return this.#global(module, member);
      }
      case 'Q':
        return this.#storage(this.#pop());
      case 'R': {
        const operands = this.#pop();
        return this.#called(this.#pop(), operands);
      }
      default:
        return undefined;
    }
  }

  #act(code: number): void {
    switch (String.fromCharCode(code)) {
      case '\x80':
        if (this.#unsigned(1) > 5) throw this.#broken('its protocol is not known');
        break;
      case '\x95':
        this.#skip(8);
        break;
      case '(':
        this.#stack.push(MARK);
        break;
      case '0':
        this.#pop();
        break;
      case 's': {
        const value = this.#pop();
        const key = this.#pop();
        this.#filled(this.#dictionary(), [key, value]);
        break;
      }
      case 'u': {
        const items = this.#marked();
        this.#filled(this.#dictionary(), items);
        break;
      }
      case 'a': {
        const item = this.#pop();
        this.#list().push(item);
        break;
      }
      case 'e': {
        const items = this.#marked();
        const list = this.#list();
        for (const item of items) list.push(item);
        break;
      }
      case 'q':
        this.#memo.set(this.#unsigned(1), this.#top());
        break;
      case 'r':
        this.#memo.set(this.#unsigned(4), this.#top());
        break;
      case '\x94':
        this.#memo.set(this.#memo.size, this.#top());
        break;
      case 'b':
        // The state of a dictionary is what PyTorch notes beside it, such as versions of modules.
        this.#pop();
        if (!(this.#top() instanceof Map)) throw this.#foreign('the state of an object');
        break;
      default:
        throw this.#foreign(`the pickle code 0x${code.toString(16)}`);
    }
  }

  #global(module: string, member: string): Pickled {
    if (module === 'collections' && member === 'OrderedDict') return MAKES_DICTIONARY;
    if (module === 'torch._utils' && member === '_rebuild_tensor_v2') return MAKES_TENSOR;
    if (module === 'torch' && /^[A-Z][A-Za-z0-9]*Storage$/.test(member)) return new StorageType(member);
    throw this.#foreign(`${module}.${member}`);
  }

  #called(maker: Pickled, operands: Pickled): Pickled {
    if (!Array.isArray(operands)) throw this.#broken('operands are no tuple');
    if (maker === MAKES_DICTIONARY) {
      if (operands.length > 0) throw this.#foreign('a dictionary made of operands');
      return new Map();
    }
    if (maker === MAKES_TENSOR) {
      const [storage, offset, shape, strides, , , metadata] = operands;
      const sizes = isSize(offset) && areSizes(shape) && areSizes(strides) && shape.length === strides.length;
      if (!(storage instanceof PickledStorage) || !sizes)
        throw this.#broken(`a tensor is described wrongly, or has more than ${MOST_AXES} axes`);
      // What else there is of a tensor: that its numbers are to be negated, for one.
      const plain =
        metadata === undefined || metadata === null || (metadata instanceof Map && metadata.size === 0);
      if (!plain || operands.length > 7) throw this.#foreign('a tensor with metadata');
      // Lists may grow afterwards, and the tensor has been made.
      return new PickledTensor(storage, offset, [...shape], [...strides]);
    }
    throw this.#foreign('a call');
  }

  #storage(id: Pickled): PickledStorage {
    const [kind, type, key, , size] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string' || !isSize(size)) {
      throw this.#broken('a storage is described wrongly');
    }
    return new PickledStorage(type, key, size);
  }

  #filled(dictionary: Map<Pickled, Pickled>, items: readonly Pickled[]): Map<Pickled, Pickled> {
    if (items.length % 2 === 1) throw this.#broken('a key has no value');
    for (let k = 0; k < items.length; k += 2) dictionary.set(items[k]!, items[k + 1]!);
    return dictionary;
  }

  #dictionary(): Map<Pickled, Pickled> {
    const top = this.#top();
    if (!(top instanceof Map)) throw this.#broken('items have no dictionary');
    return top;
  }

  #list(): Pickled[] {
    const top = this.#top();
    if (!Array.isArray(top)) throw this.#broken('items have no list');
    return top;
  }

  #top(): Pickled {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) throw this.#broken('its stack is empty');
    return top;
  }

  #pop(): Pickled {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  /** What was pushed since the last mark, which goes as well. */
  #marked(): Pickled[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.#broken('its stack has no mark');
    const items = this.#stack.splice(at).slice(1);
    return items as Pickled[];
  }

  #remembered(index: number): Pickled {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#broken('it recalls what it never noted');
    return value;
  }

  #unsigned(bytes: 1 | 2 | 4): number {
    const at = this.#skip(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    return bytes === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  /** A whole number of so many bytes, in two's complement. */
  #long(bytes: number): number {
    let value = 0n;
    for (const [k, byte] of this.#take(bytes).entries()) value |= BigInt(byte) << BigInt(8 * k);
    return Number(BigInt.asIntN(8 * bytes, value));
  }

  #text(bytes: number): string {
    return new TextDecoder().decode(this.#take(bytes));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#broken('it ends in a name');
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  #take(bytes: number): Uint8Array {
    const at = this.#skip(bytes);
    return this.#bytes.subarray(at, at + bytes);
  }

  /** Where the next bytes begin. */
  #skip(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw this.#broken('it ends before it is done');
    this.#at += bytes;
    return at;
  }

  #broken(what: string): InputError {
    return new InputError(`${this.#name}: broken pickle, ${what}`);
  }

  #foreign(what: string): InputError {
    return new InputError(
      `${this.#name}: must hold plain tensors, got ${what}, which is never unpickled; torch.save(model.state_dict(), FILE) writes tensors alone`,
    );
  }
}
