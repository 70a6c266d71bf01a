/**
 * What to do with the number: how far an input may move before its label can change, from the bounds of all margins.
 * `npx tsx examples/radius.ts`
 */
import { bound, evaluate, loadNetwork } from '../src/index.ts';
import { drawDigits } from './digits.ts';

const network = await loadNetwork(new URL('mlp.onnx', import.meta.url));
const { margins } = await bound(network, { target: 'margins' });

const { values, labels, size } = drawDigits(1, 2);
const outputs = evaluate(network, Float64Array.from(values.subarray(0, size)));
const i = labels[0]!;

console.log(`a digit ${i}: how far may it move before another output can be the largest?\n`);
console.log(' j   f_i - f_j    L_ij   radius');
const radii = [...outputs].map((output, j) => {
  if (j === i) return Infinity;
  const [margin, most] = [outputs[i]! - output, margins![i]![j]!];
  // Down in the last digit: a radius that is certain.
  const radius = Math.floor((1e4 * margin) / most) / 1e4;
  console.log(
    ` ${j}   ${margin.toFixed(4).padStart(9)} ${most.toFixed(4).padStart(7)}   ${radius.toFixed(4)}`,
  );
  return radius;
});
console.log(`\ncertain within ${Math.min(...radii)}, whatever moves`);
