/** A form as stages: from what is live to the units of the next level and what is carried past them. */
import type { Form } from '../form/form.ts';

export interface Stage {
  /** Units of the level, then −1 for every atom that is carried on as it is. */
  readonly units: Int32Array;
  readonly before: number;
  /** From what is live before it, row by row. [units.length, before] */
  readonly weight: Float64Array;
}

export interface Stages {
  readonly stages: readonly Stage[];
  /** From what is live at the end. */
  readonly output: Float64Array;
}

export function stagesOf({ inputs, outputs, units, atoms, weight }: Form): Stages {
  const levels = units.at(-1)?.level ?? 0;
  const levelOf = (atom: number) => (atom < inputs ? 0 : units[atom - inputs]!.level);
  const lastRead = new Int32Array(atoms).fill(-1);
  for (let row = 0; row < units.length + outputs; row++) {
    const level = row < units.length ? units[row]!.level : levels + 1;
    for (let a = 0; a < atoms; a++)
      if (weight[row * atoms + a] !== 0) lastRead[a] = Math.max(lastRead[a]!, level);
  }
  const all = [...Array(atoms).keys()];
  const stages: Stage[] = [];
  let live = all.slice(0, inputs);
  for (let level = 1; level <= levels; level++) {
    const own = [...units.keys()].filter((u) => units[u]!.level === level);
    const carried = live.filter((atom) => lastRead[atom]! > level);
    const matrix = new Float64Array((own.length + carried.length) * live.length);
    for (const [row, u] of own.entries()) {
      for (const [column, atom] of live.entries())
        matrix[row * live.length + column] = weight[u * atoms + atom]!;
    }
    for (const [k, atom] of carried.entries())
      matrix[(own.length + k) * live.length + live.indexOf(atom)] = 1;
    stages.push({
      units: Int32Array.from([...own, ...carried.map(() => -1)]),
      before: live.length,
      weight: matrix,
    });
    live = [...own.map((u) => inputs + u), ...carried];
    if (live.some((atom) => levelOf(atom) > level)) throw new Error('stages: units out of order');
  }
  const output = new Float64Array(outputs * live.length);
  for (let row = 0; row < outputs; row++) {
    for (const [column, atom] of live.entries())
      output[row * live.length + column] = weight[(units.length + row) * atoms + atom]!;
  }
  return { stages, output };
}
