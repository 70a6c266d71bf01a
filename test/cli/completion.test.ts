/** Completion of command lines, by the shells themselves. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { METHODS } from '../../src/bounds/result.ts';
import { SHELLS, type Shell } from '../../src/cli/completion.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { RULE_NAMES } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { recorder } from './recorder.ts';

async function printed(...line: readonly string[]) {
  const [stdout, stderr] = [recorder(), recorder()];
  const code = await runCommandLine(line, {
    library: () => Promise.reject(new Error('nobody asked for it')),
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal: new AbortController().signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}

/** Runs a script in a shell; it is told the words of a command line as arguments. */
function inShell(shell: Shell, script: string, words: readonly string[]): string[] {
  const args = shell === 'fish' ? ['-N', '-c', script, ...words] : ['-f', '-c', script, shell, ...words];
  const { status, stdout, stderr, error } = spawnSync(shell, args, { encoding: 'utf8' });
  if (error) throw new Error(`completion: tests need ${shell} (a Debian package): ${error.message}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

/** What a shell offers for a command line whose last word is being written. */
const OFFERED: Readonly<Record<Shell, (script: string, words: readonly string[]) => string[]>> = {
  bash: (script, words) =>
    inShell(
      'bash',
      `${script}\nCOMP_WORDS=(lipsoid "$@"); COMP_CWORD=$#; _lipsoid; printf '%s\\n' "\${COMPREPLY[@]}"`,
      words,
    ).map((word) => word.replaceAll('\\', '')),
  // Without a terminal there is no completion in zsh: what it is told to offer is looked at.
  zsh: (script, words) =>
    inShell(
      'zsh',
      `compdef() { }
       _describe() { print -l -- \${(P)2%%:*}; }
       _files() { }
       _arguments() { local each; for each in "$@"; do print -r -- "$each"; done; }
       ${script}
       words=(lipsoid "$@"); CURRENT=$#words; _lipsoid`,
      words,
    ).flatMap((line) => zshOffers(line, words)),
  fish: (script, words) =>
    inShell('fish', `${script}\ncomplete -C "lipsoid $argv"`, words).map((line) => line.split('\t')[0]!),
};

/** Options of a specification of `_arguments`, or the values of the option that was written last. */
function zshOffers(line: string, words: readonly string[]): string[] {
  const [, flag, value] = /^(-[\w-]*)\[(?:[^\]\\]|\\.)*\](?::value:(.*))?$/.exec(line) ?? [];
  if (flag === undefined) return line.startsWith('*') ? [] : [line];
  if (words.at(-2) !== flag) return [flag];
  return (
    /^\((.*)\)$/
      .exec(value ?? '')?.[1]
      ?.replaceAll('\\', '')
      .split(' ') ?? []
  );
}

describe.each(SHELLS)('lipsoid completion %s', (shell) => {
  it('offers commands, options and their values', async () => {
    const { code, out, err } = await printed('completion', shell);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const offered = (...words: string[]) => OFFERED[shell](out, words);
    const commands = offered('');
    for (const command of ['bound', 'certify', 'verify', 'help', 'completion'])
      expect(commands).toContain(command);
    expect(offered('bound', '--')).toEqual(
      expect.arrayContaining(['--method', '--rule', '--json', '--help']),
    );
    expect(offered('certify', '--')).not.toContain('--method');
    expect(offered('bound', '--method', '')).toEqual(expect.arrayContaining([...METHODS]));
    expect(offered('bound', 'a.onnx', '--rule', '')).toEqual(expect.arrayContaining([...RULE_NAMES]));
  });
});

describe('lipsoid completion bash', () => {
  it('leaves files to the shell, and offers what goes on from what is there', async () => {
    const { out } = await printed('completion', 'bash');
    const offered = (...words: string[]) => OFFERED.bash(out, words);
    expect(offered('bound', '')).toEqual([]);
    expect(offered('bound', '--certificate', '')).toEqual([]);
    expect(offered('bo')).toEqual(['bound']);
    expect(offered('bound', '--rule', 'Shift(')).toEqual(['Shift(1.3)', 'Shift(1.5)', 'Shift(1.7)']);
    expect(offered('help', 'ins')).toEqual(['inspect']);
  });
});

describe('lipsoid help', () => {
  it('says what --help says', async () => {
    for (const name of ['bound', 'certify', 'solve-sdp'])
      expect(await printed('help', name)).toEqual(await printed(name, '-h'));
    expect(await printed('help')).toEqual(await printed('-h'));
    expect((await printed('help', 'bound')).out).toContain('Shift(1.7)');
  });

  it('knows no other command', async () => {
    expect(await printed('help', 'bind')).toMatchObject({ code: 1, out: '' });
    expect((await printed('help', 'bind')).err).toMatch(/unknown command 'bind'; commands: bound, certify/);
    expect((await printed('completion', 'tcsh')).err).toMatch(/bash, zsh, fish/);
  });

  it('goes with short flags', async () => {
    expect((await printed('-v')).out).toBe('1.2.3\n');
  });
});
