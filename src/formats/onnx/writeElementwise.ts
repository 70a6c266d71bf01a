/** Elementwise functions as ONNX nodes. */
import { InputError } from '../../errors.ts';
import type { Elementwise } from '../../network/elementwise.ts';
import { type GraphWriter, perChannel } from './writer.ts';

/** What is passed to `GraphWriter.last`. */
export type LastNode = Parameters<GraphWriter['last']>;

const node = (...last: LastNode): LastNode => last;

/**
 * The node that computes a function; those before it are written.
 * @param spatial the axes that follow the channels
 * @throws InputError for parameters that are attributes in ONNX and no float32
 */
export function elementwiseNode(
  writer: GraphWriter,
  name: string,
  f: Elementwise,
  x: string,
  spatial: number,
): LastNode {
  /** Attributes are float32, whatever the tensors are. */
  const exact = (value: number): number => {
    if (Math.fround(value) === value) return value;
    throw new InputError(`${name}: ${f.name}: ONNX holds its parameters in float32, got ${value}`);
  };
  switch (f.name) {
    case 'relu':
      return node('Relu', [x]);
    case 'leaky-relu':
      if (Math.fround(f.slope) === f.slope) return node('LeakyRelu', [x], { alpha: { float: f.slope } });
      return node('PRelu', [x, perChannel(writer, 'slope', Float64Array.of(f.slope), spatial)]);
    case 'prelu':
      return node('PRelu', [x, perChannel(writer, 'slope', f.slopes, spatial)]);
    case 'elu':
      return node('Elu', [x], { alpha: { float: exact(f.alpha) } });
    case 'celu':
      return node('Celu', [x], { alpha: { float: exact(f.alpha) } });
    case 'selu':
      return node('Selu', [x], { alpha: { float: exact(f.alpha) }, gamma: { float: exact(f.gamma) } });
    case 'hard-sigmoid':
      return node('HardSigmoid', [x], {
        alpha: { float: exact(f.alpha) },
        beta: { float: exact(f.beta) },
      });
    case 'clip': {
      const bound = (what: string, value: number) =>
        Number.isFinite(value) ? writer.constant(what, [], Float64Array.of(value)) : '';
      return node('Clip', [x, bound('min', f.min), bound('max', f.max)]);
    }
    case 'swish': {
      const gate = writer.node('gate', 'Sigmoid', [multiplied(writer, x, 'beta', f.beta)]);
      return node('Mul', [x, gate]);
    }
    case 'silu':
      return node('Mul', [x, writer.node('gate', 'Sigmoid', [x])]);
    case 'gelu':
      if (f.rate === undefined) return node('Gelu', [x]);
      return gated(writer, x, writer.node('erf', 'Erf', [multiplied(writer, x, 'rate', f.rate)]));
    case 'gelu-tanh': {
      if (f.constants === undefined) return node('Gelu', [x], { approximate: 'tanh' });
      const cube = writer.node('cube', 'Pow', [x, writer.constant('exponent', [], Float64Array.of(3))]);
      const cubic = multiplied(writer, cube, 'cubic', f.constants.cubic);
      const sum = writer.node('sum', 'Add', [x, cubic]);
      return gated(
        writer,
        x,
        writer.node('tanh', 'Tanh', [multiplied(writer, sum, 'rate', f.constants.rate)]),
      );
    }
    case 'mask':
      // The identity on the samples that there are.
      return node('Identity', [x]);
    case 'hard-swish': {
      if (f.rate === undefined) return node('HardSwish', [x]);
      const attributes = { alpha: { float: exact(f.rate) }, beta: { float: 0.5 } };
      return node('Mul', [x, writer.node('gate', 'HardSigmoid', [x], attributes)]);
    }
    case 'sigmoid':
      return node('Sigmoid', [x]);
    case 'tanh':
      return node('Tanh', [x]);
    case 'softplus':
      return node('Softplus', [x]);
    case 'softsign':
      return node('Softsign', [x]);
    case 'mish':
      return node('Mish', [x]);
    case 'abs':
      return node('Abs', [x]);
    case 'sin':
      return node('Sin', [x]);
    case 'cos':
      return node('Cos', [x]);
    case 'atan':
      return node('Atan', [x]);
    case 'erf':
      return node('Erf', [x]);
    default:
      return f satisfies never;
  }
}

function multiplied(writer: GraphWriter, x: string, what: string, factor: number): string {
  return writer.node(`${what}.product`, 'Mul', [x, writer.constant(what, [], Float64Array.of(factor))]);
}

/** ½ x (1 + gate) */
function gated(writer: GraphWriter, x: string, gate: string): LastNode {
  const raised = writer.node('gate', 'Add', [gate, writer.constant('one', [], Float64Array.of(1))]);
  const product = writer.node('gated', 'Mul', [x, raised]);
  return node('Mul', [product, writer.constant('half', [], Float64Array.of(0.5))]);
}
