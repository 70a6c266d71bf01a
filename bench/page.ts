/** The WebGL engine's side of the bench, in a page. */
import { boundTasks } from './bounds.ts';
import { type Contender, localContender } from './engines.ts';
import type { Effort } from './measure.ts';
import { operationTasks } from './operations.ts';

let contender: Promise<Contender> | undefined;

export async function describe() {
  contender ??= localContender('webgl');
  const { information, software, rate } = await contender;
  return { information, software, rate };
}

export async function operation(name: string, effort: Effort) {
  return (await contender!).operation(operationTasks.find((task) => task.name === name)!, effort);
}

export async function bound(name: string, flops: number, effort: Effort) {
  const task = boundTasks.find((task) => task.name === name)!;
  return (await contender!).bound(task, task.network, flops, effort);
}
