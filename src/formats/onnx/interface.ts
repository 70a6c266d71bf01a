/** The inputs and the output of a graph, and what its batch axis may be. */
import { InputError, UnsupportedError } from '../../errors.ts';
import { product } from '../../network/size.ts';
import type { FixedInput, LoadOptions } from '../format.ts';
import type { ModelProto, ValueInfoProto } from './protobuf/onnx_pb.ts';
import { type Constant, constantOf } from './values/constant.ts';
import { type ElementType, integerRange, isFloat, roundingTo } from './values/elementType.ts';
import { elementType } from './values/tensors.ts';

/** A value at the rim of the graph; dims are undefined where the file leaves them open. */
export interface Rim {
  readonly name: string;
  /** Undefined where the file gives no shape at all. */
  readonly dims: readonly (number | undefined)[] | undefined;
  /** The dims as the file writes them. */
  readonly shown: string;
  /** Its number format; undefined where the file gives none, or one that is not read. */
  readonly type: ElementType | undefined;
  /** What it is, for people. */
  readonly found: string;
}

function rim(info: ValueInfoProto): Rim {
  const shape = info.type?.value.case === 'tensorType' ? info.type.value.value.shape : undefined;
  // A size of 0 is an old way of leaving it open.
  const dims = shape?.dim.map(({ value }) => {
    const size = value.case === 'dimValue' ? Number(value.value) : 0;
    return size > 0 ? size : undefined;
  });
  const shown = shape?.dim.map(({ value }) =>
    value.value === undefined || value.value === '' ? '?' : `${value.value}`,
  );
  const type =
    info.type?.value.case === 'tensorType' ? elementType(info.type.value.value.elemType) : undefined;
  const kind = info.type?.value;
  const found = `an input of data type ${kind?.case === 'tensorType' ? kind.value.elemType : 'none'}`;
  return { name: info.name, dims, shown: shown ? `[${shown.join(', ')}]` : 'no shape', type, found };
}

/** The inputs that are no weights, in the order of the file. @throws InputError where a name stands twice */
export function graphInputs(model: ModelProto): Rim[] {
  const graph = model.graph!;
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.filter((info) => !weights.has(info.name)).map(rim);
  const names = new Set(inputs.map(({ name }) => name));
  if (names.size < inputs.length) {
    throw new InputError(
      `ONNX: inputs must have unique names, got ${inputs.map(({ name }) => name).join(', ')}`,
    );
  }
  return inputs;
}

/** What is said of a model's inputs. */
export type InputChoice = Pick<LoadOptions, 'input' | 'fix'>;

export interface ChosenInputs {
  /** What the network is a function of, in the order of the file. */
  readonly free: readonly Rim[];
  readonly fixed: ReadonlyMap<string, Constant>;
}

/**
 * Which inputs the network is a function of: those that the output needs, but for what is fixed.
 * @param needed the inputs that the output depends on
 * @throws InputError where names or numbers do not fit the model, or where an input is chosen and others are left open
 * @throws UnsupportedError for free inputs that are no numbers
 */
export function chosenInputs(
  inputs: readonly Rim[],
  needed: ReadonlySet<string>,
  { input, fix = new Map() }: InputChoice,
): ChosenInputs {
  const names = inputs.map(({ name }) => name).join(', ');
  for (const name of [...(input === undefined ? [] : [input]), ...fix.keys()]) {
    if (!inputs.some((rim) => rim.name === name)) {
      throw new InputError(`input: must be one of ${names || 'none'}, got ${name}`);
    }
  }
  if (input !== undefined && fix.has(input)) {
    throw new InputError(`input ${input}: must not be fixed and chosen at the same time`);
  }
  const open = inputs.filter(({ name }) => !fix.has(name));
  const used = open.filter(({ name }) => needed.has(name));
  const left = used.filter(({ name }) => input !== undefined && name !== input);
  if (left.length > 0) {
    const others = left.map(({ name }) => name).join(', ');
    throw new InputError(
      `input ${input}: the output needs others too, which must be fixed (the option fix), got ${others}`,
    );
  }
  // A constant is a function of any input.
  const free = used.length > 0 ? used : open.filter(({ name }) => input === undefined || name === input);
  if (free.length === 0) {
    throw new InputError(
      `ONNX: a network must have an input, got none${fix.size > 0 ? ' that is not fixed' : ''}`,
    );
  }
  const items = free.flatMap(({ name, type, found }) =>
    type && type !== 'bool' ? [] : [{ node: name, found, reason: NO_NUMBERS }],
  );
  if (items.length > 0) throw new UnsupportedError(items);
  const fixed = inputs.flatMap((rim) => {
    const given = fix.get(rim.name);
    return given ? [[rim.name, fixedConstant(rim, given)] as const] : [];
  });
  return { free, fixed: new Map(fixed) };
}

