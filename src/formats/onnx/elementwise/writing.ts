/** From elementwise functions to ONNX nodes. */
import { InputError } from '../../../errors.ts';
import { type AttributeValue, type GraphWriter, perChannel } from '../writing/writer.ts';

/** What is passed to `GraphWriter.last`. */
export type LastNode = Parameters<GraphWriter['last']>;

/** Where the nodes of one function of a tensor `x` go. */
export class Target {
  readonly x: string;
  private readonly writer: GraphWriter;
  private readonly subject: string;
  private readonly spatial: number;

  /**
   * @param subject the node and the function, for messages
   * @param spatial the axes that follow the channels
   */
  constructor(writer: GraphWriter, subject: string, x: string, spatial: number) {
    this.writer = writer;
    this.subject = subject;
    this.x = x;
    this.spatial = spatial;
  }

  /** The node that computes the function, given those before it. */
  last(
    opType: string,
    inputs: readonly string[] = [this.x],
    attributes: Record<string, AttributeValue> = {},
  ): LastNode {
    return [opType, inputs, attributes];
  }

  /** A node before the last; returns the name of its output. */
  node(
    part: string,
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
  ): string {
    return this.writer.node(part, opType, inputs, attributes);
  }

  /**
   * A parameter as an attribute, which is float32 whatever the tensors are.
   * @throws InputError where that is another number
   */
  attribute(value: number): AttributeValue {
    if (Math.fround(value) === value) return { float: value };
    throw new InputError(`${this.subject}: ONNX holds its parameters in float32, got ${value}`);
  }

  /** A parameter as a tensor, in the format of all weights; returns its name. */
  constant(what: string, value: number): string {
    return this.writer.constant(what, [], Float64Array.of(value));
  }

  /** Parameters per channel, or one for all, as a tensor; returns its name. */
  perChannel(what: string, values: Float64Array): string {
    return perChannel(this.writer, what, values, this.spatial);
  }

  /** factor · input; returns the name of the product. */
  multiple(input: string, what: string, factor: number): string {
    return this.node(`${what}.product`, 'Mul', [input, this.constant(what, factor)]);
  }

  /** The square of what an operator without parameters gives. */
  square(opType: string): LastNode {
    const value = this.node('root', opType, [this.x]);
    return this.last('Mul', [value, value]);
  }

  /** ½ x (1 + gate) */
  gated(gate: string): LastNode {
    const raised = this.node('gate', 'Add', [gate, this.constant('one', 1)]);
    const product = this.node('gated', 'Mul', [this.x, raised]);
    return this.last('Mul', [product, this.constant('half', 0.5)]);
  }
}
