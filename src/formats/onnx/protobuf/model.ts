/** From bytes to a `ModelProto` that is safe to walk: well-formed, of a known version, with unique names. */
import { fromBinary } from '@bufbuild/protobuf';
import { InputError, UnsupportedError } from '../../../errors.ts';
import { type ModelProto, ModelProtoSchema, type OperatorSetIdProto } from './onnx_pb.ts';

/** Operator sets whose definitions the converters know. */
export const OLDEST_OPSET = 1;
export const NEWEST_OPSET = 28;

/** Messages nested deeper than this are no network: a function's node's attribute's tensor is five deep. */
const DEEPEST_NESTING = 64;

/**
 * Decodes a model. `bytes` fields are views of `bytes`, not copies.
 * @throws InputError where the bytes are no ONNX model
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, {
      readUnknownFields: false,
      recursionLimit: DEEPEST_NESTING,
    });
  } catch (error) {
    throw new InputError(`ONNX: must be a serialized model, got ${bytes.length} bytes that are none`, {
      cause: error,
    });
  }
  if (!model.graph) throw new InputError('ONNX: a model must hold a graph, got none');
  if (model.opsetImport.length === 0) {
    throw new InputError('ONNX: a model must say which operator set it uses, got none');
  }
  return model;
}

/** The ONNX domain has two names. */
export function normalizedDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/** Operator set versions by domain, ascending. More than one where a domain is imported several times: then nodes must mean the same in all. */
export type Opsets = ReadonlyMap<string, readonly number[]>;

/**
 * @throws UnsupportedError for versions of the ONNX operator set that the converters do not know
 */
export function opsetVersions(where: string, imports: readonly OperatorSetIdProto[]): Opsets {
  const versions = new Map<string, number[]>();
  for (const { domain, version } of imports) {
    const name = normalizedDomain(domain);
    versions.set(name, [...new Set([...(versions.get(name) ?? []), Number(version)])]);
  }
  for (const all of versions.values()) all.sort((a, b) => a - b);
  for (const onnx of versions.get('') ?? []) {
    if (onnx >= OLDEST_OPSET && onnx <= NEWEST_OPSET) continue;
    const reason = `operator sets ${OLDEST_OPSET} to ${NEWEST_OPSET} are read; convert the model`;
    throw new UnsupportedError([{ node: where, found: `operator set ${onnx}`, reason }]);
  }
  return versions;
}
