/** Every function of a group, by its name: one row each. */
import type { GroupDefinition } from './definition.ts';
import { inverseRoot } from './inverseRoot.ts';
import { localResponse } from './localResponse.ts';
import { normalize } from './normalize.ts';
import { boundedProduct } from './product.ts';
import { largestEntry, logSumExp, norm } from './reductions.ts';
import { groupSoftmax } from './softmax.ts';
import { sort } from './sort.ts';

const ROWS = {
  max: largestEntry,
  'log-sum-exp': logSumExp,
  norm,
  softmax: groupSoftmax,
  sort,
  normalize,
  'inverse-root': inverseRoot,
  'local-response': localResponse,
  product: boundedProduct,
};

/** The name of a function of a group with its parameters; discriminated by `name`. */
export type GroupFunction = Parameters<(typeof ROWS)[keyof typeof ROWS]['value']>[0];
export type GroupFunctionName = GroupFunction['name'];
export type NamedGroup<N extends GroupFunctionName> = Extract<GroupFunction, { readonly name: N }>;

/** Each row stands under the name of its function. */
export const GROUP_FUNCTIONS: { readonly [N in GroupFunctionName]: GroupDefinition<NamedGroup<N>> } = ROWS;

/** The row of a function. */
export function groupDefinitionOf<F extends GroupFunction>(f: F): GroupDefinition<F> {
  if (!Object.hasOwn(GROUP_FUNCTIONS, f.name))
    throw new Error(`groups: unknown function ${JSON.stringify(f)}`);
  // TypeScript does not see that the name of F picks the row of F.
  return GROUP_FUNCTIONS[f.name] as GroupDefinition<never> as GroupDefinition<F>;
}
