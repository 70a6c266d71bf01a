/** What an architecture in JSON is, and what a proposal of one leaves open. */
import { isObject, type Json } from '../fields.ts';

export const ARCHITECTURE_NAME = 'lipsoid-architecture';
export const VERSION = 1;
/** Stands in proposals for what nobody but their author knows. */
export const QUESTION = '?';

/** What is left open, in words: `stride of conv1`. */
export function questionsIn(document: object): string[] {
  const fields = document as { readonly [key: string]: Json };
  const open = (value: Json | undefined) =>
    value === QUESTION || (Array.isArray(value) && value.includes(QUESTION));
  const found = Object.keys(fields).filter((key) => open(fields[key]));
  const layers = Array.isArray(fields.layers) ? fields.layers : [];
  for (const [k, layer] of layers.entries()) {
    if (!isObject(layer)) continue;
    const keys = Object.keys(layer).filter((key) => open(layer[key]));
    if (keys.length === 0) continue;
    const name = typeof layer.name === 'string' ? layer.name : `layer ${k + 1}`;
    found.push(keys.join() === 'layer' ? name : `${keys.join(', ')} of ${name}`);
  }
  return found;
}
