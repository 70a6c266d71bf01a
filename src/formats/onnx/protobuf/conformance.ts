/** Whether nodes are as ONNX defines their operators, whatever is made of them afterwards. */
import { InputError, type Unsupported, UnsupportedError } from '../../../errors.ts';
import { type GraphNode, operatorKey } from '../graph.ts';
import { type Attributes, AttributeType } from '../values/attributes.ts';
import type { ElementType, ElementTypes } from '../values/elementType.ts';
import { elementType } from '../values/tensors.ts';
import type { Form, Formal, Schema } from './schema.ts';
import { SCHEMAS } from './schemas.ts';

/**
 * Checks the number of inputs and outputs of nodes, the types of values and the attributes, as far as their operators
 * are known.
 * @param nodes each after those that it depends on
 * @param given the types of what no node makes; undefined where they are not read
 * @returns the types of all values
 * @throws InputError for the first node that is not as ONNX says
 */
export function checkNodes(
  nodes: readonly GraphNode[],
  given: ReadonlyMap<string, ElementType | undefined>,
): ElementTypes {
  const types = new Map<string, ElementType>();
  for (const [name, type] of given) if (type) types.set(name, type);
  const made = new Set([...given.keys(), ...nodes.flatMap((node) => node.outputs)]);
  for (const node of nodes) {
    for (const name of node.inputs) {
      if (name !== '' && !made.has(name)) malformed(node, 'inputs must exist', JSON.stringify(name));
    }
    const schema = schemaOf(node);
    if (schema) checkNode(node, schema, types);
  }
  return types;
}

/** Attributes that ONNX does not define for the operator of a node, in any operator set. */
export function unknownAttributes(node: GraphNode): Unsupported | undefined {
  const schema = schemaOf(node);
  if (!schema) return undefined;
  const form = formOf(node, schema);
  const isKnown = (name: string) => [form, ...schema.forms].some((f) => f.attributes.has(name));
  const unknown = node.attributes.names().filter((name) => !isKnown(name));
  if (unknown.length === 0) return undefined;
  const known = [...form.attributes.keys()];
  const reason = `its attributes are ${known.join(', ') || 'none'}`;
  return { node: node.name, found: `${node.opType}: attribute ${unknown.join(', ')}`, reason };
}

function schemaOf(node: GraphNode): Schema | undefined {
  return SCHEMAS.get(operatorKey(node));
}

function formOf(node: GraphNode, schema: Schema): Form {
  const form = schema.forms.findLast(({ since }) => since <= node.opset);
  if (form) return form;
  const { since } = schema.forms[0]!;
  if (since === 6 && !CHANGED_IN_6.has(node.opType)) return withHint(schema.forms[0]!);
  if (since > OLDEST_KNOWN)
    malformed(node, `exists since operator set ${since}`, `operator set ${node.opset}`);
  const { name, opType, opset } = node;
  const reason = `it is read from operator set ${since} on; convert the model`;
  throw new UnsupportedError([{ node: name, found: `${opType} of operator set ${opset}`, reason }]);
}

/** Operator set 6 took the hint away that inputs might be overwritten, and nothing else, but from these: types by name, tiles by axis, constants. */
const CHANGED_IN_6: ReadonlySet<string> = new Set(['Cast', 'Tile', 'Selu']);

function withHint(form: Form): Form {
  const hint = { type: AttributeType.INTS, required: false };
  return { ...form, attributes: new Map([...form.attributes, ['consumed_inputs', hint]]) };
}

/** Older definitions are known as far as they are those of this operator set. */
const OLDEST_KNOWN = 7;

function checkNode(node: GraphNode, schema: Schema, types: Map<string, ElementType>): void {
  const form = formOf(node, schema);
  checkAttributes(node, schema, form);
  const inputs = matched(node, 'input', node.inputs, form.inputs);
  const outputs = matched(node, 'output', node.outputs, form.outputs);
  const variables = new Map<string, ElementType>();
  for (const [k, { type: variable }] of inputs.entries()) {
    const type = types.get(node.inputs[k]!);
    if (!type) continue;
    const allowed = schema.types.get(variable);
    if (allowed ? !allowed.has(type) : variable !== type) {
      malformed(node, `input ${k} must be of type ${allowed ? [...allowed].join(', ') : variable}`, type);
    }
    const bound = variables.get(variable) ?? type;
    if (bound !== type) malformed(node, `inputs must be of one type, ${bound}`, `${type} as input ${k}`);
    variables.set(variable, bound);
  }
  for (const [k, { type: variable }] of outputs.entries()) {
    const allowed = schema.types.get(variable);
    const only = allowed?.size === 1 ? [...allowed][0] : undefined;
    const type = variables.get(variable) ?? only ?? statedType(node, types);
    if (type && node.outputs[k]) types.set(node.outputs[k], type);
  }
}

/** The type that an attribute gives to the output, where inputs do not. */
function statedType({ opType, attributes, inputs }: GraphNode, types: ElementTypes): ElementType | undefined {
  switch (opType) {
    case 'Cast':
      return elementType(attributes.integer('to', 0));
    case 'Constant':
      return literalType(attributes);
    case 'ConstantOfShape': {
      const value = attributes.tensor('value');
      return value ? elementType(value.dataType) : 'float';
    }
    case 'EyeLike': {
      const type = attributes.integer('dtype', 0);
      return type === 0 ? types.get(inputs[0]!) : elementType(type);
    }
    default:
      return undefined;
  }
}

function literalType(attributes: Attributes): ElementType | undefined {
  const tensor = attributes.tensor('value');
  if (tensor) return elementType(tensor.dataType);
  if (attributes.get('value_float') || attributes.get('value_floats')) return 'float';
  return attributes.get('value_int') || attributes.get('value_ints') ? 'int64' : undefined;
}

/** The formal of each actual. */
function matched(
  node: GraphNode,
  what: 'input' | 'output',
  names: readonly string[],
  formals: readonly Formal[],
): Formal[] {
  const last = formals.at(-1);
  const most = last?.variadic ? Number.POSITIVE_INFINITY : formals.length;
  if (names.length > most) malformed(node, `has at most ${most} ${what}s`, names.length);
  const result = names.map((_, k) => formals[k] ?? last!);
  for (const [k, { optional }] of formals.entries()) {
    // An output that nobody wants may go without a name.
    const there = what === 'input' ? names[k] : k < names.length;
    if (!optional && !there) malformed(node, `${what} ${k} must be given`, 'none');
  }
  if (what === 'input' && last?.variadic && names.includes('')) {
    malformed(node, 'each input must be given', 'one without a name');
  }
  return result;
}

function checkAttributes(node: GraphNode, schema: Schema, form: Form): void {
  for (const name of node.attributes.names()) {
    const formal = form.attributes.get(name);
    if (formal) node.attributes.demandType(name, formal.type);
    else if (schema.forms.some(({ attributes }) => attributes.has(name))) {
      malformed(node, `has no attribute ${name} in operator set ${node.opset}`, name);
    }
  }
  for (const [name, { required }] of form.attributes) {
    if (required && !node.attributes.get(name)) malformed(node, `attribute ${name} must be given`, 'none');
  }
}

function malformed(node: GraphNode, rule: string, got: string | number): never {
  throw new InputError(`${node.name}: ${node.opType}: ${rule}, got ${got}`);
}
