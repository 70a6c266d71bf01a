/** Softmax and its logarithm. */
import { OWN_FIELDS } from '../../../network/lengths/follows.ts';
import type { Call, Signal } from '../call.ts';
import type { Converter, Family } from './converter.ts';

export const softmax: Family = new Map<string, Converter>([
  ['Softmax', { signals: (call) => overOneAxis(call, false) }],
  ['LogSoftmax', { signals: (call) => overOneAxis(call, true) }],
]);

/**
 * Since operator set 13 over one axis, before over all axes from `axis` on. A vector per sample, or the channels of
 * an image.
 */
function overOneAxis(call: Call, logarithm: boolean): Signal {
  const x = call.signal(0);
  const dims = call.dims(x);
  const oneAxis = call.opset >= 13;
  const axis = call.axis(call.attributes.integer('axis', oneAxis ? -1 : 1), dims.length);
  const channel = x.batched ? 1 : 0;
  const later = dims.slice(axis + 1);
  if (axis !== channel || !(oneAxis || later.every((side) => side === 1))) {
    const over = oneAxis ? `axis ${axis}` : `all axes from ${axis} on`;
    call.refuse(
      `over ${over} of [${dims.join(', ')}]`,
      'softmax runs over the features of a vector or over channels',
    );
  }
  if (!oneAxis && later.length > 0 && call.follows(x)) {
    call.tie('over positions and channels', 'here there is one position; in longer signals it runs over all');
  }
  return call.emitSame({ kind: 'softmax', logarithm }, x, OWN_FIELDS);
}
