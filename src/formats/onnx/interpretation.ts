/** Walking the nodes of a graph: constants computed, everything else converted to operators of a network. */
import type { Breath } from '../../breath.ts';
import { InputError, type Unsupported, UnsupportedError } from '../../errors.ts';
import { NetworkBuilder } from '../../network/builder.ts';
import type { Network, Source } from '../../network/network.ts';
import { stored } from '../../network/weights/origin.ts';
import type { Budget } from '../budget.ts';
import { Call, type Scope, type Signal, UNBOUNDED, type Value } from './call.ts';
import { type GraphNode, neededNodes, operatorKey, type Producers } from './graph.ts';
import { constantSignal, inputSignals, rimNode } from './inputs.ts';
import { objectionToIntegers } from './integers.ts';
import type { Reading, Rim } from './interface.ts';
import { UniqueNames } from './names.ts';
import type { Converter } from './operators/converter.ts';
import { matchPattern } from './patterns/match.ts';
import type { Pattern } from './patterns/pattern.ts';
import { unknownAttributes } from './protobuf/conformance.ts';
import type { TensorProto } from './protobuf/onnx_pb.ts';
import {
  CONVERTERS,
  isRandom,
  reasonAgainst,
  reasonAgainstDomain,
  reasonAgainstOutput,
  SHAPE_PRESERVING,
} from './registry.ts';
import type { Constant } from './values/constant.ts';
import type { ElementTypes } from './values/elementType.ts';
import { decodeTensor, type Stores } from './values/tensors.ts';

/** A graph whose names are resolved. */
export interface ResolvedGraph {
  readonly name: string;
  /** What the network is a function of, and what is held at numbers. */
  readonly inputs: readonly Rim[];
  readonly fixed: ReadonlyMap<string, Constant>;
  /** Whether what is fixed leaves one sample. */
  readonly single: boolean;
  readonly output: Rim;
  readonly producers: Producers;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly stores: Stores;
  /** What the output depends on, in topological order. */
  readonly nodes: readonly GraphNode[];
  /** What it does not depend on. */
  readonly unneeded: readonly GraphNode[];
  readonly types: ElementTypes;
}

/**
 * The network that a graph stands for under one reading of its inputs.
 * @param breath taken between nodes
 * @throws UnsupportedError that lists every node without a bound
 */
export async function interpret(
  graph: ResolvedGraph,
  reading: Reading,
  budget: Budget,
  source: Source | undefined,
  breath: Breath,
): Promise<Network> {
  const interpretation = new Interpretation(graph, reading, budget, breath);
  interpretation.object();
  await interpretation.computeConstants();
  await interpretation.convert();
  return interpretation.finish(source);
}

class Interpretation {
  private readonly graph: ResolvedGraph;
  private readonly breath: Breath;
  private readonly scope: Scope;
  private readonly input: Signal;
  private readonly values = new Map<string, Value>();
  /** Values that depend on the data, known or not. */
  private readonly dataDependent = new Set<string>();
  /** Nodes that are refused whatever their inputs are. */
  private readonly refused = new Set<GraphNode>();
  private readonly objections: Unsupported[] = [];

  constructor(graph: ResolvedGraph, reading: Reading, budget: Budget, breath: Breath) {
    this.graph = graph;
    this.breath = breath;
    const builder = new NetworkBuilder(graph.name);
    const names = new UniqueNames();
    const { batch } = reading;
    const { types, stores } = graph;
    const lengths = { followers: new Set<number>(), ties: [] };
    this.scope = { builder, batch, budget, types, names, stores, ...lengths };
    for (const [name, constant] of graph.fixed) this.values.set(name, constant);
    const { whole, parts } = inputSignals(reading.inputs, this.scope);
    this.input = whole;
    for (const [name, signal] of parts) {
      this.values.set(name, signal);
      this.dataDependent.add(name);
    }
  }

  /** Refuses what can be refused without looking at inputs. */
  object(): void {
    const dependent = new Set(this.dataDependent);
    for (const node of this.graph.nodes) {
      const onData = node.inputs.some((name) => dependent.has(name));
      if (onData && !SHAPES.has(node.opType)) for (const name of node.outputs) dependent.add(name);
      const objection = objectionTo(node, onData);
      if (!objection) continue;
      this.refused.add(node);
      this.objections.push(objection);
    }
    for (const node of this.graph.unneeded) {
      const objection = unknownAttributes(node);
      if (objection) this.objections.push(objection);
    }
  }

