/** Making a WebGPU engine. */
import type { Engine } from '../engine.ts';
import { Device, type DeviceLimits } from './device.ts';
import type { Adapter } from './host.ts';
import { warmUp } from './warmUp.ts';
import { webgpuEngine } from './webgpuEngine.ts';

/** @throws InputError where the adapter is too small or gives no device. */
export async function openWebGpu(adapter: Adapter, limits: DeviceLimits = {}): Promise<Engine> {
  const device = await Device.open(adapter, limits);
  // Software takes seconds to compile, and computes with other kernels.
  if (!adapter.software) warmUp(device);
  const kind = adapter.software ? ', a software adapter' : '';
  return webgpuEngine(device, `WebGPU in float32 on ${adapter.name}${kind}`);
}
