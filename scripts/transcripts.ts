/**
 * What documents show of commands is what they print. Before such a block stands `<!-- prints: COMMAND -->`; `<!-- runs: COMMAND -->`
 * runs one without showing it. Commands run in an empty folder with examples/ in it, one after the other.
 * `npx tsx scripts/transcripts.ts [DOCUMENT …]` writes the blocks anew; test/package/transcripts.test.ts compares them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../src/cli/program.ts';
import { recorder } from '../test/cli/recorder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const DOCUMENTS: readonly string[] = [
  'README.md',
  'docs/controllers.md',
  ...['certify-a-classifier', 'compare-training-runs', 'read-a-certificate'].map(
    (name) => `docs/tutorials/${name}.md`,
  ),
];

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
async function output(command: string, cwd: string): Promise<string> {
  const words = command.split(' ');
  return words[0] === 'lipsoid'
    ? ownOutput(words.slice(1), cwd)
    : scriptOutput(words.slice(words.indexOf('tsx') + 1), cwd);
}

/** The command line, in this process: starting it takes longer than most of what it is asked here. */
async function ownOutput(words: readonly string[], cwd: string): Promise<string> {
  const [stdout, stderr] = [recorder(), recorder()];
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await runCommandLine(words, {
      library: () => import('../src/node.ts'),
      terminal: { stdout, stderr },
      version: 'here',
      signal: new AbortController().signal,
    });
    if (code !== 0) throw new Error(`lipsoid ${words.join(' ')}: ended with ${code}: ${stderr.text}`);
    return stdout.text;
  } finally {
    process.chdir(before);
  }
}

function scriptOutput([script, ...args]: readonly string[], cwd: string): string {
  const node = ['--import', import.meta.resolve('tsx'), join(ROOT, script!), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script}: ended with ${status}: ${stderr}`);
  return stdout;
}

/** All commands of a document with what they print now. */
export async function rerun(text: string): Promise<(Transcript & { readonly printed: string })[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-transcripts-'));
  try {
    symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
    const all: (Transcript & { readonly printed: string })[] = [];
    for (const each of transcriptsIn(text)) {
      all.push({ ...each, printed: await output(each.command, folder) });
    }
    return all;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = process.argv.slice(2);
  for (const name of asked.length > 0 ? asked : DOCUMENTS) {
    const before = readFileSync(join(ROOT, name), 'utf8');
    const all = await rerun(before);
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
