/** ONNX Runtime, compiled to WebAssembly: what other software computes from a model. */
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

/** ONNX Runtime lacks a kernel for the types at hand, as it does for many narrow ones. */
export class NotImplemented extends Error {}

/**
 * The one output of a model for its one input, a batch of samples in the type of `x`.
 * @throws NotImplemented for operators and types without a kernel
 * @throws Error for models that ONNX Runtime refuses
 */
export async function runOnnx(
  model: Uint8Array,
  x: Float32Array | Float64Array,
  dims: readonly number[],
): Promise<number[]> {
  let session: ort.InferenceSession | undefined;
  try {
    session = await ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      // As it is written: fused operators round otherwise.
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    const type = x instanceof Float64Array ? 'float64' : 'float32';
    const feeds = { [session.inputNames[0]!]: new ort.Tensor(type, x, [...dims]) };
    const outputs = await session.run(feeds, { logSeverityLevel: 4 });
    return Array.from(outputs[session.outputNames[0]!]!.data as Float64Array, Number);
  } catch (error) {
    if (/NOT_IMPLEMENTED|ERROR_CODE: 9/.test(String(error))) {
      throw new NotImplemented(String(error));
    }
    throw error;
  } finally {
    await session?.release();
  }
}