  /** Computes the nodes that depend on constants alone, so that patterns can see their values. */
  async computeConstants(): Promise<void> {
    for (const node of this.graph.nodes) {
      await this.breath.taken();
      const converter = CONVERTERS.get(operatorKey(node));
      const known = node.inputs.every((name) => name === '' || this.isConstant(name));
      if (!known || !converter?.constants || this.refused.has(node)) continue;
      try {
        this.run(node, converter, node.inputs, undefined);
      } catch (error) {
        // Reported when it turns out to be needed.
        if (!(error instanceof UnsupportedError)) throw error;
      }
    }
  }

  /** Converts what the output needs once several nodes are read as one. */
  async convert(): Promise<void> {
    const { producers, output } = this.graph;
    const patterns = new Map<GraphNode, Pattern>();
    // A pattern is what it is at every length.
    const constant = (name: string) => {
      const known = this.isConstant(name) ? (this.valueOf(name) as Constant) : undefined;
      return known?.ofLength ? undefined : known;
    };
    const order = neededNodes([output.name], producers, (node) => {
      const pattern = this.isComputed(node) ? undefined : matchPattern(node, { producers, constant });
      if (pattern) patterns.set(node, pattern);
      return pattern?.inputs ?? node.inputs;
    });
    for (const node of order) {
      await this.breath.taken();
      if (!this.isComputed(node)) this.visit(node, patterns.get(node));
    }
  }

  /** @throws UnsupportedError if anything was refused */
  finish(source: Source | undefined): Network {
    if (this.objections.length > 0) throw new UnsupportedError(obstaclesFirst(this.objections));
    const { output } = this.graph;
    const value = this.valueOf(output.name);
    if (!value) {
      const node = this.graph.producers.get(output.name)!;
      const found = `${node.opType}: output ${output.name}`;
      throw new UnsupportedError([{ node: node.name, found, reason: reasonAgainstOutput(node.opType) }]);
    }
    const signal =
      value.kind === 'constant' ? constantSignal(value, output.name, this.input, this.scope) : value;
    this.checkDeclared(signal);
    return this.scope.builder.build(signal.id, source, this.scope.ties);
  }

  private visit(node: GraphNode, pattern: Pattern | undefined): void {
    const inputs = pattern?.inputs ?? node.inputs;
    const converter = CONVERTERS.get(operatorKey(node));
    const data = inputs.filter((name) => this.dataDependent.has(name));
    const onData = data.length > 0;
    const lookedUp = inputs.map((name) => this.known(name));
    if (onData && !SHAPES.has(node.opType)) for (const name of node.outputs) this.dataDependent.add(name);
    if (this.refused.has(node) || !converter) {
      this.standIn(node, lookedUp);
      return;
    }
    const objection = objectionToIntegers(node, data, this.graph.types);
    if (objection) {
      this.objections.push(objection);
      this.standIn(node, lookedUp);
      return;
    }
    if (onData && !converter.signals && !pattern) {
      this.objections.push({
        node: node.name,
        found: `${node.opType} of data`,
        reason: reasonAgainst(node.opType),
      });
      this.standIn(node, lookedUp);
      return;
    }
    if (inputs.some((name, k) => name !== '' && !lookedUp[k])) return;
    try {
      this.run(node, converter, inputs, pattern);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      for (const item of error.items) this.objections.push(item);
      this.standIn(node, lookedUp);
    }
  }

  /** Goes on behind a refused node as if it let its input pass, where that has the right shape. */
  private standIn(node: GraphNode, inputs: readonly (Value | undefined)[]): void {
    const [input] = inputs;
    const [output] = node.outputs;
    if (input && output && SHAPE_PRESERVING.has(node.opType)) this.values.set(output, input);
  }

  private run(
    node: GraphNode,
    converter: Converter,
    inputs: readonly string[],
    pattern: Pattern | undefined,
  ): void {
    const values = inputs.map((name) => this.valueOf(name));
    const call = new Call(node, values, this.scope);
    const onData = values.some((value) => value?.kind === 'signal');
    const convert = onData ? converter.signals : converter.constants;
    const made =
      pattern?.convert(call) ??
      convert?.(call) ??
      call.refuse(onData ? '' : 'of constants', onData ? reasonAgainst(node.opType) : NOT_COMPUTED);
    const results = 'kind' in made ? [made] : made;
    for (const [k, value] of results.entries()) {
      const name = node.outputs[k];
      if (name) this.values.set(name, value.kind === 'constant' ? marked(value, call) : value);
    }
    if (call.ofLength && results.some((value) => value.kind === 'signal')) {
      call.tie('a number computed from the length of the signal', 'it is that of the file’s length');
    }
  }

