/** The public interface, but for loading, which depends on the host. */
import { type EngineOptions, createEngine as openEngine } from './engine/create.ts';
import type { EngineHandle } from './engine/engine.ts';

export { bound } from './bounds/bound.ts';
export { DEFAULTS } from './bounds/defaults.ts';
export {
  type BoundGradient,
  type BoundGradientOptions,
  boundGradient,
} from './bounds/gradient/boundGradient.ts';
export type { WeightGradient } from './bounds/gradient/gradientSums.ts';
export { type InspectedLayer, type InspectedMethod, type Inspection, inspect } from './bounds/inspect.ts';
export { type PrefixBound, type PrefixOptions, prefixBounds } from './bounds/prefixes.ts';
export type { BoundProof, BoundProofLayer } from './bounds/report/proof.ts';
export type {
  Assurance,
  BoundOptions,
  BoundResult,
  ExactReport,
  InflationReport,
  LayerReport,
  LengthReport,
  LowerBound,
  MethodName,
  MethodResult,
  PairReport,
  Progress,
  RowRule,
  SearchReport,
  SearchStatus,
  StoredMultipliers,
  TracePoint,
} from './bounds/result.ts';
export { type LayerSpectrum, layerSpectrum } from './bounds/spectrum.ts';
export { type CertifyOptions, certify } from './certificate/certify.ts';
export { type CertifyRegionOptions, certifyRegion, type RegionProof } from './certificate/certifyRegion.ts';
export type { Claim } from './certificate/claim.ts';
export {
  type CertifyExactOptions,
  certifyExact,
  type ExactProof,
} from './certificate/constants/certifyExact.ts';
export { exactBeginning } from './certificate/constants/exactBeginning.ts';
export type {
  ExactCertificate,
  ExactClaim,
  StoredDomain,
  StoredNode,
  StoredRow,
} from './certificate/constants/exactFormat.ts';
export type { FoundNode } from './certificate/constants/foundNode.ts';
export { type ExactVerification, verifyExact } from './certificate/constants/verifyExact.ts';
export type { Place } from './certificate/exact/check.ts';
export type { StoredNetwork } from './certificate/fields.ts';
export type { Certificate, StoredLayer, StoredMargins, StoredNorms } from './certificate/format.ts';
export type { RegionCertificate, StoredCentre, StoredRegion } from './certificate/regionFormat.ts';
export type { Region } from './certificate/regions/check.ts';
export type { CertificateSet, CertifiedSample } from './certificate/setFormat.ts';
export { type Verification, type VerifyOptions, verify } from './certificate/verify.ts';
export { type RegionVerification, verifyRegion } from './certificate/verifyRegion.ts';
export { type SetVerification, type VerifySetOptions, verifySet } from './certificate/verifySet.ts';
export { certifySamples, type LocalBoundOptions, type LocalRow, localBound } from './certify/certify.ts';
export type { CertifySamplesOptions, ProvenSample } from './certify/certifySamples.ts';
export type { SampleOptions } from './certify/data/arrays.ts';
export type { Fit, Sample, SampleSet } from './certify/data/samples.ts';
export { CERTIFY_DEFAULTS } from './certify/defaults.ts';
export type { Limits } from './certify/limits.ts';
export {
  type LocalBoundGradient,
  type LocalBoundGradientOptions,
  localBoundGradient,
} from './certify/localBoundGradient.ts';
export type { LocalKind } from './certify/proofs/localForm.ts';
export type { RegionStage } from './certify/proofs/prover.ts';
export type { CertifyStage, SampleReport } from './certify/report.ts';
export { type Summary, summaryOf } from './certify/summary.ts';
export { inPixels, type Normalization } from './certify/units.ts';
export { type WeakestPoint, type WeakestPointOptions, weakestPoint } from './certify/weakestPoint.ts';
export {
  type DifferenceOptions,
  type DifferenceResult,
  difference,
  type RegionalDifference,
} from './difference/difference.ts';
export { differenceNetwork } from './difference/network.ts';
export type { RuleName } from './ellipsoid/multipliers/closedForms.ts';
export { describeEngine, type EngineOptions } from './engine/create.ts';
export type { EngineHandle as Engine, EngineInformation } from './engine/engine.ts';
export { InputError, type Unsupported, UnsupportedError } from './errors.ts';
export type { SteepPoint } from './exact/below/steepest.ts';
export { type ExactOptions, type ExactResult, exactConstant } from './exact/exact.ts';
export type { FlatRow, TreeLeaf, TreeNode } from './exact/record.ts';
export type { Beginning } from './exact/resume.ts';
export type { ExactProgress } from './exact/search.ts';
export { writeOnnx } from './formats/onnx/writing/write.ts';
export {
  fromLayersModel,
  type LayersModel,
  type LayersModelArtifacts,
  type LayersModelHandler,
  type LayersModelSaved,
} from './formats/tensorflowJs/layersModel.ts';
export { type DenseLayer, NetworkBuilder } from './network/builder.ts';
export type { Elementwise } from './network/elementwise/elementwise.ts';
export type { TanhGelu } from './network/elementwise/gelu.ts';
export type { ElementwiseName } from './network/elementwise/table.ts';
export { evaluate } from './network/evaluation/evaluate.ts';
export type { GroupFunction } from './network/groups/table.ts';
export type { Network, Node, Source, Tensor, TensorId, Tie } from './network/network.ts';
export type { BallNorm, Norm, NormPair } from './network/norms/norm.ts';
export type { Numbers } from './network/numbers.ts';
export type {
  Add,
  Affine,
  AveragePool,
  Concat,
  Convolution,
  Gather,
  GlobalAveragePool,
  GlobalMaxPool,
  Grouped,
  MaxGather,
  MaxPool,
  Nonlinearity,
  Operator,
  Pad,
  Padding,
  PaddingMode,
  Reindex,
  Scale,
  Softmax,
  TransposedConvolution,
} from './network/operator.ts';
export { simplify } from './network/simplify/simplify.ts';
export { exportSdp, type Formulation, type SdpProblem } from './sdp/export.ts';
export {
  type LipschitzPenalty,
  type LipschitzPenaltyOptions,
  lipschitzPenalty,
  type PenaltyTensor,
  type PenaltyTensorFlow,
  type TrainedModel,
} from './training/lipschitzPenalty.ts';

/**
 * Makes an engine, to be passed to what computes; `close` it when done, its threads or its device live until then.
 * @throws InputError for `cpu-blas` where OpenBLAS does not load and for `webgpu` and `webgl` where there is no adapter that will
 *   do (what was tried, what to install).
 * @throws RangeError for a number of threads that is no positive integer.
 */
export const createEngine: (options?: EngineOptions) => Promise<EngineHandle> = openEngine;
