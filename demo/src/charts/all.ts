/** All charts, in one part of the page that is loaded when the first is drawn. */
export { growth } from './growth.ts';
export { ladder } from './ladder.ts';
export { margins } from './margins.ts';
export { multipliers } from './multipliers.ts';
export { spectrum } from './spectrum.ts';
export { tightness } from './tightness.ts';
export { trace } from './trace.ts';
