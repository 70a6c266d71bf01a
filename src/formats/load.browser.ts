/** Loading a network in a page: from what a person chose, what a script holds, or a URL. */
import type { Network } from '../network/network.ts';
import { type Description, describedWeights } from './describe.ts';
import type { LoadOptions } from './format.ts';
import { bytesOf, fetchedFiles, type Given, givenFiles } from './given.ts';
import { checkOptions, loadModel, type ModelFiles } from './load.ts';
import type { OutlinedNode } from './onnx/outline.ts';

/**
 * Reads a model of any format that is read: from bytes, a blob or a file, whose files beside it are options, or from a URL, beside which
 * they are. Text is a URL as well, from the page's on.
 * @throws InputError for models that are malformed or do not say what is needed, and for options that are not known
 * @throws UnsupportedError for what has no bound or is not read, every such node at once
 * @throws the signal's reason when it is aborted
 */
export async function loadNetwork(model: string | URL | Given, options: LoadOptions = {}): Promise<Network> {
  checkOptions(options);
  return loadModel(await filesOf(model, options), options);
}

/**
 * An architecture to go with a file of weights, as far as names and shapes tell, and what they leave open (docs/formats.md).
 * @throws InputError for what is no file of weights
 */
export async function describeWeights(weights: string | URL | Given): Promise<Description> {
  return describedWeights(await filesOf(weights, {}));
}

function filesOf(model: string | URL | Given, options: LoadOptions): Promise<ModelFiles> {
  if (typeof model === 'string') return fetchedFiles(new URL(model, globalThis.location?.href), options);
  return model instanceof URL ? fetchedFiles(model, options) : givenFiles(model, options);
}

/**
 * The nodes of a model by name and operator, whether or not they are supported: where `loadNetwork` refuses, its items name some
 * of them.
 * @throws InputError, UnsupportedError as `loadNetwork` for what is no ONNX model of a known version
 */
export async function outline(file: Given): Promise<OutlinedNode[]> {
  const { outlineOnnx } = await import('./onnx/outline.ts');
  return outlineOnnx(await bytesOf(file));
}
