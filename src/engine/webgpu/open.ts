/** Making a WebGPU engine. */
import { Device, type DeviceLimits } from './device.ts';
import type { Adapter } from './host.ts';
import { WebGpuEngine } from './webgpuEngine.ts';

/** @throws InputError where the adapter is too small or gives no device. */
export async function openWebGpu(adapter: Adapter, limits: DeviceLimits = {}): Promise<WebGpuEngine> {
  const device = await Device.open(adapter, limits);
  const kind = adapter.software ? ', a software adapter' : '';
  return new WebGpuEngine(device, `WebGPU in float32 on ${adapter.name}${kind}`);
}
