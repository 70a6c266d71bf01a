/**
 * Vectors in device memory, and those that are still to be computed: what is done to vectors entry by entry is kept as an expression until
 * somebody needs the numbers, and then computed in one dispatch, however long the chain. A vector that only others are made of is never
 * stored. What it is made of stays until then, though its handles may have been released.
 */
import { type Kernel, type Size, threads, workgroups } from '../kernel.ts';
import type { Task } from '../timeline.ts';
import type { Space } from './arena.ts';

/** What gives vectors space and carries out what computes them. */
export interface VectorHost {
  /** Space for so many numbers. */
  scratch(length: number): Space;
  dispatch<B extends string, S extends string>(kernel: Kernel<B, S>, task: Task<B, S>): void;
  free(space: Space): void;
}

/** How an entry is made of entries of others, all as bits; numbers stand in the uniform. */
export type Form =
  | { readonly kind: 'combine'; readonly coefficients: readonly number[] }
  | { readonly kind: 'multiply' | 'maximum' | 'reciprocal' | 'squareRoot' | 'exponent' }
  | { readonly kind: 'scaleByPower'; readonly sign: 1 | -1 };

/** Vectors that one dispatch reads: WebGPU promises eight bindings, one of which is written. */
const mostOperands = 7;
/** Operations and numbers of one expression. */
const mostNodes = 24;

interface Made {
  readonly form: Form;
  readonly of: readonly StoredVector[];
}

export class StoredVector {
  readonly kind = 'vector';
  readonly length: number;
  readonly #host: VectorHost;
  #space: Space | undefined;
  #made: Made | undefined;
  /** Expressions that are made of it and not computed. */
  #users = 0;
  #released = false;

  private constructor(host: VectorHost, length: number, space: Space | undefined, made: Made | undefined) {
    this.#host = host;
    this.length = length;
    this.#space = space;
    this.#made = made;
    for (const one of made?.of ?? []) one.#users++;
  }

  static inSpace(host: VectorHost, length: number, space: Space): StoredVector {
    return new StoredVector(host, length, space, undefined);
  }

  /** Entry by entry; vectors of length 1 are repeated. */
  static made(host: VectorHost, form: Form, of: readonly StoredVector[]): StoredVector {
    for (const one of [...of].sort((a, b) => b.#size - a.#size)) {
      if (fits(of, form)) break;
      one.store();
    }
    return new StoredVector(host, Math.max(...of.map(({ length }) => length)), undefined, { form, of });
  }

  /** Where its numbers are once what is recorded up to now has run. */
  get space(): Space {
    return this.#space ?? this.store();
  }

  /** Computes it, if that has not been done. */
  store(): Space {
    if (this.#space) return this.#space;
    const space = this.#host.scratch(this.length);
    const { kernel, bindings, sizes } = program(this, threadsOf);
    this.#host.dispatch(kernel, { bindings: { ...bindings, out: space }, sizes, count: this.length });
    this.#space = space;
    this.#forgetExpression();
    return space;
  }

  /** The largest entry, NaN before all others: without storing what is only to be looked through. */
  largest(): StoredVector {
    const space = this.#host.scratch(1);
    const { kernel, bindings, sizes } = program(this, largestOf);
    this.#host.dispatch(kernel, {
      bindings: { ...bindings, out: space },
      sizes: { ...sizes, n: this.length },
      count: 1,
      cost: this.length,
    });
    return StoredVector.inSpace(this.#host, 1, space);
  }

  /** Nobody will ask for it any more, save expressions that are made of it. */
  release(): void {
    this.#released = true;
    this.#dropUnused();
  }

  /** What it is made of, while that is not computed. */
  get expression(): Made | undefined {
    return this.#made;
  }

  get #size(): number {
    return graphOf([this]).nodes.length;
  }

  #forgetExpression(): void {
    const of = this.#made?.of ?? [];
    this.#made = undefined;
    for (const one of of) {
      one.#users--;
      one.#dropUnused();
    }
  }

  #dropUnused(): void {
    if (!this.#released || this.#users > 0) return;
    if (this.#space) this.#host.free(this.#space);
    this.#space = undefined;
    this.#forgetExpression();
  }
}

interface Graph {
  /** Vectors that are there. */
  readonly leaves: readonly StoredVector[];
  /** Those to be computed, after what they are made of. */
  readonly nodes: readonly { readonly vector: StoredVector; readonly made: Made }[];
}

function graphOf(roots: readonly StoredVector[]): Graph {
  const leaves = new Set<StoredVector>();
  const nodes = new Map<StoredVector, Made>();
  const visit = (vector: StoredVector) => {
    if (leaves.has(vector) || nodes.has(vector)) return;
    const made = vector.expression;
    if (!made) {
      leaves.add(vector);
      return;
    }
    for (const one of made.of) visit(one);
    nodes.set(vector, made);
  };
  for (const root of roots) visit(root);
  return { leaves: [...leaves], nodes: [...nodes].map(([vector, made]) => ({ vector, made })) };
}

