/** How ONNX has an elementwise function, and short ways to say it. */
import type { Elementwise } from '../../../network/elementwise/elementwise.ts';
import type { Call } from '../call.ts';
import type { Converter } from '../operators/converter.ts';
import { FLOATS, type Schema, schema, type WrittenForm } from '../protobuf/schema.ts';
import type { ElementType } from '../values/elementType.ts';
import { applyElementwise } from './reading.ts';
import type { LastNode, Target } from './writing.ts';

/** One function in ONNX. */
export interface FunctionRow<F extends Elementwise> {
  /** The operator that is read as this function; absent where patterns or operators of other rows give it. */
  readonly operator?: Operator;
  /**
   * The node that computes the function, in operator set 20; those before it are written.
   * @throws InputError for parameters that are attributes in ONNX and no float32
   */
  write(f: F, to: Target): LastNode;
}

export interface Operator {
  readonly opType: string;
  readonly schema: Schema;
  readonly converter: Converter;
}

/** An operator whose inputs and output are of one type, among `types`. */
export function operator(
  opType: string,
  converter: Converter,
  forms: readonly WrittenForm[],
  types: readonly ElementType[] = FLOATS,
): Operator {
  return { opType, schema: schema({ T: types }, ...forms), converter };
}

/** A node whose attributes say what function it is. */
export function activation(build: (call: Call) => Elementwise): Converter {
  return { signals: (call) => applyElementwise(call, build(call), call.signal(0)) };
}

interface PlainOptions {
  readonly constants?: NonNullable<Converter['constants']>;
  readonly types?: readonly ElementType[];
}

/** A function without parameters that ONNX has under a name of its own since an operator set. */
export function plain<F extends Elementwise>(
  f: F,
  opType: string,
  since: number,
  { constants, types }: PlainOptions = {},
): FunctionRow<F> {
  const converter = { ...activation(() => f), ...(constants && { constants }) };
  return {
    operator: operator(opType, converter, [[since, 'T -> T']], types),
    write: (_, to) => to.last(opType),
  };
}
