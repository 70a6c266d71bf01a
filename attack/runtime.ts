/** Our evaluator against ONNX Runtime: what the other hunts call the truth must be what others compute. */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { FloatCircuit } from './evaluate/float.ts';
import { circuitOf } from './evaluate/interpret.ts';
import { product } from './evaluate/values.ts';
import { generate, generateConstants } from './generate/network.ts';
import type { Finding, Hunt } from './hunt.ts';
import { type ModelDescription, sampleOf } from './model/description.ts';
import { encode } from './model/encode.ts';
import { Random } from './random.ts';
import { shrunk } from './shrink.ts';

/** float32 arithmetic of a few hundred terms, relative to the largest number inside. */
const TOLERANCE = 3e-5;

interface Runtime {
  readonly create: (bytes: Uint8Array) => Promise<InferenceSession>;
  readonly tensor: (x: Float32Array, dims: readonly number[]) => Tensor;
}

let opened: Promise<Runtime> | undefined;

async function open(): Promise<Runtime> {
  const { env, InferenceSession, Tensor } = await import('onnxruntime-web');
  env.wasm.numThreads = 1;
  env.logLevel = 'fatal';
  return {
    create: (bytes) =>
      InferenceSession.create(bytes, {
        executionProviders: ['wasm'],
        logSeverityLevel: 4,
        graphOptimizationLevel: 'disabled',
      }),
    tensor: (x, dims) => new Tensor('float32', x, dims),
  };
}

/** The output for one sample; undefined where the runtime does not run the model. */
export async function runtimeOutput(
  model: ModelDescription,
  x: Float64Array,
): Promise<Float64Array | undefined> {
  opened ??= open();
  const runtime = await opened;
  let session: InferenceSession | undefined;
  try {
    session = await runtime.create(encode(model));
    const input = runtime.tensor(Float32Array.from(x), [1, ...sampleOf(model)]);
    const outputs = await session.run({ [model.input.name]: input });
    return Float64Array.from(outputs[model.output]!.data as Float32Array);
  } catch {
    return undefined;
  } finally {
    await session?.release();
  }
}

/** What is wrong, `skipped` where the runtime refuses the model or numbers leave float32. */
export async function againstRuntime(
  model: ModelDescription,
  seed: number,
): Promise<string | 'skipped' | undefined> {
  const sample = sampleOf(model);
  const circuit = new FloatCircuit(circuitOf(model, sample));
  const x = new Random(seed).normals(product(sample)).map(Math.fround);
  const values = circuit.values(x);
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  if (!(size < 1e30)) return 'skipped';
  const expected = circuit.outputsOf(values);
  const got = await runtimeOutput(model, x);
  if (!got) return 'skipped';
  const off = expected.findIndex((value, k) => !(Math.abs(value - got[k]!) <= TOLERANCE * size));
  if (off < 0 && got.length === expected.length) return undefined;
  return `output ${off} must be what ONNX Runtime computes, ${got[off]}, the evaluator of the attack says ${expected[off]}`;
}

export class RuntimeHunt implements Hunt {
  readonly name = 'runtime';
  readonly unit = 'networks';

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const { model, nasty } = random.chance(0.25)
      ? generateConstants(random)
      : generate(random, random.chance(0.5) ? 'fixed' : 'any');
    if (model.input.type !== 'float' || nasty) return undefined;
    const wrong = async (candidate: ModelDescription) => {
      const fault = await againstRuntime(candidate, seed);
      return fault === 'skipped' ? undefined : fault;
    };
    const fault = await wrong(model);
    if (fault === undefined) return undefined;
    const small = await shrunk(model, async (candidate) => (await wrong(candidate)) !== undefined);
    return {
      hunt: this.name,
      seed,
      fault: (await wrong(small)) ?? fault,
      files: new Map([
        ['model.onnx', encode(small)],
        ['model.json', new TextEncoder().encode(JSON.stringify(small, null, 1))],
      ]),
      reproduce: 'model.onnx in ONNX Runtime and in attack/evaluate',
    };
  }
}
