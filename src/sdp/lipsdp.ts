/**
 * LipSDP-neuron (Fazlyab et al. 2019, arXiv 1906.04893): one linear matrix inequality over the increments of the input and of all
 * activations at once, z = (Δx, Δφ of every neuron). Every tensor is linear in z; a neuron y ↦ φ with slopes in [α, β] obeys
 * (β Δy − Δφ)(Δφ − α Δy) ≥ 0. Hence L² ≤ ρ wherever λ ≥ 0 and, for all z,
 *
 *     ρ |Δx|² − |Δf|² − 2 Σ_i λ_i (β_i Δy_i − Δφ_i)(Δφ_i − α_i Δy_i) ≥ 0 .
 *
 * The linear form that makes a tensor out of z takes care of branches, so that residual and dense connections need no rule of their own.
 */

import { type Unsupported, UnsupportedError } from '../errors.ts';
import { slopeInterval } from '../network/elementwise/elementwise.ts';
import type { Network, Node } from '../network/network.ts';
import { mapped } from '../network/numbers.ts';
import type { Affine, OperatorKind } from '../network/operator.ts';
import { withComparators } from '../network/simplify/comparators.ts';
import { broadcast, product } from '../network/size.ts';
import { unroll, unrolledSize } from '../network/unroll.ts';
import { combination, coordinates, type Form } from './form.ts';
import type { Formulated } from './formulation.ts';
import { CONSTANT, RHO, SemidefiniteProgram } from './program.ts';
import { incrementScales } from './scales.ts';
import { constrain } from './sector.ts';

/** Bytes of dense matrices that convolutions may become. */
const LARGEST_UNROLLED = 256e6;

/** Neurons of one layer: their constraints alone are more than a solver takes. */
const MOST_NEURONS = 1e5;

const REASONS: Partial<Record<OperatorKind, string>> = {
  'max-pool':
    'LipSDP has quadratic constraints for elementwise functions alone; try --formulation dissipativity',
  'global-max-pool':
    'LipSDP has quadratic constraints for elementwise functions alone; try --formulation dissipativity',
  grouped: 'LipSDP has quadratic constraints for elementwise functions alone',
  softmax: 'the program is for networks that end in their logits',
};

/**
 * The program of a simplified network; convolutions become dense matrices.
 * @throws UnsupportedError for max pooling, softmax, and what is too large
 */
export function lipsdp(whole: Network): Formulated {
  const network = withComparators(whole);
  refuseWhatHasNoConstraint(network);
  const flat = unroll(network, 0);
  const scales = incrementScales(flat);
  const width = (id: number) => product(flat.tensors[id]!.shape);
  const activations = flat.nodes.filter(({ operator }) => operator.kind === 'nonlinearity');
  const inputs = width(flat.input);
  const order = activations.reduce((sum, node) => sum + width(node.output), inputs);

  const program = new SemidefiniteProgram();
  const inequality = program.inequality(network.name, order);
  const input = coordinates(0, inputs);
  const forms = new Map([[flat.input, input]]);
  for (const form of input) inequality.add(RHO, 1, form, form);
  let known = inputs;
  for (const node of flat.nodes) {
    const sources = node.inputs.map((id) => forms.get(id)!);
    /** From one unit per tensor to another. */
    const ratios = node.inputs.map((id) => scales[id]! / scales[node.output]!);
    if (node.operator.kind === 'nonlinearity') {
      const [y, phi] = [sources[0]!, coordinates(known, sources[0]!.length)];
      known += phi.length;
      const multipliers = program.nonnegative('multipliers', node.name, phi.length);
      const { lower, upper } = slopeInterval(node.operator.function);
      constrain(inequality, multipliers, y, phi, {
        lower: lower.map((slope) => slope * ratios[0]!),
        upper: upper.map((slope) => slope * ratios[0]!),
      });
      forms.set(node.output, phi);
    } else {
      forms.set(node.output, linearForms(node, sources, ratios));
    }
  }
  for (const form of forms.get(flat.output)!) inequality.add(CONSTANT, -1, form, form);
  return { program, scale: scales[flat.output]! };
}

function linearForms(node: Node, sources: readonly (readonly Form[])[], ratios: readonly number[]): Form[] {
  const { operator } = node;
  switch (operator.kind) {
    case 'affine':
      return affineForms(operator, sources[0]!, ratios[0]!);
    case 'scale':
      return sources[0]!.map((form, i) => combination([broadcast(operator.scale, i) * ratios[0]!], [form]));
    case 'gather':
      return Array.from(operator.sources, (at) =>
        at < 0 ? combination([], []) : combination([ratios[0]!], [sources[0]![at]!]),
      );
    case 'add': {
      const weights = operator.coefficients.map((coefficient, k) => coefficient * ratios[k]!);
      return sources[0]!.map((_, i) =>
        combination(
          weights,
          sources.map((forms) => forms[i]!),
        ),
      );
    }
    case 'concat':
      return sources.flatMap((forms, k) => forms.map((form) => combination([ratios[k]!], [form])));
    default:
      throw new Error(
        `${node.name}: lipsdp: operators of a flat network without maxima, got ${operator.kind}`,
      );
  }
}

function affineForms({ weight, outputs, inputs }: Affine, source: readonly Form[], ratio: number): Form[] {
  return Array.from({ length: outputs }, (_, o) =>
    combination(
      mapped(weight.subarray(o * inputs, (o + 1) * inputs), (value) => value * ratio),
      source,
    ),
  );
}

/** @throws UnsupportedError naming every such node */
function refuseWhatHasNoConstraint(network: Network): void {
  const unsupported = network.nodes.flatMap(({ name, operator }): Unsupported[] => {
    const reason = REASONS[operator.kind];
    return reason === undefined ? [] : [{ node: name, found: operator.kind, reason }];
  });
  const { bytes, largestNeurons } = unrolledSize(network, 0);
  if (largestNeurons > MOST_NEURONS) {
    const reason = `layers of at most ${MOST_NEURONS} neurons are written down; try --formulation dissipativity`;
    unsupported.push({ node: network.name, found: `a layer of ${largestNeurons} neurons`, reason });
  }
  if (bytes > LARGEST_UNROLLED) {
    const reason = `convolutions become dense matrices here, of at most ${LARGEST_UNROLLED / 1e6} MB; try --formulation dissipativity`;
    unsupported.push({ node: network.name, found: `${Math.ceil(bytes / 1e6)} MB of matrices`, reason });
  }
  if (unsupported.length > 0) throw new UnsupportedError(unsupported);
}
