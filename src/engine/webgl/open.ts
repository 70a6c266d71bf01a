/** Making a WebGL engine. */

import type { Engine } from '../engine.ts';
import { unitRoundoffs } from '../precision.ts';
import { queuedEngine } from '../queued/queuedEngine.ts';
import { Context, deviceName } from './context.ts';
import { textures } from './textures.ts';
import { webglOperations } from './webglOperations.ts';

/** @throws InputError where the host has no WebGL 2, or none that computes in float32. */
export async function openWebGl(): Promise<Engine> {
  const context = await Context.open();
  const description = describe(context.name);
  const information = { name: 'webgl', description, unitRoundoff: unitRoundoffs.single, threads: 1 };
  return queuedEngine(information, webglOperations(context), textures(context));
}

/** What `openWebGl` would say of its engine. @throws InputError as it does */
export function describeWebGl(): string {
  return describe(deviceName());
}

function describe(device: string): string {
  return `WebGL in float32 on ${device}; vectors in float64 on the CPU`;
}
