/** Which part of src/ may import which: dependencies point downwards only, and the browser build needs no Node. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Parts each of which may import those before it, and all of `ground`. */
function below(parts: readonly string[], ground: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(parts.map((part, k) => [part, [...ground, ...parts.slice(0, k)]]));
}

/** Folders of src/ that a folder's files may import from, besides their own. Files at the top of src/ are named. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'printable.ts': [],
  'errors.ts': ['printable.ts'],
  'breath.ts': [],
  'files.node.ts': ['errors.ts'],
  'scaled.ts': [],
  engine: ['errors.ts'],
  network: ['errors.ts'],
  arrays: ['errors.ts', 'network'],
  formats: ['errors.ts', 'breath.ts', 'files.node.ts', 'network', 'arrays'],
  spectrum: ['errors.ts'],
  program: ['errors.ts', 'network', 'spectrum'],
  ...below(
    // The rooms of the mathematics, from the ground up.
    ['rounding', 'memory', 'rules', 'norms', 'multipliers', 'anyLength', 'sweep', 'search', 'region'].map(
      (room) => `ellipsoid/${room}`,
    ),
    ['errors.ts', 'scaled.ts', 'engine', 'network', 'spectrum', 'program'],
  ),
  // What units there are: the checker of exact constants reads networks so too.
  'exact/form': ['errors.ts', 'network'],
  exact: ['errors.ts', 'breath.ts', 'network', 'ellipsoid/search', 'exact/form'],
  bounds: ['errors.ts', 'scaled.ts', 'engine', 'network', 'spectrum', 'program', 'ellipsoid', 'exact'],
  training: ['errors.ts', 'formats', 'bounds'],
  sdp: ['errors.ts', 'files.node.ts', 'network'],
  'certify/data': ['errors.ts', 'files.node.ts', 'network', 'arrays'],
  certify: [
    'errors.ts',
    'breath.ts',
    'engine',
    'network',
    'ellipsoid',
    'bounds',
    'certificate',
    'certify/data',
  ],
  // Audited by people who trust nothing else here: it knows a network, nothing of how bounds are found.
  'certificate/reading': ['errors.ts', 'network'],
  'certificate/checker': ['network', 'certificate/reading'],
  'certificate/regions': ['network', 'certificate/checker'],
  'certificate/exact': ['certificate/checker', 'exact/form'],
  certificate: [
    'printable.ts',
    'errors.ts',
    'network',
    'bounds',
    'exact/form',
    'certificate/reading',
    'certificate/checker',
    'certificate/regions',
    'certificate/exact',
  ],
  difference: ['errors.ts', 'engine', 'network', 'formats', 'ellipsoid/region', 'bounds', 'certify'],
  'api.ts': [
    'errors.ts',
    'engine',
    'network',
    'formats',
    'ellipsoid',
    'bounds',
    'sdp',
    'certificate',
    'certify',
    'exact',
    'difference',
    'training',
  ],
  'index.ts': ['api.ts', 'formats', 'sdp', 'certify'],
  'index.browser.ts': ['api.ts', 'formats', 'certify'],
  'node.ts': ['index.ts', 'certify', 'sdp'],
  worker: ['errors.ts', 'index.browser.ts'],
  cli: [
    'printable.ts',
    'errors.ts',
    'files.node.ts',
    'engine',
    'network',
    'arrays',
    'formats',
    'program',
    'ellipsoid',
    'bounds',
    'sdp',
    'certificate',
    'certify',
    'exact',
    'difference',
    'node.ts',
  ],
};

/** The one folder that may import a package. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@bufbuild/protobuf': 'formats',
  h5wasm: 'formats',
  'hash-wasm': 'formats',
  commander: 'cli',
  koffi: 'engine',
  tinyglobby: 'cli',
  bullmq: 'cli',
  ioredis: 'cli',
  webgpu: 'engine',
};

/** Stands for a specifier that is not written out. Bundlers leave such imports alone, which is what the engines want
 *  for Node's own modules; anywhere else it would hide a dependency. */
const COMPUTED = 'node:(computed)';

interface Import {
  readonly specifier: string;
  readonly dynamic: boolean;
  readonly typeOnly: boolean;
}

