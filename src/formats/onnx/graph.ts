/** The graph as a flat list of nodes: local functions inlined, names resolved, duplicates refused. */
import { InputError, UnsupportedError } from '../../errors.ts';
import { meansTheSame } from './protobuf/changes.ts';
import { normalizedDomain, type Opsets, opsetVersions } from './protobuf/model.ts';
import type { AttributeProto, FunctionProto, ModelProto, NodeProto } from './protobuf/onnx_pb.ts';
import { Attributes } from './values/attributes.ts';

/** One application of an operator. */
export interface GraphNode {
  /** As in the file, or made of the operator and the node's number. Inside a function: call/node. */
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  /** Version of the operator set of its domain. */
  readonly opset: number;
  /** Names of values; empty where an optional input is absent. */
  readonly inputs: readonly string[];
  /** Names of values; empty where an output is not wanted. */
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** What an operator is called among those that are read: by its name, in domains other than that of ONNX with the domain before it. */
export function operatorKey({ domain, opType }: Pick<GraphNode, 'domain' | 'opType'>): string {
  // No operator of the ONNX domain has a dot.
  if (opType.includes('.')) return '';
  if (domain === '') return opType;
  return `${domain}.${opType}`;
}

/** Functions can multiply nodes exponentially: more than these are refused, besides what the bytes of the file can hold themselves. */
const FREE_NODES = 1 << 14;
const BYTES_PER_NODE = 8;
/** A function that calls itself never ends. */
const DEEPEST_CALL = 32;

/**
 * The nodes of the model's graph, in the order of the file, calls of local functions replaced by their bodies.
 * @param bytes of the file
 * @throws InputError for calls that never end, or multiply nodes beyond all proportion to the file, and for calls that do not fit the function
 */
export function flatNodes(model: ModelProto, bytes: number): GraphNode[] {
  return new Inliner(model, FREE_NODES + Math.floor(bytes / BYTES_PER_NODE)).nodes;
}

/** Where a list of nodes stands: in the graph itself or in a call of a function. */
interface Frame {
  /** Put before the names of nodes: '' or 'call/'. */
  readonly prefix: string;
  readonly depth: number;
  readonly opsets: Opsets;
  /** The value that a name of this list stands for. */
  readonly value: (name: string) => string;
  /** What `ref_attr_name` can refer to, undefined where the call does not give it; absent outside of functions. */
  readonly arguments: ReadonlyMap<string, AttributeProto | undefined>;
}

class Inliner {
  readonly nodes: GraphNode[] = [];
  private readonly functions = new Map<string, FunctionProto>();
  private readonly most: number;
  private count = 0;

  constructor(model: ModelProto, most: number) {
    this.most = most;
    const opsets = opsetVersions('opset_import', model.opsetImport);
    for (const f of model.functions) {
      const key = functionKey(f.domain, f.name, f.overload);
      if (this.functions.has(key)) {
        throw new InputError(`ONNX: functions must have unique names, got ${f.name} twice`);
      }
      this.functions.set(key, f);
    }
    const frame = { prefix: '', depth: 0, opsets, value: (name: string) => name, arguments: new Map() };
    this.inline(model.graph!.node, frame);
  }

  private inline(nodes: readonly NodeProto[], frame: Frame): void {
    for (const [index, node] of nodes.entries()) {
      const name = frame.prefix + (node.name || `${node.opType.toLowerCase()}_${index}`);
      if (++this.count > this.most) {
        throw new InputError(
          `${name}: functions may make at most ${this.most} nodes of a file of this size, got more`,
        );
      }
      const attributes = passArguments(name, node.attribute, frame.arguments);
      const called = this.functions.get(functionKey(node.domain, node.opType, node.overload));
      if (called) this.call(called, name, node, new Attributes(name, attributes), frame);
      else this.nodes.push(flatNode(name, node, new Attributes(name, attributes), frame));
    }
  }

  private call(f: FunctionProto, name: string, node: NodeProto, given: Attributes, frame: Frame): void {
    if (frame.depth >= DEEPEST_CALL) {
      throw new InputError(
        `${name}: functions may call each other ${DEEPEST_CALL} deep, got ${f.name} deeper`,
      );
    }
    if (node.input.length > f.input.length || node.output.length > f.output.length) {
      const signature = `${f.input.length} inputs and ${f.output.length} outputs`;
      const got = `${node.input.length} and ${node.output.length}`;
      throw new InputError(`${name}: function ${f.name} has ${signature}, got ${got}`);
    }
    // The count tells two calls of one name apart.
    const own = `${name}#${this.count}`;
    const values = new Map<string, string>();
    for (const [i, formal] of f.input.entries()) values.set(formal, frame.value(node.input[i] ?? ''));
    for (const [i, formal] of f.output.entries()) {
      const actual = node.output[i];
      if (actual && values.has(formal)) {
        throw new InputError(`${name}: function ${f.name}: an output must not be an input, got ${formal}`);
      }
      if (actual) values.set(formal, frame.value(actual));
    }
    this.inline(f.node, {
      prefix: `${name}/`,
      depth: frame.depth + 1,
      opsets: new Map([...frame.opsets, ...opsetVersions(`function ${f.name}`, f.opsetImport)]),
      value: (inner) => (inner === '' ? '' : (values.get(inner) ?? `${own}/${inner}`)),
      arguments: callArguments(f, name, given),
    });
  }
}

/** Lists of strings of any content compare equal only if they are. */
function functionKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([normalizedDomain(domain), name, overload]);
}