function fits(of: readonly StoredVector[], form: Form): boolean {
  const { leaves, nodes } = graphOf(of);
  const terms = form.kind === 'combine' ? form.coefficients.length : 1;
  const all = nodes.reduce((sum, { made }) => sum + made.of.length, terms);
  return leaves.length <= mostOperands && all <= mostNodes;
}

type Generated = Kernel<string, string>;
type Make = (
  key: string,
  text: string,
  bindings: Readonly<Record<string, 'read u32' | 'write u32'>>,
  sizes: Readonly<Record<string, Size>>,
) => Generated;

const threadsOf: Make = (key, text, bindings, sizes) => ({
  ...threads('elementwise', bindings, sizes, 'elementwise'),
  ...{ name: `elementwise ${key}`, text: `${text}\nfn work(index: u32) { out[index] = entry(index); }` },
});

const largestOf: Make = (key, text, bindings, sizes) => ({
  ...workgroups('largest', bindings, { ...sizes, n: 'u32' }, 64, 'elementwise', 'largest'),
  ...{ name: `largest ${key}`, text },
});

/** Kernels by what they compute. */
const generated = new Map<string, Generated>();

/** The kernel for the entries of a vector, and what it is told. */
function program(vector: StoredVector, make: Make) {
  const graph = graphOf([vector]);
  const { leaves, nodes } = graph;
  const places = placesIn(graph);
  let key = make === largestOf ? 'largest' : '';
  const numbers: number[] = [];
  for (const { made } of nodes) {
    key += ` ${made.form.kind}`;
    for (const one of made.of) key += ` ${places.get(one)}`;
    numbers.push(...numbersOf(made.form));
  }
  let kernel = generated.get(key);
  if (!kernel) {
    kernel = generate(graph, places, make);
    generated.set(key, kernel);
  }
  const bindings: Record<string, Space> = {};
  const sizes: Record<string, number> = { nothing: 0 };
  for (const [k, leaf] of leaves.entries()) {
    bindings[`v${k}`] = leaf.space;
    sizes[`stride${k}`] = leaf.length === 1 ? 0 : 1;
  }
  for (const [k, value] of numbers.entries()) sizes[`c${k}`] = value;
  return { kernel, bindings, sizes };
}

/** Names of the entries in a shader. */
function placesIn({ leaves, nodes }: Graph): ReadonlyMap<StoredVector, string> {
  const places = new Map<StoredVector, string>();
  for (const [k, leaf] of leaves.entries()) places.set(leaf, `a${k}`);
  for (const [k, { vector }] of nodes.entries()) places.set(vector, `b${k}`);
  return places;
}

function generate(
  { leaves, nodes }: Graph,
  places: ReadonlyMap<StoredVector, string>,
  make: Make,
): Generated {
  const lines = leaves.map((_, k) => `let a${k} = v${k}[index * sizes.stride${k}];`);
  let numbers = 0;
  const number = () => `sizes.c${numbers++}`;
  for (const { vector, made } of nodes) {
    const of = made.of.map((one) => places.get(one)!);
    lines.push(`let ${places.get(vector)} = ${call(made.form, of, number)};`);
  }
  const result = places.get(nodes.at(-1)?.vector ?? leaves[0]!)!;
  const sizes: Record<string, Size> = { nothing: 'u32' };
  for (const k of leaves.keys()) sizes[`stride${k}`] = 'u32';
  for (let k = 0; k < numbers; k++) sizes[`c${k}`] = 'f32';
  const text = `fn entry(index: u32) -> u32 {\n${lines.join('\n')}\nreturn ${result};\n}`;
  const bindings = {
    ...Object.fromEntries(leaves.map((_, k) => [`v${k}`, 'read u32'] as const)),
    out: 'write u32',
  } as const;
  return make(lines.join(' '), text, bindings, sizes);
}

/** Those that stand in the uniform, in the order in which `call` asks for them. */
function numbersOf(form: Form): readonly number[] {
  switch (form.kind) {
    case 'combine':
      return form.coefficients;
    case 'scaleByPower':
      return [form.sign];
    default:
      return [];
  }
}

/** WGSL, by the functions of elementwise.wgsl. */
function call(form: Form, of: readonly string[], number: () => string): string {
  switch (form.kind) {
    case 'combine':
      return of
        .slice(1)
        .reduce((sum, one) => `plusScaled(${sum}, ${number()}, ${one})`, `scaledBy(${number()}, ${of[0]})`);
    case 'multiply':
      return `multiplied(${of[0]}, ${of[1]})`;
    case 'maximum':
      return `larger(${of[0]}, ${of[1]})`;
    case 'reciprocal':
      return `reciprocalOf(${of[0]})`;
    case 'squareRoot':
      return `rootOf(${of[0]})`;
    case 'exponent':
      return `exponentNumber(${of[0]})`;
    case 'scaleByPower':
      return `timesPowerOf(${of[0]}, ${number()}, ${of[1]})`;
    default:
      return form satisfies never;
  }
}