const NO_NUMBERS =
  'an input to bound with respect to must be a tensor of numbers; hold this one at some (the option fix)';

/** The numbers as the file types them, the batch axis put in front where they leave it out. */
function fixedConstant({ name, dims, type, shown, found }: Rim, { shape, data }: FixedInput): Constant {
  const where = `input ${name}`;
  if (!type)
    throw new UnsupportedError([
      { node: name, found, reason: 'its numbers are of a format that is not read' },
    ]);
  const missing = dims ? dims.length - shape.length : 0;
  const single = dims?.length === 0 && product(shape) === 1;
  const whole = single ? [] : missing === 1 ? [1, ...shape] : [...shape];
  const fits =
    !dims ||
    (whole.length === dims.length && dims.every((side, axis) => (side ?? whole[axis]) === whole[axis]));
  if (!fits || product(whole) !== data.length) {
    throw new InputError(`${where}: its numbers must be of shape ${shown}, got [${shape.join(', ')}]`);
  }
  const round = isFloat(type) ? roundingTo(type) : (value: number) => value;
  const values = Float64Array.from(data, (value) => round(value));
  const { least, greatest } = isFloat(type) ? { least: -Infinity, greatest: Infinity } : integerRange(type);
  const wrong = values.findIndex(
    (value) =>
      !Number.isFinite(value) ||
      !(isFloat(type) || (Number.isSafeInteger(value) && value >= least && value <= greatest)),
  );
  if (wrong >= 0)
    throw new InputError(`${where}: must hold numbers of ${type}, got ${data[wrong]} at ${wrong}`);
  return constantOf(type, whole, values);
}

/**
 * The output to bound.
 * @param chosen its name, where there are several
 * @throws InputError that lists the names
 */
export function graphOutput(model: ModelProto, chosen: string | undefined): Rim {
  const outputs = model.graph!.output;
  const names = outputs.map((info) => info.name).join(', ');
  if (chosen !== undefined) {
    const output = outputs.find((info) => info.name === chosen);
    if (!output) throw new InputError(`output: must be one of ${names}, got ${chosen}`);
    return rim(output);
  }
  const [output] = outputs;
  if (!output || outputs.length > 1) {
    const advice = outputs.length > 1 ? `: ${names}; choose one (the option output)` : '';
    throw new InputError(`ONNX: one output is bounded, got ${outputs.length}${advice}`);
  }
  return rim(output);
}

/** How an input is understood. */
export interface InputReading {
  readonly name: string;
  /** Without the batch axis. */
  readonly shape: readonly number[];
  /** Whether the ONNX input has the batch as its first axis. */
  readonly batched: boolean;
  /** The batch size that is fixed. */
  readonly batch: number | undefined;
}

/** How the inputs are understood together. */
export interface Reading {
  readonly inputs: readonly InputReading[];
  /** The batch size that is fixed, by the file or by who asks. */
  readonly batch: number | undefined;
}

export interface ReadingOptions {
  /** Shape of one sample of the input, where the file leaves it open. */
  readonly inputShape?: readonly number[];
  /** The batch size where the file leaves it open: one sample at a time. */
  readonly batch?: 1;
}

/**
 * The readings of the inputs' shapes, the usual one first: the first axis is the batch. Where that axis has a fixed
 * side the whole may also be one sample; if the first reading holds, rows do not mix and both have one bound.
 * @throws InputError where sides are open and `inputShape` does not give them
 */
