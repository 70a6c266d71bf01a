/**
 * What documents tell people to type exists: commands and their options, npm scripts, names of the library, Python and JSON that parse. Their
 * formulas are ones that KaTeX sets.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import katex from 'katex';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import * as library from '../../src/index.ts';
import * as node from '../../src/node.ts';
import * as worker from '../../src/worker/worker.ts';
import { recorder } from '../cli/recorder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');

const DOCUMENTS = [
  ...['README.md', 'CONTRIBUTING.md', 'bench/README.md', 'examples/README.md'],
  ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`),
];

/** Fenced blocks in one of these languages. */
function blocks(text: string, ...languages: readonly string[]): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)]
    .filter(([, language]) => languages.includes(language!))
    .map(([, , code]) => code!);
}

/** Lines of code, blocks and what stands between back quotes, that call the command line: without what comes before its name. */
function calls(text: string): string[] {
  const fenced = blocks(text, '', 'sh', 'bash').flatMap((block) => block.split('\n'));
  const indented = [...text.matchAll(/^ {4,}(\S.*)$/gm)].map(([, line]) => line!);
  const quoted = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
  return [...fenced, ...indented, ...quoted].flatMap((line) => {
    const call = /^(?:\$ )?(?:npx )?lipsoid ([a-z][\w-]* ?.*)$/.exec(line);
    // What stands behind a gap is said of the call.
    return call ? [call[1]!.split(/ {2,}| [|>&] /)[0]!] : [];
  });
}

/** By command, as `lipsoid help COMMAND` lists them. */
let options: ReadonlyMap<string, ReadonlySet<string>>;

async function help(...words: readonly string[]): Promise<string> {
  const stdout = recorder();
  const host = { library: () => Promise.reject(new Error('no library')), version: '0' };
  const terminal = { stdout, stderr: recorder() };
  await runCommandLine([...words], { ...host, terminal, signal: new AbortController().signal });
  return stdout.text;
}

/** What a call names that does not exist. */
function unknown(call: string): string[] {
  const [command, ...words] = call.split(' ');
  const own = options.get(command!);
  if (own === undefined) return [`lipsoid ${command}`];
  return words
    .map((word) => /^--[a-z][a-z-]*/.exec(word)?.[0])
    .filter((word) => word !== undefined && !own.has(word))
    .map((word) => `lipsoid ${command} ${word}`);
}

const MODULES: Readonly<Record<string, object>> = {
  lipsoid: library,
  'lipsoid/node': node,
  'lipsoid/worker': worker,
};

/** Values that an example imports from an entry point that does not have them. */
function unknownImports(code: string): string[] {
  return [...code.matchAll(/import \{([^}]+)\} from '(lipsoid[^']*)'/g)].flatMap(([, names, entry]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type ') && !(name in (MODULES[entry!] ?? {})))
      .map((name) => `${name} of ${entry}`),
  );
}

/** Formulas of a document, blocks and those in lines, that are no TeX, with the reason. */
function brokenFormulas(text: string): string[] {
  const displayed = blocks(text, 'math');
  // Dollars in code are none of formulas.
  const lines = text.replaceAll(/^```.*?^```$|^ {4}.*$|`[^`\n]*`/gms, '');
  const inline = [...lines.matchAll(/\$([^$]+)\$/g)].map(([, formula]) => formula!);
  return [...displayed, ...inline].flatMap((formula) => {
    try {
      katex.renderToString(formula, {
        throwOnError: true,
        strict: 'error',
        displayMode: displayed.includes(formula),
      });
      return [];
    } catch (error) {
      return [`${formula}: ${(error as Error).message}`];
    }
  });
}

describe('what documents tell people to type', () => {
  beforeAll(async () => {
    const commands = [...(await help('--help')).matchAll(/^ {2}([a-z][\w-]+)(?:\|| |$)/gm)].map(
      ([, name]) => name!,
    );
    options = new Map(
      await Promise.all(
        commands.map(async (name) => {
          const text = await help('help', name);
          return [name, new Set([...text.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option))] as const;
        }),
      ),
    );
  });

  it('are commands and options that there are', () => {
    const all = DOCUMENTS.flatMap((path) => calls(read(path)).map((call) => [path, call] as const));
    expect(all.length).toBeGreaterThan(60);
    expect(all.flatMap(([path, call]) => unknown(call).map((name) => `${path}: ${name}`))).toEqual([]);
  });

  it('are npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const all = DOCUMENTS.flatMap((path) =>
      [...read(path).matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name]) => name!),
    );
    expect(all.length).toBeGreaterThan(10);
    expect(all.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('are names that the library has, in TypeScript that parses', () => {
    const all = DOCUMENTS.flatMap((path) => blocks(read(path), 'ts'));
    expect(all.length).toBeGreaterThan(4);
    expect(all.flatMap(unknownImports)).toEqual([]);
    const broken = all.filter(
      (code) => ts.transpileModule(code, { reportDiagnostics: true }).diagnostics!.length > 0,
    );
    expect(broken).toEqual([]);
  });

  it('are JSON and Python that parse, and names that lipsoid.py has', () => {
    for (const code of DOCUMENTS.flatMap((path) => blocks(read(path), 'json'))) JSON.parse(code);
    const all = DOCUMENTS.flatMap((path) => blocks(read(path), 'python'));
    expect(all.length).toBeGreaterThan(4);
    const script = 'import ast, json, sys\nfor code in json.load(sys.stdin): ast.parse(code)';
    const { status, stderr } = spawnSync('python3', ['-c', script], {
      input: JSON.stringify(all),
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const defined = new Set(
      [...read('docs/python/lipsoid.py').matchAll(/^(?:def|class) (\w+)/gm)].map(([, n]) => n!),
    );
    const used = all.flatMap((code) => [...code.matchAll(/\blipsoid\.(\w+)/g)].map(([, name]) => name!));
    expect(used.filter((name) => !defined.has(name))).toEqual([]);
  });

  it('are formulas that can be set', () => {
    expect(read('docs/mathematics.md').match(/\$/g)!.length).toBeGreaterThan(1000);
    expect(DOCUMENTS.flatMap((path) => brokenFormulas(read(path)))).toEqual([]);
  });

  it('are seen where they are wrong', () => {
    const text =
      'Say `lipsoid bound a.onnx --evaluation 3`:\n\n    npx lipsoid prove a.onnx   # --this is said of it\n';
    expect(calls(text).flatMap(unknown)).toEqual(['lipsoid prove', 'lipsoid bound --evaluation']);
    expect(brokenFormulas('$a_1$ and $\\frac$\n\n```math\n\\sqrt{\n```\n')).toHaveLength(2);
    expect(unknownImports("import { bound, bind } from 'lipsoid';")).toEqual(['bind of lipsoid']);
  });
});
