/**
 * Kernels: what a shader of shaders/ reads, writes and is told. Bindings and uniforms are declared here alone; the WGSL that declares
 * them and the words that a dispatch uploads are both derived from it.
 */
import { wgsl } from './wgsl.ts';

/** `scalar`: an entry of a matrix, real or complex as the dispatch says. */
type Element = 'scalar' | 'f32' | 'u32';
export type Binding = `${'read' | 'write'} ${Element}`;
export type Size = 'u32' | 'i32' | 'f32';

export interface Kernel<B extends string = string, S extends string = string> {
  readonly name: string;
  /** The shader. */
  readonly text: string;
  /** The shader's `work(index)` runs once per thread, or `work(group, local)` once in every thread of a workgroup. */
  readonly per: 'thread' | 'workgroup';
  /** Threads of a workgroup. */
  readonly workgroupSize: number;
  /** Storage buffers in the order of their binding numbers, which start at 1. */
  readonly bindings: Readonly<Record<B, Binding>>;
  /** Fields of the uniform `sizes`. */
  readonly sizes: Readonly<Record<S, Size>>;
  /** Names of the bindings, and names and types of those fields, in their order: for every dispatch, of which there are many. */
  readonly bindingNames: readonly B[];
  readonly fields: readonly (readonly [name: S, type: Size])[];
  /** Further shaders, whose functions it calls. */
  readonly uses: readonly (keyof typeof wgsl)[];
}

/** Constants that a variant of a kernel is compiled with; numbers are natural ones. */
export type Constants = Readonly<Record<string, boolean | number>>;

const defaultWorkgroupSize = 64;

/** A kernel of which every thread works on its own. */
export function threads<B extends string, S extends string>(
  name: keyof typeof wgsl,
  bindings: Readonly<Record<B, Binding>>,
  sizes: Readonly<Record<S, Size>>,
  ...uses: (keyof typeof wgsl)[]
): Kernel<B, S> {
  return {
    ...{ name, text: wgsl[name], per: 'thread', workgroupSize: defaultWorkgroupSize, uses },
    ...declared(bindings, sizes),
  };
}

/** A kernel whose threads work together in workgroups. */
export function workgroups<B extends string, S extends string>(
  name: keyof typeof wgsl,
  bindings: Readonly<Record<B, Binding>>,
  sizes: Readonly<Record<S, Size>>,
  workgroupSize = defaultWorkgroupSize,
  ...uses: (keyof typeof wgsl)[]
): Kernel<B, S> {
  return { name, text: wgsl[name], per: 'workgroup', workgroupSize, uses, ...declared(bindings, sizes) };
}

function declared<B extends string, S extends string>(
  bindings: Readonly<Record<B, Binding>>,
  sizes: Readonly<Record<S, Size>>,
): Pick<Kernel<B, S>, 'bindings' | 'sizes' | 'bindingNames' | 'fields'> {
  return {
    bindings,
    sizes,
    bindingNames: Object.keys(bindings) as B[],
    fields: Object.entries<Size>(sizes) as [S, Size][],
  };
}

/** Fields that every kernel's uniform starts with: the range of workgroups of this dispatch, laid out as a grid, and where work ends. */
const rangeFields = { firstGroup: 'u32', groupsAcross: 'u32', end: 'u32' } as const satisfies Record<
  string,
  Size
>;

export interface Range {
  readonly firstGroup: number;
  readonly groupsAcross: number;
  /** Where the range ends: in threads, or in workgroups where the kernel works in those. What a grid has beyond it does nothing. */
  readonly end: number;
}

/** Most workgroups that WebGPU allows along one dimension of a grid. */
const mostGroupsAcross = 65535;

/** A range of the workgroups of a kernel that works `count` times, as a grid. */
export function rangeOf(
  kernel: Pick<Kernel, 'per' | 'workgroupSize'>,
  count: number,
  firstGroup: number,
  groups: number,
): Range {
  const endGroup = firstGroup + groups;
  const end = kernel.per === 'thread' ? Math.min(count, endGroup * kernel.workgroupSize) : endGroup;
  return { firstGroup, groupsAcross: Math.min(groups, mostGroupsAcross), end };
}

/** The whole WGSL module of a kernel. */
export function moduleText(kernel: Kernel, complex: boolean, constants: Constants): string {
  const fields = Object.entries({ ...rangeFields, ...kernel.sizes });
  const bindings = Object.entries(kernel.bindings).map(([name, binding], index) => {
    const [access, element] = binding.split(' ') as ['read' | 'write', Element];
    const mode = access === 'read' ? 'read' : 'read_write';
    return `@group(0) @binding(${index + 1}) var<storage, ${mode}> ${name}: array<${element === 'scalar' ? 'Scalar' : element}>;`;
  });
  return [
    complex ? wgsl.complex : wgsl.real,
    wgsl.bits,
    `struct Sizes { ${fields.map(([name, type]) => `${name}: ${type}`).join(', ')} }`,
    '@group(0) @binding(0) var<uniform> sizes: Sizes;',
    ...bindings,
    ...Object.entries(constants).map(
      ([name, value]) => `const ${name} = ${value}${typeof value === 'number' ? 'u' : ''};`,
    ),
    ...kernel.uses.map((name) => wgsl[name]),
    kernel.text,
    entryPoint(kernel),
  ].join('\n');
}

function entryPoint({ per, workgroupSize }: Kernel): string {
  const call =
    per === 'thread'
      ? `let index = group * ${workgroupSize}u + local;\n  if (index < sizes.end) { work(index); }`
      : 'if (group < sizes.end) { work(group, local); }';
  return `
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = sizes.firstGroup + id.y * sizes.groupsAcross + id.x;
  ${call}
}
`;
}

/** Most bytes of a uniform. */
export const uniformBytes = 256;

/** Writes a dispatch's uniform at a byte offset. */
export function writeUniform(
  view: DataView,
  offset: number,
  kernel: Kernel,
  { firstGroup, groupsAcross, end }: Range,
  sizes: Readonly<Record<string, number>>,
): void {
  // In the order of `rangeFields`.
  writeWord(view, offset, kernel, 'firstGroup', firstGroup);
  writeWord(view, offset + 4, kernel, 'groupsAcross', groupsAcross);
  writeWord(view, offset + 8, kernel, 'end', end);
  let at = offset + 12;
  for (const [name, format] of kernel.fields) {
    const value = sizes[name];
    if (value === undefined) throw new Error(`${kernel.name}: size ${name} must be given, got none`);
    switch (format) {
      case 'f32':
        view.setFloat32(at, value, true);
        break;
      case 'i32':
        view.setInt32(at, value, true);
        break;
      case 'u32':
        writeWord(view, at, kernel, name, value);
        break;
      default: {
        format satisfies never;
      }
    }
    at += 4;
  }
}

function writeWord(view: DataView, at: number, { name }: Kernel, field: string, value: number): void {
  // NaN fails too.
  if (!(value >= 0 && value <= 0xffffffff)) {
    throw new RangeError(`${name}: ${field} must fit 32 bits, got ${value}`);
  }
  view.setUint32(at, value, true);
}