export function readings(inputs: readonly Rim[], options: ReadingOptions): Reading[] {
  const { inputShape } = options;
  if (inputShape && inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw new InputError(
      `input: the option inputShape is of one, got ${names}; hold the others at numbers (the option fix)`,
    );
  }
  const each = inputs.map((input) => inputReadings(input, options));
  const usual = each.map(([first]) => first!);
  const wholes = each.map((all) => all.at(-1)!);
  const choices = wholes.every((whole, k) => whole === usual[k]) ? [usual] : [usual, wholes];
  const fitting = choices.flatMap((chosen) => {
    const batch = commonBatch(chosen);
    return batch === 'none' ? [] : [{ inputs: chosen, batch }];
  });
  if (fitting.length > 0) return fitting;
  const shown = inputs.map(({ name, shown }) => `${name} ${shown}`).join(', ');
  throw new InputError(`ONNX: inputs must have one batch size, got ${shown}; give it (the option batch)`);
}

/** The batch size of inputs that are understood so; 'none' where they have no common one. */
function commonBatch(inputs: readonly InputReading[]): number | undefined | 'none' {
  const [first, ...others] = new Set(inputs.map(({ batch }) => batch));
  return others.length > 0 ? 'none' : first;
}

function inputReadings(input: Rim, { inputShape, batch: given }: ReadingOptions): InputReading[] {
  const { name } = input;
  const where = `input ${name}`;
  if (inputShape && !inputShape.every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new InputError(
      `${where}: the option inputShape must hold positive integers, got [${inputShape.join(', ')}]`,
    );
  }
  if (!input.dims) {
    if (!inputShape)
      throw new InputError(`${where}: its shape must be known, got none; give it (the option inputShape)`);
    return [{ name, shape: inputShape, batched: true, batch: given }];
  }
  const rank = input.dims.length;
  if (rank === 0) return [{ name, shape: [], batched: false, batch: 1 }];
  const sides = wholeShape(where, input, inputShape);
  const alone = given === 1 && hasBatchSecond(input.dims, sides);
  const whole = alone ? sides.with(1, 1) : sides;
  const [first, ...sample] = whole;
  const open = (rank === 1 ? whole : sample).includes(undefined);
  if (open) {
    const rule = 'its sides must be known, give them without the batch axis (the option inputShape)';
    throw new InputError(`${where}: ${rule}, got ${input.shown}`);
  }
  const asSample: InputReading = { name, shape: whole as number[], batched: false, batch: 1 };
  if (rank === 1 || alone) return [asSample];
  if (given !== undefined && first !== undefined && first !== given) {
    throw new InputError(
      `${where}: its batch size must be ${given}, as the option batch says or inputs that are fixed mean, got ${input.shown}`,
    );
  }
  const batch = first ?? given;
  const asBatch: InputReading = { name, shape: sample as number[], batched: true, batch };
  const onlyBatch = batch === undefined || batch === 1 || inputShape?.length === rank - 1;
  return onlyBatch ? [asBatch] : [asBatch, asSample];
}

/** Whether the batch of 1 is the second side, as of [sequence, batch, features]: that is open, and the first is known and more. */
function hasBatchSecond(dims: Rim['dims'], sides: readonly (number | undefined)[]): boolean {
  const [first, second] = sides;
  const known = first !== undefined && first !== 1;
  return sides.length > 1 && dims![1] === undefined && known && (second ?? 1) === 1;
}

/** The input's dims with those filled in that `inputShape` gives, which must agree with the file's. */
function wholeShape(
  where: string,
  input: Rim,
  inputShape: readonly number[] | undefined,
): (number | undefined)[] {
  const dims = input.dims!;
  if (!inputShape) return [...dims];
  const missing = dims.length - inputShape.length;
  const fits = (missing === 0 || missing === 1) && inputShape.length > 0;
  const agrees = inputShape.every((side, k) => (dims[k + missing] ?? side) === side);
  if (!fits || !agrees) {
    throw new InputError(
      `${where}: the option inputShape must agree with ${input.shown}, got [${inputShape.join(', ')}]`,
    );
  }
  return dims.map((side, axis) => side ?? inputShape[axis - missing]);
}
