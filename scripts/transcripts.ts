/**
 * What documents show of commands is what they print. Before such a block stands `<!-- prints: COMMAND -->`; `<!-- runs: COMMAND -->`
 * runs one without showing it. Commands run in an empty folder with examples/ in it, one after the other.
 * `npx tsx scripts/transcripts.ts` writes the blocks anew; test/package/transcripts.test.ts compares them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const DOCUMENTS: readonly string[] = ['README.md'];

/** A command of a document. */
export interface Transcript {
  readonly command: string;
  /** What the document shows of it; undefined where it only runs. */
  readonly shown: string | undefined;
}

const COMMENT = /<!-- (prints|runs): (.+?) -->\n(?:```\n\$ .*\n([\s\S]*?)```\n)?/g;

export function transcriptsIn(text: string): Transcript[] {
  return [...text.matchAll(COMMENT)].map(([, kind, command, shown]) => {
    if (kind === 'prints' && shown === undefined)
      throw new Error(`${command}: there must be a block behind it that begins with the command`);
    return { command: command!, shown };
  });
}

/** What a command prints on stdout. @throws where it fails */
function output(command: string, cwd: string): string {
  const words = command.split(' ');
  const [script, ...args] =
    words[0] === 'lipsoid' ? ['src/cli/main.ts', ...words.slice(1)] : words.slice(words.indexOf('tsx') + 1);
  const node = ['--import', import.meta.resolve('tsx'), join(ROOT, script!), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ended with ${status}: ${stderr}`);
  return stdout;
}

/** All commands of a document with what they print now. */
export function rerun(text: string): (Transcript & { readonly printed: string })[] {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-transcripts-'));
  try {
    symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
    return transcriptsIn(text).map((each) => ({ ...each, printed: output(each.command, folder) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of DOCUMENTS) {
    const before = readFileSync(join(ROOT, name), 'utf8');
    const all = rerun(before);
    let k = 0;
    const after = before.replaceAll(COMMENT, (whole: string, kind: string, command: string) => {
      const { printed } = all[k++]!;
      return kind === 'runs'
        ? whole
        : `<!-- prints: ${command} -->\n\`\`\`\n$ ${command}\n${printed}\`\`\`\n`;
    });
    writeFileSync(join(ROOT, name), after);
  }
}
