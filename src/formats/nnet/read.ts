/**
 * From a .nnet file (Stanford Intelligent Systems Laboratory, https://github.com/sisl/NNet) to a network: fully connected layers with ReLU
 * between, as lines of decimal numbers, and by how much inputs and outputs are shifted and scaled before and after.
 *
 * In physical units the network is range · N((x − mean) / range) + mean, without the cut to the inputs' least and largest values that
 * evaluation begins with: a cut brings no two inputs farther apart, so that the bound holds with it too.
 */
import { InputError } from '../../errors.ts';
import { NetworkBuilder } from '../../network/builder.ts';
import type { Network, TensorId } from '../../network/network.ts';
import type { Units } from '../format.ts';

const MOST_LAYERS = 1e5;
/** Of a line: as many numbers as a layer has inputs, of some twenty characters. */
const LONGEST_LINE = 2 ** 26;
const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;

/** @throws InputError for files that are malformed, and in physical units for ranges of 0 */
export function readNnet(bytes: Uint8Array, file: string, units: Units): Network {
  const lines = new Lines(bytes, file);
  const [layers, inputs, outputs] = lines.wholes('the header', 4) as [number, number, number, number];
  if (!(layers >= 1 && layers <= MOST_LAYERS)) {
    throw new InputError(`${file}: must have 1 to ${MOST_LAYERS} layers, got ${layers}`);
  }
  const sizes = lines.wholes('the sizes of layers', layers + 1);
  if (sizes[0] !== inputs || sizes[layers] !== outputs || sizes.some((size) => size < 1)) {
    throw new InputError(
      `${file}: sizes of layers must lead from ${inputs} inputs to ${outputs} outputs, got ${sizes.slice(0, 20).join(', ')}`,
    );
  }
  const numbers = sizes.slice(1).reduce((sum, size, k) => sum + size * (sizes[k]! + 1), 0);
  // Each takes a digit and a comma at least.
  if (!(2 * numbers <= bytes.length)) {
    throw new InputError(`${file}: broken, ${numbers} weights do not fit into ${bytes.length} bytes`);
  }
  lines.skip('a flag that nobody uses');
  lines.numbers('least inputs', inputs);
  lines.numbers('largest inputs', inputs);
  const means = lines.numbers('means', inputs + 1);
  const ranges = lines.numbers('ranges', inputs + 1);
  const builder = new NetworkBuilder(file.replace(/\.nnet$/i, ''));
  let x = builder.input('input', [inputs]);
  if (units === 'physical') x = normalized(builder, x, means, ranges, file);
  for (let k = 1; k <= layers; k++) {
    const [columns, rows] = [sizes[k - 1]!, sizes[k]!];
    const weight = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      weight.set(lines.numbers(`row ${row + 1} of the weights of layer ${k}`, columns), row * columns);
    }
    const bias = Float64Array.from({ length: rows }, () => lines.numbers(`the biases of layer ${k}`, 1)[0]!);
    x = builder.add(`layer ${k}`, { kind: 'affine', outputs: rows, inputs: columns, weight, bias }, [x]);
    if (k < layers) x = builder.add(`relu ${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  }
  lines.finish();
  if (units === 'physical') {
    const [scale, shift] = [ranges.slice(inputs), means.slice(inputs)];
    x = builder.add('physical outputs', { kind: 'scale', scale, shift }, [x]);
  }
  return builder.build(x);
}

/** (x − mean) / range. */
function normalized(
  builder: NetworkBuilder,
  x: TensorId,
  means: Float64Array,
  ranges: Float64Array,
  file: string,
): TensorId {
  const own = ranges.slice(0, -1);
  if (own.includes(0))
    throw new InputError(`${file}: ranges of inputs must not be 0, got [${own.join(', ')}]`);
  const scale = own.map((range) => 1 / range);
  const shift = scale.map((factor, k) => -means[k]! * factor);
  const shiftMagnitude = shift.map((value) => 2 * Math.abs(value));
  return builder.add('normalized inputs', { kind: 'scale', scale, shift, shiftMagnitude, roundings: 1 }, [x]);
}

/** Lines of numbers, one after the other. */
class Lines {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  #at = 0;
  #line = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
  }

  /** So many finite numbers, each followed by a comma but perhaps the last. @throws InputError */
  numbers(what: string, count: number): Float64Array {
    const words = this.#words(what);
    if (words.length !== count) throw this.#broken(`${what} must be ${count} numbers, got ${words.length}`);
    return Float64Array.from(words, (word) => {
      const value = NUMBER.test(word) ? Number(word) : Number.NaN;
      if (!Number.isFinite(value)) throw this.#broken(`${what} must be numbers, got ${word.slice(0, 40)}`);
      return value;
    });
  }

  wholes(what: string, count: number): number[] {
    const values = [...this.numbers(what, count)];
    const bad = values.find((value) => !Number.isSafeInteger(value) || value < 0);
    if (bad !== undefined) throw this.#broken(`${what} must be whole numbers, got ${bad}`);
    return values;
  }

  skip(what: string): void {
    this.#words(what);
  }

  /** @throws InputError where anything is left but blanks */
  finish(): void {
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      if (line.trim() !== '')
        throw this.#broken(`nothing must be behind the last bias, got ${line.slice(0, 40)}`);
    }
  }

  #words(what: string): string[] {
    let line = this.#next();
    while (line !== undefined && /^\s*(\/\/|$)/.test(line)) line = this.#next();
    if (line === undefined) throw this.#broken(`it ends before ${what}`);
    const words = line.split(',').map((word) => word.trim());
    if (words.at(-1) === '') words.pop();
    return words;
  }

  #next(): string | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const end = this.#bytes.indexOf(0x0a, this.#at);
    const line = this.#bytes.subarray(this.#at, end < 0 ? this.#bytes.length : end);
    this.#at += line.length + 1;
    this.#line++;
    if (line.length > LONGEST_LINE)
      throw this.#broken(`lines must have at most ${LONGEST_LINE} bytes, got ${line.length}`);
    return new TextDecoder('latin1').decode(line);
  }

  #broken(what: string): InputError {
    return new InputError(`${this.#file}: line ${this.#line}: ${what}`);
  }
}
