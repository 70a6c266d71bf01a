/** The input and the output of a graph, and what its batch axis may be. */
import { InputError, UnsupportedError } from '../../errors.ts';
import type { ModelProto, ValueInfoProto } from './protobuf/onnx_pb.ts';
import { type ElementType, isFloat } from './values/elementType.ts';
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
  return { name: info.name, dims, shown: shown ? `[${shown.join(', ')}]` : 'no shape', type };
}

/**
 * The one input that is no weight.
 * @throws InputError for none or several
 * @throws UnsupportedError for inputs that are no floats
 */
export function graphInput(model: ModelProto): Rim {
  const graph = model.graph!;
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.filter((info) => !weights.has(info.name));
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    const names = inputs.map((info) => info.name).join(', ');
    throw new InputError(`ONNX: a network must have one input, got ${inputs.length}${names && `: ${names}`}`);
  }
  const result = rim(input);
  if (!result.type || !isFloat(result.type)) {
    const type = input.type?.value;
    const found = `an input of data type ${type?.case === 'tensorType' ? type.value.elemType : 'none'}`;
    throw new UnsupportedError([{ node: input.name, found, reason: 'the input must be a tensor of floats' }]);
  }
  return result;
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
    const advice = outputs.length > 1 ? `: ${names}; choose one with the option output` : '';
    throw new InputError(`ONNX: one output is bounded, got ${outputs.length}${advice}`);
  }
  return rim(output);
}

/** How the input is understood. */
export interface Reading {
  /** Without the batch axis. */
  readonly shape: readonly number[];
  /** Whether the ONNX input has the batch as its first axis. */
  readonly batched: boolean;
  /** The batch size that the file fixes. */
  readonly batch: number | undefined;
}

/**
 * The readings of the input's shape, the usual one first: its first axis is the batch. Where that axis has a fixed
 * side the whole may also be one sample; if the first reading holds, rows do not mix and both have one bound.
 * @throws InputError where sides are open and `inputShape` does not give them
 */
export function readings(input: Rim, inputShape: readonly number[] | undefined): Reading[] {
  const where = `input ${input.name}`;
  if (inputShape && !inputShape.every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new InputError(`${where}: inputShape must hold positive integers, got [${inputShape.join(', ')}]`);
  }
  if (!input.dims) {
    if (!inputShape) throw new InputError(`${where}: its shape must be known, got none; give inputShape`);
    return [{ shape: inputShape, batched: true, batch: undefined }];
  }
  const rank = input.dims.length;
  if (rank === 0) throw new InputError(`${where}: must have an axis, got a scalar`);
  const whole = wholeShape(where, input, inputShape);
  const [batch, ...sample] = whole;
  const open = (rank === 1 ? whole : sample).includes(undefined);
  if (open) {
    const rule = 'its sides must be known, give inputShape without the batch axis';
    throw new InputError(`${where}: ${rule}, got ${input.shown}`);
  }
  const asSample: Reading = { shape: whole as number[], batched: false, batch: 1 };
  if (rank === 1) return [asSample];
  const asBatch: Reading = { shape: sample as number[], batched: true, batch };
  const onlyBatch = batch === undefined || batch === 1 || inputShape?.length === rank - 1;
  return onlyBatch ? [asBatch] : [asBatch, asSample];
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
      `${where}: inputShape must agree with ${input.shown}, got [${inputShape.join(', ')}]`,
    );
  }
  return dims.map((side, axis) => side ?? inputShape[axis - missing]);
}
