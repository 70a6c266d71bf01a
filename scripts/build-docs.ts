/**
 * The site of the documentation: `npm run docs` or `npx tsx scripts/build-docs.ts [FOLDER]`, into dist-docs/, for any static host, under any
 * path, and to be opened from a disk. README.md is its start, the documents its pages, results of benches are made pages of, and
 * the reference of the library comes from its doc comments. Whatever is wrong in it, a link that leads nowhere included, is an error.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Application,
  Converter,
  type DocumentReflection,
  KindRouter,
  type Reflection,
  type RouterTarget,
} from 'typedoc';
import { copyFonts, formulaStyle, readFormulas } from './docs/formulas.ts';
import { type Page, pagesOf, titleOf } from './docs/pages.ts';
import { resultPage } from './docs/results.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const output = process.argv[2] ?? join(ROOT, 'dist-docs');

/** Entry points, and what those who import them say. */
const ENTRIES: Readonly<Record<string, string>> = {
  'src/index.ts': 'lipsoid',
  'src/node.ts': 'lipsoid/node',
  'src/worker/worker.ts': 'lipsoid/worker',
};

/** Addresses of documents are the names of their files, which stay when a heading changes. */
const stems = new Map<RouterTarget, string>();

class Router extends KindRouter {
  protected override getIdealBaseName(target: Reflection): string {
    const stem = stems.get(target);
    return stem === undefined ? super.getIdealBaseName(target) : `documents/${stem}`;
  }
}

function documents(): string[] {
  const below = ['docs', 'bench/results'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  );
  const others = ['CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'examples/README.md'];
  return [...below.filter((path) => path !== 'bench/results/bench.md'), ...others];
}

/** `docs/limits.md` → limits, `docs/decisions/README.md` → decisions. */
function stemOf(path: string): string {
  const stem = basename(path, '.md');
  return stem === 'README' ? basename(dirname(path)) : stem.toLowerCase();
}

/** Pages of results, written into a folder. */
function writeResultPages(folder: string): string[] {
  const names = readdirSync(join(ROOT, 'bench/results')).filter(
    (name) => name.endsWith('.json') && name !== 'bench.json',
  );
  return names.map((name) => {
    const path = join(folder, name.replace(/json$/, 'md'));
    writeFileSync(path, resultPage(name, readFileSync(join(ROOT, 'bench/results', name), 'utf8')));
    return path;
  });
}

// TypeDoc wants all documents below one folder.
const scratch = mkdtempSync(join(ROOT, '.docs-'));
try {
  const pages: readonly Page[] = pagesOf(documents());
  const made = writeResultPages(scratch);
  const parts = new Map([
    ...pages.map(({ path, part }) => [join(ROOT, path), part] as const),
    ...made.map((path) => [path, 'Measured'] as const),
  ]);
  const style = join(scratch, 'style.css');
  writeFileSync(style, formulaStyle() + readFileSync(new URL('docs/style.css', import.meta.url), 'utf8'));

  const app = await Application.bootstrap({
    name: 'Lipsoid',
    entryPoints: Object.keys(ENTRIES).map((path) => join(ROOT, path)),
    tsconfig: join(ROOT, 'tsconfig.build.json'),
    readme: join(ROOT, 'README.md'),
    projectDocuments: [...parts.keys()],
    out: output,
    customCss: style,
    markdownItLoader: readFormulas,
    includeVersion: true,
    disableSources: true,
    hideGenerator: true,
    excludeReferences: true,
    excludeExternals: true,
    excludeInternal: true,
    searchInDocuments: true,
    sortEntryPoints: false,
    sort: ['source-order'],
    locales: { en: { kind_plural_module: 'Reference' } },
    groupOrder: ['Tutorials', 'Use', 'Reference', 'Understand', 'Measured', 'Change', '*'],
    navigation: { includeGroups: true, includeCategories: false, includeFolders: false },
    headings: { readme: false, document: false },
    highlightLanguages: ['bash', 'json', 'python', 'typescript', 'tsx'],
    validation: { notExported: false, invalidLink: true, invalidPath: true },
    treatWarningsAsErrors: true,
  });
  app.renderer.defineRouter('stems', Router);
  app.options.setValue('router', 'stems');
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_: unknown, document: DocumentReflection) => {
    const path = app.files.getReflectionPath(document)!;
    document.name = titleOf(path, readFileSync(path, 'utf8'));
    stems.set(document, stemOf(path));
    document.frontmatter.group = parts.get(path)!;
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_: unknown, reflection: Reflection) => {
    const path = reflection.parent?.isProject() ? app.files.getReflectionPath(reflection) : undefined;
    const name = path === undefined ? undefined : ENTRIES[relative(ROOT, path)];
    if (name !== undefined) reflection.name = name;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('docs: the sources must type-check');
  app.validate(project);
  await app.generateDocs(project, output);
  mkdirSync(join(output, 'assets'), { recursive: true });
  copyFonts(join(output, 'assets'));
  if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
