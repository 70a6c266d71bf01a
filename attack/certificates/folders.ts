/** Networks in folders of their own, each with a name that is not used again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Files } from '../files/mutate.ts';

export class Folders {
  readonly #root = mkdtempSync(join(tmpdir(), 'lipsoid-certificates-'));
  #count = 0;

  write({ model, external }: Files): string {
    const folder = join(this.#root, String(this.#count++));
    mkdirSync(folder);
    writeFileSync(join(folder, 'model.onnx'), model);
    for (const [name, bytes] of external) writeFileSync(join(folder, name), bytes);
    return folder;
  }

  /** Without a folder: all. */
  remove(folder = this.#root): void {
    rmSync(folder, { recursive: true, force: true });
  }
}
