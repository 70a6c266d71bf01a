/** Models of TensorFlow.js that a script has at hand. */
import { InputError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';

/** A `tf.LayersModel`, as far as it is needed: what it is saved by. */
export interface LayersModel {
  readonly name?: string;
  save(handler: LayersModelHandler): Promise<unknown>;
}

/** What `save` of a model hands its parts to (`tf.io.IOHandler`). */
export interface LayersModelHandler {
  save(artifacts: LayersModelArtifacts): Promise<{ modelArtifactsInfo: LayersModelSaved }>;
}

export interface LayersModelSaved {
  dateSaved: Date;
  modelTopologyType: 'JSON';
}

export interface LayersModelArtifacts {
  modelTopology?: object;
  weightSpecs?: readonly object[];
  weightData?: ArrayBuffer | ArrayBuffer[];
}

/**
 * The network of a model of layers. The model is not changed, and may be disposed of.
 * @param options.inputShape of one sample, with channels last, where the model leaves it open
 * @throws InputError for what is no such model
 * @throws UnsupportedError for what has no bound or is not read
 */
export async function fromLayersModel(
  model: LayersModel,
  options: { readonly inputShape?: readonly number[] } = {},
): Promise<Network> {
  const unknown = Object.keys(options).filter((key) => key !== 'inputShape');
  if (unknown.length > 0) throw new InputError(`options: must be inputShape, got ${unknown.join(', ')}`);
  let saved: LayersModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  const { modelTopology, weightSpecs, weightData } = saved ?? {};
  if (!modelTopology || !weightSpecs || !weightData) {
    throw new InputError('model: must be a model of layers with weights, got another');
  }
  const data = new Uint8Array(await new Blob([weightData].flat()).arrayBuffer());
  const { networkOfArtifacts } = await import('./read.ts');
  // Plain values, as they would be in a file.
  const [topology, specs] = JSON.parse(JSON.stringify([modelTopology, weightSpecs])) as [never, never];
  return networkOfArtifacts(topology, specs, data, model.name ?? 'model', options.inputShape);
}
