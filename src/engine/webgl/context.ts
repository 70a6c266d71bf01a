/** A WebGL 2 context with gpu.js on it: runs kernels, reads textures, and tells what went wrong. */
import { InputError } from '../../errors.ts';
import { bits, kernelTexts } from './kernelTexts.ts';
import type { GPU, Run, Texture } from './library.js';

/** What a kernel is given: blocks of the device, blocks or plain numbers of the host, a whole number, a number. */
type Parameter = 'block' | 'upload' | 'numbers' | 'count' | 'number';

export interface Kernel {
  readonly name: keyof typeof kernelTexts;
  readonly parameters: readonly Parameter[];
}

export function kernel(name: keyof typeof kernelTexts, ...parameters: readonly Parameter[]): Kernel {
  return { name, parameters };
}

/** How kernels see a block of numbers: `z` matrices of `y` rows of `x` numbers. */
export interface Extent {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Numbers on the device. */
export interface Block extends Extent {
  readonly texture: Texture;
}

const typeNames: Readonly<Record<Parameter, string>> = {
  block: 'ArrayTexture(1)',
  upload: 'Input',
  numbers: 'Array',
  count: 'Integer',
  number: 'Float',
};

/** gpu.js ends a loop there, whatever its condition says. What kernels loop over are rows and batches: no texture holds so many. */
const mostIterations = 2 ** 28;

export const bytesOf = ({ x, y, z }: Extent): number => 4 * x * y * z;

interface Device {
  readonly canvas: HTMLCanvasElement | OffscreenCanvas;
  readonly gl: WebGL2RenderingContext;
  /** For people. */
  readonly name: string;
}

/** @throws InputError where the host has no WebGL 2, or none that computes in float32. */
function findDevice(): Device {
  const canvas = newCanvas();
  // The union of both kinds of canvas makes TypeScript forget what 'webgl2' gives.
  const gl = canvas?.getContext('webgl2', { alpha: false, depth: false, antialias: false }) as
    | WebGL2RenderingContext
    | null
    | undefined;
  if (!canvas || !gl) {
    throw new InputError(
      `webgl: the host must offer WebGL 2, got ${canvas ? 'a browser without' : 'one that is no browser'}; choose the engine webgpu or cpu`,
    );
  }
  if (!gl.getExtension('EXT_color_buffer_float')) {
    throw new InputError(
      'webgl: the device must compute in float32 (EXT_color_buffer_float), got one that cannot; choose the engine cpu',
    );
  }
  const unmasked = gl.getExtension('WEBGL_debug_renderer_info')?.UNMASKED_RENDERER_WEBGL;
  return { canvas, gl, name: String(gl.getParameter(unmasked ?? gl.RENDERER)) };
}

/**
 * The name of the device, without loading what runs kernels on it.
 * @throws InputError where the host has no WebGL 2, or none that computes in float32.
 */
export function deviceName(): string {
  const { gl, name } = findDevice();
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return name;
}

export class Context {
  /** A device name for people. */
  readonly name: string;
  readonly #library: typeof import('./library.js');
  readonly #gl: WebGL2RenderingContext;
  readonly #gpu: GPU;
  readonly #runs = new Map<Kernel, Run>();
  /** Most numbers in one texture. */
  readonly #capacity: number;

  private constructor(library: typeof import('./library.js'), { canvas, gl, name }: Device) {
    this.#library = library;
    this.#gl = gl;
    this.name = name;
    this.#capacity = gl.getParameter(gl.MAX_TEXTURE_SIZE) ** 2;
    this.#gpu = new library.GPU({ canvas, context: gl, mode: 'webgl2' });
    this.#gpu.injectNative(bits);
    // What gpu.js has to know of the functions in there: their signatures.
    for (const [signature, name] of bits.matchAll(/^float (\w+)\(.*?\)/gm)) {
      this.#gpu.addNativeFunction(name!, `${signature};`);
    }
  }

  /** @throws InputError where the host has no WebGL 2, or none that computes in float32. */
  static async open(): Promise<Context> {
    const device = findDevice();
    return new Context(await import('./library.js'), device);
  }

  /** The block that a kernel computes.
   *  @throws InputError where it does not fit a texture. */
  run(kernel: Kernel, extent: Extent, ...given: readonly (Block | Float32Array | number)[]): Block {
    this.#assertFits(extent);
    const size = [extent.x, extent.y, extent.z];
    const run = (this.#runs.get(kernel) ?? this.#compiled(kernel, size)).setOutput(size);
    const texture = run(...given.map((value) => (isBlock(value) ? value.texture : value)));
    return { x: extent.x, y: extent.y, z: extent.z, texture };
  }

  /** Numbers of the host as a block. */
  upload(kernel: Kernel, numbers: Float32Array, extent: Extent): Block {
    this.#assertFits(extent);
    const size = [extent.x, extent.y, extent.z];
    const run = (this.#runs.get(kernel) ?? this.#compiled(kernel, size)).setOutput(size);
    return { ...extent, texture: run(this.#library.input(numbers, size)) };
  }

  /** The numbers of a block, once they are computed.
   *  @throws InputError where the device lost its context or ran out of memory on the way. */
  read({ x, y, z, texture }: Block): Float64Array {
    const channels = texture.renderRawOutput();
    this.#assertSound();
    const out = new Float64Array(x * y * z);
    for (let i = 0; i < out.length; i++) out[i] = channels[4 * i]!;
    return out;
  }

  /** `read`, and the block is given back. */
  take(block: Block): Float64Array {
    const out = this.read(block);
    block.texture.delete();
    return out;
  }

  async close(): Promise<void> {
    await this.#gpu.destroy();
  }

  #compiled(kernel: Kernel, output: readonly number[]): Run {
    const run = this.#gpu.createKernel(kernelTexts[kernel.name], {
      argumentTypes: kernel.parameters.map((parameter) => typeNames[parameter]),
      output,
      ...{ precision: 'single', tactic: 'precision', pipeline: true, immutable: true },
      ...{ dynamicOutput: true, dynamicArguments: true, strictIntegers: true },
      loopMaxIterations: mostIterations,
      onRequestFallback: () => {
        throw new Error(`webgl: gpu.js must translate the kernel ${kernel.name}, but did not`);
      },
    });
    this.#runs.set(kernel, run);
    return run;
  }

  #assertFits(extent: Extent): void {
    const numbers = extent.x * extent.y * extent.z;
    if (numbers <= this.#capacity) return;
    throw new InputError(
      `webgl: a texture of ${this.name} holds ${this.#capacity} numbers, got ${numbers} (${extent.z} matrices of ${extent.y} rows); lower the memory budget, or choose the engine cpu`,
    );
  }

  #assertSound(): void {
    if (this.#gl.isContextLost()) {
      throw new InputError('webgl: the device was lost; choose the engine cpu, or reload the page');
    }
    const error = this.#gl.getError();
    if (error === this.#gl.OUT_OF_MEMORY) {
      throw new InputError("webgl: matrices must fit the device's memory; lower the memory budget");
    }
    if (error !== this.#gl.NO_ERROR) throw new Error(`webgl: error ${error}`);
  }
}

function isBlock(value: Block | Float32Array | number): value is Block {
  return typeof value === 'object' && 'texture' in value;
}

/** In a page one of its own, which is what gpu.js looks at; in a worker there is but the other kind. */
function newCanvas(): HTMLCanvasElement | OffscreenCanvas | undefined {
  if (typeof document !== 'undefined') return document.createElement('canvas');
  return typeof OffscreenCanvas === 'undefined' ? undefined : new OffscreenCanvas(1, 1);
}
