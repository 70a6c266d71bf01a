/** Smaller models with the same fault. */
import { interpretable } from './evaluate/interpretable.ts';
import type { ModelDescription, NodeDescription, Tensor } from './model/description.ts';
import { sampleOf } from './model/description.ts';

/** Milliseconds that shrinking may take. */
const PATIENCE = 15_000;

/** @param fails whether a smaller model still has the fault */
export async function shrunk(
  model: ModelDescription,
  fails: (model: ModelDescription) => Promise<boolean>,
): Promise<ModelDescription> {
  const end = performance.now() + PATIENCE;
  let best = tidied(model);
  if (!(await fails(best))) return model;
  for (let progress = true; progress && performance.now() < end; ) {
    progress = false;
    for (const candidate of candidates(best)) {
      if (performance.now() > end) break;
      const smaller = tidied(candidate);
      if (size(smaller) >= size(best) || !interpretable(smaller) || !(await fails(smaller))) continue;
      best = smaller;
      progress = true;
      break;
    }
  }
  return best;
}

/** Nodes weigh most, then the input, then digits of weights. */
function size(model: ModelDescription): number {
  const digits = Object.values(model.initializers)
    .flatMap(({ values }) => values)
    .reduce((sum, x) => sum + Math.min(String(x).length, 25), 0);
  return (
    1e6 * model.nodes.length +
    1e4 * sampleOf(model).reduce((a, b) => a + b, 0) +
    digits +
    (model.functions.length > 0 ? 1e5 : 0)
  );
}

function* candidates(model: ModelDescription): Generator<ModelDescription> {
  // The output earlier.
  for (const { outputs } of model.nodes) for (const output of outputs) yield { ...model, output };
  // Nodes left out: what reads their output reads one of their inputs.
  for (const [k, node] of model.nodes.entries()) {
    const nodes = model.nodes.toSpliced(k, 1);
    for (const input of node.inputs)
      if (input !== '') yield renamed({ ...model, nodes }, node.outputs[0]!, input);
  }
  const dims = model.input.dims;
  for (let axis = 1; axis < dims.length; axis++) {
    const side = dims[axis] as number;
    for (const smaller of [1, side >> 1, side - 1])
      if (smaller >= 1 && smaller < side)
        yield { ...model, input: { ...model.input, dims: dims.with(axis, smaller) } };
  }
  for (const [name, tensor] of Object.entries(model.initializers))
    for (const other of simpler(tensor))
      yield { ...model, initializers: { ...model.initializers, [name]: other } };
  for (const [k, node] of model.nodes.entries())
    for (const attribute of Object.keys(node.attributes)) {
      const { [attribute]: _, ...attributes } = node.attributes;
      yield { ...model, nodes: model.nodes.with(k, { ...node, attributes }) };
    }
}

function* simpler(tensor: Tensor): Generator<Tensor> {
  const { values, type } = tensor;
  if (!type.startsWith('float') && type !== 'double') return;
  yield { ...tensor, values: values.map(() => 1) };
  yield { ...tensor, values: values.map(Math.sign) };
  yield { ...tensor, values: values.map(Math.round) };
  yield {
    ...tensor,
    values: values.map((x) => (x === 0 ? 0 : Math.sign(x) * 2 ** Math.round(Math.log2(Math.abs(x))))),
  };
  yield { ...tensor, values: values.map((x) => Math.round(8 * x) / 8) };
  if (values.length <= 12)
    for (const k of values.keys()) if (values[k] !== 0) yield { ...tensor, values: values.with(k, 0) };
}

function renamed(model: ModelDescription, from: string, to: string): ModelDescription {
  const name = (other: string) => (other === from ? to : other);
  return {
    ...model,
    output: name(model.output),
    nodes: model.nodes.map((node) => ({ ...node, inputs: node.inputs.map(name) })),
  };
}

/** Without what the output does not need. */
function tidied(model: ModelDescription): ModelDescription {
  const needed = new Set([model.output]);
  const nodes: NodeDescription[] = [];
  for (const node of model.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.inputs) needed.add(name);
  }
  const initializers = Object.fromEntries(
    Object.entries(model.initializers).filter(([name]) => needed.has(name)),
  );
  const called = new Set(nodes.filter((node) => node.domain).map((node) => node.op));
  return { ...model, nodes, initializers, functions: model.functions.filter((f) => called.has(f.name)) };
}
