/** External data: weights in files of their own next to the model. */
import { InputError } from '../../../errors.ts';
import type { FetchExternal } from '../../format.ts';
import type { ModelProto, NodeProto, TensorProto } from '../protobuf/onnx_pb.ts';
import { EXTERNAL, type ExternalFiles, externalReference } from './tensors.ts';

/**
 * All files that the model's tensors refer to, each fetched once.
 * @throws InputError for locations that are not plain names, and for files that are not there
 */
export async function fetchExternalFiles(
  model: ModelProto,
  fetch: FetchExternal | undefined,
): Promise<ExternalFiles> {
  const users = new Map<string, string>();
  for (const tensor of allTensors(model)) {
    if (tensor.dataLocation !== EXTERNAL) continue;
    const what = `initializer ${tensor.name}`;
    const { location } = externalReference(what, tensor);
    if (!users.has(location)) users.set(location, what);
  }
  const files = new Map<string, Uint8Array>();
  for (const [location, what] of users) {
    const file = await fetch?.(location);
    if (!file)
      throw new InputError(`${what}: external data must be given with the model, got no file ${location}`);
    files.set(location, file);
  }
  return files;
}

function* allTensors(model: ModelProto): Generator<TensorProto> {
  yield* model.graph!.initializer;
  yield* attributeTensors(model.graph!.node);
  for (const f of model.functions) {
    yield* attributeTensors(f.node);
    for (const attribute of f.attributeProto) if (attribute.t) yield attribute.t;
  }
}

function* attributeTensors(nodes: readonly NodeProto[]): Generator<TensorProto> {
  for (const node of nodes) {
    for (const attribute of node.attribute) if (attribute.t) yield attribute.t;
  }
}
