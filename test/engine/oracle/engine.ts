import { arrays } from '../../../src/engine/cpu/arrays.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { queuedEngine } from '../../../src/engine/queued/queuedEngine.ts';
import { oracleOperations } from '../operations.ts';

/** An engine that is slow and plainly right. */
export function oracleEngine(): Engine {
  const information = { name: 'oracle', description: 'definitions', unitRoundoff: 2 ** -53, threads: 1 };
  return queuedEngine(
    information,
    oracleOperations,
    arrays(async () => {}),
  );
}