function callArguments(
  f: FunctionProto,
  name: string,
  given: Attributes,
): Map<string, AttributeProto | undefined> {
  const result = new Map<string, AttributeProto | undefined>(f.attribute.map((key) => [key, undefined]));
  for (const attribute of f.attributeProto) result.set(attribute.name, attribute);
  for (const key of given.names()) {
    if (!result.has(key)) {
      const reason = `the function declares ${[...result.keys()].join(', ') || 'none'}`;
      const found = `${f.name}: attribute ${key}`;
      throw new UnsupportedError([{ node: name, found, reason }]);
    }
    result.set(key, given.get(key)!);
  }
  return result;
}

/**
 * Attributes with references to the call's replaced by their values; a reference to one not given is left out.
 * @throws InputError for references to what no function around declares: other readers may take the value beside it, or the default
 */
function passArguments(
  node: string,
  attributes: readonly AttributeProto[],
  given: ReadonlyMap<string, AttributeProto | undefined>,
): AttributeProto[] {
  return attributes.flatMap((attribute) => {
    const { name, refAttrName } = attribute;
    if (refAttrName === '') return [attribute];
    if (!given.has(refAttrName)) {
      const rule = 'may refer to an attribute that the function around declares';
      throw new InputError(`${node}: attribute ${name}: ${rule}, got ${JSON.stringify(refAttrName)}`);
    }
    const value = given.get(refAttrName);
    return value ? [{ ...value, name }] : [];
  });
}

function flatNode(name: string, node: NodeProto, attributes: Attributes, frame: Frame): GraphNode {
  const domain = normalizedDomain(node.domain);
  const versions = frame.opsets.get(domain);
  if (!versions) {
    throw new InputError(
      `${name}: ${node.opType}: its domain '${domain}' must be imported, got no version of it`,
    );
  }
  const opset = versions.at(-1)!;
  // ONNX has it that the highest version counts, its checker and ONNX Runtime take the last.
  if (domain === '' && !versions.every((version) => meansTheSame(node.opType, version, opset))) {
    throw new InputError(
      `${name}: ${node.opType}: must mean the same in all operator sets imported, got ${versions.join(' and ')}`,
    );
  }
  return {
    name,
    opType: node.opType,
    domain,
    opset,
    inputs: node.input.map(frame.value),
    outputs: node.output.map(frame.value),
    attributes,
  };
}

/** Which node makes which value. */
export type Producers = ReadonlyMap<string, GraphNode>;

/**
 * @param given names of inputs and initialisers, which no node may make again
 * @throws InputError for a value that is made twice
 */
export function producersOf(nodes: readonly GraphNode[], given: Iterable<string>): Producers {
  const taken = new Set(given);
  const producers = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (taken.has(output)) {
        throw new InputError(`${node.name}: a value must be made once, got ${JSON.stringify(output)} again`);
      }
      taken.add(output);
      producers.set(output, node);
    }
  }
  return producers;
}

/**
 * The nodes that `outputs` depend on, each after those that it depends on; iterative, since networks may be
 * deeper than the stack.
 * @param dependencies the values that a node is made from
 * @throws InputError for cycles
 */
export function neededNodes(
  outputs: Iterable<string>,
  producers: Producers,
  dependencies: (node: GraphNode) => readonly string[],
): GraphNode[] {
  const order: GraphNode[] = [];
  const finished = new Map<GraphNode, boolean>();
  const open: { node: GraphNode; next: number; values: readonly string[] }[] = [];
  const enter = (value: string): void => {
    const node = producers.get(value);
    if (!node || finished.get(node)) return;
    if (finished.has(node)) throw new InputError(`${node.name}: must not depend on itself, got a cycle`);
    finished.set(node, false);
    open.push({ node, next: 0, values: dependencies(node) });
  };
  for (const output of outputs) {
    enter(output);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      if (top.next < top.values.length) {
        enter(top.values[top.next++]!);
        continue;
      }
      open.pop();
      finished.set(top.node, true);
      order.push(top.node);
    }
  }
  return order;
}
