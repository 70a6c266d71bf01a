/** What a model's graph holds, without understanding it: for showing where something that is not read stands. */
import { flatNodes } from './graph.ts';
import { decodeModel } from './protobuf/model.ts';

export interface OutlinedNode {
  /** As in messages about it (`Unsupported.node`). */
  readonly name: string;
  /** The operator; with its domain where that is not ONNX's own. */
  readonly operator: string;
}

/**
 * The nodes of a model in the order of the file, constants left out.
 * @throws InputError where the bytes are no ONNX model
 * @throws UnsupportedError for operator sets that are not read
 */
export function outlineOnnx(bytes: Uint8Array): OutlinedNode[] {
  return flatNodes(decodeModel(bytes), bytes.length)
    .filter(({ opType }) => opType !== 'Constant')
    .map(({ name, opType, domain }) => ({ name, operator: domain === '' ? opType : `${domain}.${opType}` }));
}
