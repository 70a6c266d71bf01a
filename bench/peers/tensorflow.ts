/** TensorFlow.js's matMul on WebGPU, on the same Dawn as the engine. */
/// <reference types="@webgpu/types" />
import { requestAdapter } from '../../src/engine/webgpu/host.ts';
import { InputError } from '../../src/errors.ts';
import { type Effort, measure } from '../measure.ts';
import { figures, type OperationTask } from '../operations.ts';
import type { Peer } from './peer.ts';

/** Products in a row until the device is waited for. */
const MOST_AT_ONCE = 16;
const LEAST_FLOPS_AT_ONCE = 1e10;

/** @throws InputError where the packages or WebGPU are missing. */
export async function tensorflow(): Promise<Peer> {
  const { name, software } = await requestAdapter();
  await offerWebGpu();
  // The backend looks for WebGPU when it is loaded.
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu')))
    throw new InputError('tfjs: the backend webgpu must start, but did not');
  // Small products, too, on the device.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const random = (batch: number, n: number) =>
    tf.randomNormal(batch === 1 ? [n, n] : [batch, n, n], 0, 1, 'float32', 7);

  const product = async (task: OperationTask, effort: Effort) => {
    // Complex matrices have no matMul there.
    if (!task.product || task.product.complex) return undefined;
    const { batch, n } = task.product;
    const [a, b] = [random(batch, n), random(batch, n)];
    const atOnce = software ? 1 : Math.min(MOST_AT_ONCE, Math.ceil(LEAST_FLOPS_AT_ONCE / task.flops));
    const run = async (count: number) => {
      for (let k = 1; k < count; k++) tf.matMul(a, b).dispose();
      const last = tf.matMul(a, b);
      // A number of the last result is there once all are.
      const one = tf.slice(
        last,
        last.shape.map(() => 0),
        last.shape.map(() => 1),
      );
      await one.data();
      tf.dispose([last, one]);
    };
    // Compiles what it takes.
    await run(1);
    const spread = await measure(() => run(atOnce), effort);
    tf.dispose([a, b]);
    const each = spread.median.seconds / atOnce;
    return {
      ...{ task: task.name, engine: 'tfjs', unit: task.unit, repeats: spread.repeats },
      ...figures(task, spread, atOnce),
      flopsPerSecond: task.flops / each,
      bytesPerSecond: (4 * task.numbers) / each,
      deviceFlopsPerSecond: null,
    };
  };
  return {
    name: 'tfjs',
    description: `TensorFlow.js ${tf.version_core}, WebGPU on ${name}`,
    software,
    product,
  };
}

/** In Node: Dawn as `navigator.gpu`, with the names that WebGPU adds to a page. */
async function offerWebGpu(): Promise<void> {
  if (globalThis.navigator?.gpu) return;
  const dawn = 'webgpu';
  const { create, globals } = (await import(dawn)) as {
    create(options: readonly string[]): GPU;
    globals: object;
  };
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}