function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.isTypeOnly === true
        : node.isTypeOnly;
      found.push({ specifier: node.moduleSpecifier.text, dynamic: false, typeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      const specifier = argument && ts.isStringLiteralLike(argument) ? argument.text : COMPUTED;
      found.push({ specifier, dynamic: true, typeOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal))
        found.push({ specifier: literal.text, dynamic: false, typeOnly: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest));
  return found;
}

/** `engine/cpu/pool.ts` → `engine`; `errors.ts` → `errors.ts`. The checker and the rooms of the mathematics are parts of their own. */
function partOf(file: string): string {
  const [folder, room] = file.split('/') as [string, ...string[]];
  return ALLOWED[`${folder}/${room}`] ? `${folder}/${room}` : folder;
}

const permits = (allowed: readonly string[] | undefined, part: string) =>
  allowed?.some((one) => one === part || part.startsWith(`${one}/`)) === true;
const isBuiltin = (specifier: string) => specifier.startsWith('node:') || builtinModules.includes(specifier);
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Every import that breaks a rule. `files` maps paths below src/ to their text. */
function violations(files: ReadonlyMap<string, string>): string[] {
  const broken: string[] = [];
  for (const [file, source] of files) {
    const part = partOf(file);
    const allowed = ALLOWED[part];
    if (allowed === undefined) broken.push(`${file}: no rule for ${part}`);
    for (const { specifier, dynamic, typeOnly } of importsOf(source)) {
      if (specifier.startsWith('.')) {
        const target = partOf(normalize(join(dirname(file), specifier)));
        if (target !== part && !permits(allowed, target)) broken.push(`${file}: ${specifier}`);
      } else if (isBuiltin(specifier)) {
        const guarded = (dynamic || typeOnly) && file.startsWith('engine/');
        if (part !== 'cli' && !file.endsWith('.node.ts') && !guarded) broken.push(`${file}: ${specifier}`);
      } else if (PACKAGES[packageOf(specifier)] !== part) {
        broken.push(`${file}: ${specifier}`);
      }
    }
  }
  return broken;
}

/** Files that import each other in circles, types included. */
function circles(files: ReadonlyMap<string, string>): string[] {
  const targets = new Map(
    [...files].map(([file, source]) => [
      file,
      importsOf(source)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => normalize(join(dirname(file), specifier)))
        .filter((target) => files.has(target)),
    ]),
  );
  // What nothing left over imports, and what imports nothing left over, is in no circle.
  const left = new Set(files.keys());
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    const imported = new Set([...left].flatMap((file) => targets.get(file)!));
    for (const file of left) {
      if (!imported.has(file) || !targets.get(file)!.some((target) => left.has(target))) left.delete(file);
    }
  }
  return [...left];
}

/** What loads together with `entry`: it and all that it imports statically, types left out. */
function loadedWith(entry: string, files: ReadonlyMap<string, string>): Set<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, dynamic, typeOnly } of importsOf(files.get(file) ?? '')) {
      if (dynamic || typeOnly) continue;
      visit(specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier);
    }
  };
  visit(entry);
  return seen;
}

const needsNode = (file: string) =>
  isBuiltin(file) || file.endsWith('.node.ts') || file === 'koffi' || file === 'webgpu';

function sources(part = 'src', wanted = (_name: string) => true): Map<string, string> {
  const root = fileURLToPath(new URL(`../../${part}/`, import.meta.url));
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) =>
    name.replaceAll('\\', '/'),
  );
  // AssemblyScript is another language with imports of its own.
  const own = names.filter(
    (name) => name.endsWith('.ts') && !name.startsWith('engine/cpu/wasm/assembly/') && wanted(name),
  );
  return new Map(own.map((name) => [name, readFileSync(join(root, name), 'utf8')]));
}

