/** What the WebGL engine uses of gpu.js; library.js is made by scripts/build-kernels.mjs. */

/** The output of a kernel on the device. */
export interface Texture {
  /** Width and height. */
  readonly size: readonly [number, number];
  /** Every texel's four channels, of which the first holds a number. Waits for the device. */
  renderRawOutput(): Float32Array;
  delete(): void;
}

/** Numbers of the host. */
export interface Input {
  readonly size: Int32Array | readonly number[];
}

export type Argument = Texture | Input | Float32Array | number;

export interface Run {
  (...given: readonly Argument[]): Texture;
  setOutput(size: readonly number[]): this;
}

export interface KernelSettings {
  readonly argumentTypes: readonly string[];
  readonly output: readonly number[];
  readonly precision: 'single';
  readonly tactic: 'precision';
  readonly pipeline: true;
  readonly immutable: true;
  readonly dynamicOutput: true;
  readonly dynamicArguments: true;
  readonly strictIntegers: true;
  readonly loopMaxIterations: number;
  readonly onRequestFallback: () => never;
}

export class GPU {
  constructor(settings: {
    readonly canvas: HTMLCanvasElement | OffscreenCanvas;
    readonly context: WebGL2RenderingContext;
    readonly mode: 'webgl2';
  });
  createKernel(source: string, settings: KernelSettings): Run;
  addNativeFunction(name: string, source: string): this;
  injectNative(source: string): this;
  /** Loses the context, too. */
  destroy(): Promise<void>;
}

export function input(value: Float32Array, size: readonly number[]): Input;
