/**
 * Which files this process reads. Imported before whatever reads them: Node's functions are replaced by ones that take notes.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

let noted: string[] | undefined;

function note(path: unknown): void {
  const text = path instanceof URL ? fileURLToPath(path) : path;
  if (noted && (typeof text === 'string' || text instanceof Uint8Array)) noted.push(String(text));
}

/** Wraps the functions of `holder` by these names, whose first argument is a path. */
function watch(holder: object, names: readonly string[]): void {
  const functions = holder as Record<string, (...values: unknown[]) => unknown>;
  for (const name of names) {
    const original = functions[name]!;
    functions[name] = function (this: unknown, ...values: unknown[]) {
      note(values[0]);
      return original.apply(this, values);
    };
  }
}

watch(fs.promises, ['readFile', 'open']);
watch(fs, ['readFile', 'readFileSync', 'open', 'openSync', 'createReadStream']);
syncBuiltinESMExports();

/** What `work` read. */
export async function readDuring<Value>(
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly paths: readonly string[] }> {
  noted = [];
  try {
    const value = await work();
    return { value, paths: noted };
  } finally {
    noted = undefined;
  }
}