describe('imports', () => {
  it('of src/ point downwards, and built-in modules stay where Node is certain', () => {
    const files = sources();
    expect(files.size).toBeGreaterThan(10);
    expect(violations(files)).toEqual([]);
  });

  it.each(['src', 'test', 'attack', 'bench', 'demo', 'kernels'])('of %s/ go round in no circle', (part) => {
    const files = sources(part);
    expect(files.size).toBeGreaterThan(5);
    expect(circles(files)).toEqual([]);
  });

  it('in a planted circle', () => {
    const files = new Map([
      ['a.ts', `import type { B } from './b.ts';`],
      ['b.ts', `import { c } from './folder/c.ts';`],
      ['folder/c.ts', `export { a } from '../a.ts';`],
      ['d.ts', `import { a } from './a.ts';`],
    ]);
    expect(circles(files)).toEqual(['a.ts', 'b.ts', 'folder/c.ts']);
  });

  it('leave no folder of more than 15 files without rooms', () => {
    const count = new Map<string, number>();
    for (const file of sources().keys()) count.set(dirname(file), (count.get(dirname(file)) ?? 0) + 1);
    expect([...count].filter(([, files]) => files > 15)).toEqual([]);
  });

  it('of what the attack holds for the truth reach nothing of src/', () => {
    const truth = sources('attack', (name) => /^(evaluate|model)\/|^(climb|norms|random)\.ts$/.test(name));
    expect(truth.size).toBeGreaterThan(10);
    const foreign = [...truth].flatMap(([file, source]) =>
      importsOf(source)
        .map(({ specifier }) =>
          specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
        )
        .filter((target) => !truth.has(target))
        .map((target) => `${file}: ${target}`),
    );
    expect(foreign).toEqual([]);
  });

  it('of the browser entry reach nothing that needs Node', () => {
    expect([...loadedWith('index.browser.ts', sources())].filter(needsNode)).toEqual([]);
  });

  it('of the browser entry load gpu.js only when it is used', () => {
    const files = sources();
    expect(files.get('engine/webgl/context.ts')).toContain("import('./library.js')");
    expect([...loadedWith('index.browser.ts', files)]).not.toContain('engine/webgl/library.js');
  });

  it.each([
    ['engine/cpu/gram.ts', `import { symbol } from '../../spectrum/symbol.ts';`],
    ['network/shape.ts', `export { bound } from '../bounds/bound.ts';`],
    ['formats/onnx/read.ts', `import type { Engine } from '../../engine/engine.ts';`],
    ['bounds/bound.ts', `const { loadNetwork } = await import('../formats/load.node.ts');`],
    ['certificate/checker/check.ts', `type E = import('../../errors.ts').InputError;`],
    ['certificate/checker/check.ts', `import { readCertificate } from '../format.ts';`],
    ['certificate/regions/state.ts', `import type { State } from '../../ellipsoid/region/state.ts';`],
    ['certificate/regions/check.ts', `import { createEngine } from '../../engine/create.ts';`],
    ['certificate/regions/check.ts', `import { readRegionCertificate } from '../regionFormat.ts';`],
    ['certificate/exact/check.ts', `import { refutes } from '../../exact/empty/refutation.ts';`],
    ['certificate/exact/check.ts', `import { gamma } from '../../exact/rounding.ts';`],
    ['ellipsoid/rules/affine.ts', `import { sweep } from '../sweep/sweep.ts';`],
    ['ellipsoid/new.ts', ''],
    ['program/torus.ts', `import { cpus } from 'node:os';`],
    ['program/torus.ts', `import fs from 'fs';`],
    ['engine/cpu/create.ts', `import { cpus } from 'node:os';`],
    ['network/network.ts', `import koffi from 'koffi';`],
    ['bounds/bound.ts', `const name = 'node:os'; await import(name);`],
    ['bounds/bound.ts', `import { Command } from 'commander';`],
    ['extras/new.ts', ''],
  ])('planted in %s: %s', (file, source) => {
    expect(violations(new Map([[file, source]]))).toHaveLength(1);
  });

  it.each([
    ['engine/cpu/create.ts', `const { cpus } = await import('node:os');`],
    ['engine/cpu/pool.ts', `const name = 'node:os'; (await import(name)) as typeof import('node:os');`],
    ['formats/load.node.ts', `import { readFile } from 'node:fs/promises';`],
    ['ellipsoid/rules/affine.ts', `import { symbol } from '../../spectrum/symbol.ts';`],
    ['ellipsoid/sweep/sweep.ts', `import { affine } from '../rules/affine.ts';`],
    ['formats/onnx/read.ts', `import { fromBinary } from '@bufbuild/protobuf';`],
  ])('allowed in %s: %s', (file, source) => {
    expect(violations(new Map([[file, source]]))).toEqual([]);
  });

  it('planted behind the browser entry', () => {
    const files = new Map([
      [
        'index.browser.ts',
        `export { a } from './bounds/a.ts'; export type { T } from './formats/load.node.ts';`,
      ],
      ['bounds/a.ts', `import { b } from '../engine/cpu/b.ts';`],
      ['engine/cpu/b.ts', `import 'node:os'; await import('koffi');`],
    ]);
    expect([...loadedWith('index.browser.ts', files)].filter(needsNode)).toEqual(['node:os']);
  });
});
