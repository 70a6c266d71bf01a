/** The models that are mutated: one of every operator and its attributes, small networks, and the examples. */
import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { InputError } from '../../src/errors.ts';
import { writeOnnx } from '../../src/formats/onnx/writing/write.ts';
import { floats, model, node } from '../../test/formats/onnx/build.ts';
import { FAMILIES } from '../../test/support/families.ts';
import { networkOf } from '../../test/support/randomNetwork.ts';
import type { Random } from '../random.ts';
import type { Files } from './mutate.ts';

export interface Original extends Files {
  readonly name: string;
}

/** Examples have larger weights and take longer: so many trials go to them. */
const EXAMPLES_SHARE = 0.02;
/** Networks of several layers, made on the fly. */
const NETWORKS_SHARE = 0.35;

const operators: readonly Original[] = readFileSync(
  new URL('../../test/formats/onnx/runtime/runtime.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { name: string; model: string })
  .map(({ name, model }) => ({
    name,
    model: new Uint8Array(Buffer.from(model, 'base64')),
    external: new Map(),
  }));

const folder = new URL('../../examples/', import.meta.url);
const examples = readdirSync(folder).filter((file) => file.endsWith('.onnx'));

const FAMILY_NAMES = Object.keys(FAMILIES) as (keyof typeof FAMILIES)[];

export function drawOriginal(random: Random): Original {
  if (random.chance(EXAMPLES_SHARE)) {
    const name = random.pick(examples);
    return { name, model: new Uint8Array(readFileSync(new URL(name, folder))), external: new Map() };
  }
  if (!random.chance(NETWORKS_SHARE)) return random.pick(operators);
  return random.chance(0.5) ? chain(random) : planned(random);
}

/** Two or three linear maps with nonlinearities, beside each other or one behind the other. */
function chain(random: Random): Original {
  const width = random.integer(1, 4);
  const weight = (name: string) => floats(name, [width, width], [...random.normals(width * width)]);
  const nonlinear = () => random.pick(['Relu', 'Tanh', 'Sigmoid', 'Abs', 'Softplus', 'HardSwish']);
  const nodes = [node('MatMul', 'x a', 'h'), node(nonlinear(), 'h', 'g'), node('MatMul', 'g b', 'e')];
  const last = random.pick(['Add', 'Sub', 'Concat']);
  if (random.chance(0.5)) nodes.push(node(nonlinear(), 'e', 'y'));
  else nodes.push(node(last, random.pick(['e x', 'e h', 'g e']), 'y', last === 'Concat' ? { axis: 1n } : {}));
  const bytes = model(nodes, { inputs: { x: ['N', width] }, initializers: [weight('a'), weight('b')] });
  return { name: 'chain', model: bytes, external: new Map() };
}

/** Of the families that the tests of soundness go through: convolutions, poolings, shortcuts. */
function planned(random: Random): Original {
  const plans = FAMILIES[random.pick(FAMILY_NAMES)];
  for (;;) {
    const [plan] = fc.sample(plans, { seed: random.integer(0, 2 ** 31 - 1), numRuns: 1 });
    try {
      return { name: 'network', model: writeOnnx(networkOf(plan!)), external: new Map() };
    } catch (error) {
      // Parameters that ONNX cannot hold.
      if (!(error instanceof InputError)) throw error;
    }
  }
}
