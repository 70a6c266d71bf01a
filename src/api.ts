/** The public interface, but for loading, which depends on the host. */
export { bound } from './bounds/bound.ts';
export { DEFAULTS } from './bounds/defaults.ts';
export { type InspectedLayer, type Inspection, inspect } from './bounds/inspect.ts';
export { type PrefixBound, type PrefixOptions, prefixBounds } from './bounds/prefixes.ts';
export type {
  BoundOptions,
  BoundResult,
  LayerReport,
  LengthReport,
  LowerBound,
  MethodName,
  MethodResult,
  Progress,
} from './bounds/result.ts';
export { type LayerSpectrum, layerSpectrum } from './bounds/spectrum.ts';
export { type CertifyOptions, certify } from './certificate/certify.ts';
export type { Claim } from './certificate/claim.ts';
export type { Certificate } from './certificate/format.ts';
export { type Verification, type VerifyOptions, verify } from './certificate/verify.ts';
export type { RuleName } from './ellipsoid/multipliers/closedForms.ts';
export { createEngine, describeEngine, type EngineOptions } from './engine/create.ts';
export type { Engine, EngineInformation } from './engine/engine.ts';
export { InputError, type Unsupported, UnsupportedError } from './errors.ts';
export { writeOnnx } from './formats/onnx/write.ts';
export { NetworkBuilder } from './network/builder.ts';
export type { Network, Node, Source, Tensor, TensorId } from './network/network.ts';
export type { Operator } from './network/operator.ts';
export { simplify } from './network/simplify.ts';
export { exportSdp, type Formulation, type SdpProblem } from './sdp/export.ts';
