/** Files that are written whole or not at all, and looked at before the work starts. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { externalFiles, OutputFile } from '../../src/cli/output/outputFile.ts';
import { OutputError } from '../../src/cli/output/terminal.ts';
import { InputError } from '../../src/errors.ts';
import type { Network } from '../../src/network/network.ts';

describe.skipIf(process.platform === 'win32')('output files', () => {
  let folder = '';
  const path = (name: string) => join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lipsoid-out-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const opened = (...paths: string[]) =>
    OutputFile.openAll(
      paths.map((path) => ({ option: '--out', path })),
      [{ option: 'FILE', path: path('model.onnx') }],
      false,
    );

  it('are not there before they are written, and nothing else is left', async () => {
    const [file] = await opened(path('new.json'));
    expect(await readdir(folder)).toEqual([]);
    await file!.write('all of it');
    expect(await readdir(folder)).toEqual(['new.json']);
    expect(await readFile(path('new.json'), 'utf8')).toBe('all of it');
  });

  it('keep their mode, and links to them', async () => {
    await writeFile(path('old.json'), 'a longer text than the new one');
    await chmod(path('old.json'), 0o640);
    await symlink(path('old.json'), path('link.json'));
    const [file] = await opened(path('link.json'));
    await file!.write('new');
    expect((await readdir(folder)).sort()).toEqual(['link.json', 'old.json']);
    expect(await readFile(path('old.json'), 'utf8')).toBe('new');
    expect((await stat(path('old.json'))).mode & 0o777).toBe(0o640);
  });

  it('stay what they were where writing fails', async () => {
    await writeFile(path('old.json'), 'old');
    const [file] = await opened(path('old.json'));
    // Its place is taken: nothing can be renamed to a folder that is not empty.
    await rm(path('old.json'));
    await mkdir(path('old.json'));
    await writeFile(join(path('old.json'), 'x'), '');
    await expect(file!.write('new')).rejects.toThrow(OutputError);
    expect(await readdir(folder)).toEqual(['old.json']);
  });

  it('can be devices', async () => {
    const [file] = await opened('/dev/null');
    await file!.write('gone');
    await file!.close();
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
    const [full] = await opened('/dev/full');
    await expect(full!.write('x')).rejects.toThrow(/--out: \/dev\/full cannot be written: ENOSPC/);
    await full!.close();
  });

  it.each([
    ['a folder', 'sub', /it is a folder/],
    ['a folder that is not there', 'none/x.json', /ENOENT/],
    ['a name that ends like a folder', 'x/', /it is a folder/],
    ['a file as a folder', 'model.onnx/x.json', /ENOTDIR/],
    ['a link that leads nowhere', 'dangling', /leads nowhere/],
    ['the model', 'model.onnx', /of its own, got that of FILE/],
    ['the model by another name', 'sub/../link.onnx', /of its own, got that of FILE/],
    ['a pipe that nobody reads', 'pipe', /ENXIO/],
    ['a name that is too long', 'x'.repeat(300), /ENAMETOOLONG/],
  ])('are refused before anything is written: %s', async (_, name, why) => {
    await mkdir(path('sub'));
    await writeFile(path('model.onnx'), 'model');
    await symlink(path('model.onnx'), path('link.onnx'));
    await symlink(path('nowhere'), path('dangling'));
    execFileSync('mkfifo', [path('pipe')]);
    const before = await readdir(folder);
    const error = await opened(path('fine.json'), `${folder}/${name}`).then(
      () => undefined,
      (e) => e,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(why);
    expect(await readdir(folder)).toEqual(before);
    expect(await readFile(path('model.onnx'), 'utf8')).toBe('model');
  });

  it('are refused where they are known to be read only later', async () => {
    await writeFile(path('weights.bin'), 'weights');
    await symlink(path('weights.bin'), path('a.json'));
    const files = await opened(path('a.json'));
    const source = { file: 'model.onnx', sha256: '', external: ['weights.bin'] };
    const network = { source } as unknown as Network;
    const weights = externalFiles(path('model.onnx'), network);
    await expect(OutputFile.keepApart(files, weights)).rejects.toThrow(/got the weights of .*model\.onnx/);
    await OutputFile.keepApart(files, externalFiles(path('model.onnx'), {} as unknown as Network));
    await OutputFile.keepApart(await opened(path('b.json')), weights);
  });

  it('may replace a file that has been read by then, if they say so', async () => {
    await writeFile(path('m.json'), 'old');
    const inputs = [{ option: '--multipliers', path: path('m.json') }];
    const output = { option: '--save-multipliers', path: path('m.json') };
    await expect(OutputFile.openAll([output], inputs, false)).rejects.toThrow(/that of --multipliers/);
    const [file] = await OutputFile.openAll([{ ...output, mayReplace: '--multipliers' }], inputs, false);
    await file!.write('new');
    expect(await readFile(path('m.json'), 'utf8')).toBe('new');
  });

  it('are refused where two are one', async () => {
    await expect(opened(path('a.json'), `${folder}/./a.json`)).rejects.toThrow(/got that of --out/);
    await writeFile(path('a.json'), '');
    await symlink(path('a.json'), path('b.json'));
    await expect(opened(path('a.json'), path('b.json'))).rejects.toThrow(/got that of --out/);
  });
});
