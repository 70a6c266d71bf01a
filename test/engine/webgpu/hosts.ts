/** Where the tests find WebGPU without a GPU: adapters in software, of which each host takes another. */
import { existsSync } from 'node:fs';

/** Set to 1 on machines without these adapters; elsewhere their absence is a failure. */
export const withoutGpu = process.env.LIPSOID_WITHOUT_GPU === '1';

export const chromium = '/usr/bin/chromium';
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
const llvmpipe = '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json';

/** Makes this process use SwiftShader, unless its environment names another driver. To be called before any adapter is asked for. */
export function useSwiftShader(): void {
  Object.assign(process.env, driverEnvironment(swiftShader));
}

/** The environment of a Deno process on llvmpipe. */
export function denoEnvironment(): Record<string, string> {
  return driverEnvironment(llvmpipe);
}

function driverEnvironment(driver: string): Record<string, string> {
  const chosen = process.env.VK_DRIVER_FILES;
  if (!chosen && !existsSync(driver)) {
    throw new Error(
      `webgpu: tests need ${driver} (Debian: chromium, mesa-vulkan-drivers), or LIPSOID_WITHOUT_GPU=1`,
    );
  }
  // Drivers for screens complain where this is missing.
  const runtime = process.env.XDG_RUNTIME_DIR ?? '/tmp';
  return { VK_DRIVER_FILES: chosen || driver, XDG_RUNTIME_DIR: runtime };
}