  private isConstant(name: string): boolean {
    const value = this.values.get(name);
    return value ? value.kind === 'constant' : this.graph.initializers.has(name);
  }

  private isComputed(node: GraphNode): boolean {
    return node.outputs.every((name) => name === '' || this.values.has(name));
  }

  /** Undefined where a node before was refused. */
  private valueOf(name: string): Value | undefined {
    const value = this.values.get(name);
    if (value) return value;
    const tensor = this.graph.initializers.get(name);
    if (!tensor) return undefined;
    const decoded = decodeTensor(`initializer ${name}`, tensor, this.graph.stores, this.scope.budget);
    stored(decoded.data, name, decoded.shape);
    this.values.set(name, decoded);
    return decoded;
  }

  /** The value of an input; objects to outputs that no converter makes. */
  private known(name: string): Value | undefined {
    if (name === '') return undefined;
    const value = this.valueOf(name);
    if (value) return value;
    const producer = this.graph.producers.get(name)!;
    const [first] = producer.outputs;
    if (name !== first && first && this.values.has(first) && !this.refused.has(producer)) {
      this.refused.add(producer);
      const found = `${producer.opType}: output ${producer.outputs.indexOf(name)}`;
      this.objections.push({ node: producer.name, found, reason: reasonAgainstOutput(producer.opType) });
    }
    return undefined;
  }

  /** A reader that misunderstands a node would give other sides than the file states. */
  private checkDeclared(value: Signal): void {
    const { output, types } = this.graph;
    const type = types.get(output.name);
    if (output.type && type && output.type !== type) {
      throw new InputError(`output ${output.name}: its nodes must give ${output.type}, got ${type}`);
    }
    const dims = new Call(rimNode('graph'), [], this.scope).dims(value);
    const fits =
      !output.dims ||
      (output.dims.length === dims.length &&
        output.dims.every((side, axis) => {
          const own = dims[axis];
          return side === undefined || own === side || (axis === 0 && value.batched);
        }));
    if (!fits) {
      throw new InputError(
        `output ${output.name}: its nodes must give ${output.shown}, got [${dims.join(', ')}]`,
      );
    }
  }
}

/** The constant, of the length wherever it may be: of what is, or of a signal whose length it does not say it leaves alone. */
function marked(constant: Constant, call: Call): Constant {
  const ofSignal = call.inputs.some((value) => value?.kind === 'signal' && call.follows(value));
  const ofLength = call.ofLength || (ofSignal && (constant.ofLength ?? true));
  return constant.ofLength === ofLength ? constant : { ...constant, ofLength };
}

const NOT_COMPUTED = 'it is not computed when a file is read; export the model with constants folded';

/** What has no bound comes before what is not read, or stands in the way of reading it. */
function obstaclesFirst(items: readonly Unsupported[]): Unsupported[] {
  const rank = ({ reason }: Unsupported) => (reason.startsWith(UNBOUNDED) ? 0 : 1);
  return items.toSorted((a, b) => rank(a) - rank(b));
}

/** Operators that look at the shape of a tensor, not at its entries. */
const SHAPES: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Operators that read more than their inputs: what the graphs in their attributes name. */
const CAPTURING: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);

/** @param onData whether it has what is bounded among its inputs: constants have no slope that a reason could speak of */
function objectionTo(node: GraphNode, onData: boolean): Unsupported | undefined {
  const { name, opType, domain } = node;
  const converter = CONVERTERS.get(operatorKey(node));
  if (domain !== '' && !converter) {
    const reason = domain.includes('training')
      ? 'a network is bounded at inference, and this trains it'
      : reasonAgainstDomain(domain);
    return { node: name, found: `${domain}.${opType}`, reason };
  }
  const ofConstants = !onData && node.inputs.length > 0 && !CAPTURING.has(opType) && !isRandom(opType);
  if (!converter && ofConstants)
    return { node: name, found: `${opType}: of constants`, reason: NOT_COMPUTED };
  if (!converter) return { node: name, found: opType, reason: reasonAgainst(opType) };
  return unknownAttributes(node);
}
