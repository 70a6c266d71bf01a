/** What the source and the documents refer to exists: sections of docs/mathematics.md, files, headings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Folders that git ignores: programs make them. */
const MADE_LATER = readFileSync(new URL('../../.gitignore', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.endsWith('/'))
  .map((line) => line.replace(/^\//, ''));

/** What stands here as an example is no reference. */
const OWN = 'references.test.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function filesBelow(folder: string, ends: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ends.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'));
}

const SOURCES = ['src', 'shaders', 'kernels', 'test', 'bench', 'demo'].flatMap((folder) =>
  filesBelow(folder, /\.(ts|wgsl|mjs)$/),
);
const DOCUMENTS = [
  ...filesBelow('docs', /\.md$/),
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((f) => join(ROOT, f)),
].filter(existsSync);

/** Sections that a text names behind `mathematics.md`: `§1`, `§1 and §2`, `§1, §2`. */
function sectionsNamed(text: string): number[] {
  const joined = text.replaceAll(/\n\s*(\*|\/\/)?\s*/g, ' ');
  return [...joined.matchAll(/mathematics\.md\)?((?:(?:,| and)? ?§\d+)+)/g)].flatMap(([, list]) =>
    [...list!.matchAll(/§(\d+)/g)].map(([, n]) => Number(n)),
  );
}

function missingSections(text: string, sections: ReadonlySet<number>): number[] {
  return sectionsNamed(text).filter((n) => !sections.has(n));
}

/** Relative links of a Markdown document that lead nowhere. */
function deadLinks(document: string, text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path, anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path!);
      if (!existsSync(file)) return true;
      return anchor !== undefined && anchor !== '' && !anchorsOf(readFileSync(file, 'utf8')).has(anchor);
    });
}

function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Paths of the repository in back quotes, `src/…` and the like, that are no files. */
function missingPaths(text: string): string[] {
  return [
    ...text.matchAll(/`((?:src|test|docs|bench|demo|shaders|kernels|scripts|examples|attack)\/[\w./-]+)`/g),
  ]
    .map(([, path]) => path!)
    .filter((path) => !existsSync(join(ROOT, path)) && !MADE_LATER.some((made) => path.startsWith(made)));
}

describe('references', () => {
  const mathematics = readFileSync(join(ROOT, 'docs/mathematics.md'), 'utf8');
  const sections = new Set([...mathematics.matchAll(/^## (\d+) /gm)].map(([, n]) => Number(n)));

  it('to sections of docs/mathematics.md resolve, from everywhere', () => {
    const texts = [...SOURCES.filter((file) => !file.endsWith(OWN)), ...DOCUMENTS].map(
      (file) => [file, readFileSync(file, 'utf8')] as const,
    );
    const broken = texts.flatMap(([file, text]) =>
      missingSections(text, sections).map((n) => `${file}: §${n}`),
    );
    expect(broken).toEqual([]);
    expect(texts.flatMap(([, text]) => sectionsNamed(text)).length).toBeGreaterThan(25);
  });

  it.each(DOCUMENTS.map((path) => [relative(ROOT, path), path]))('of %s lead somewhere', (_, document) => {
    const text = readFileSync(document, 'utf8');
    expect(deadLinks(document, text)).toEqual([]);
    expect(missingPaths(text)).toEqual([]);
  });

  it('that lead nowhere are seen', () => {
    expect(missingSections('(docs/mathematics.md §1 and §99)', sections)).toEqual([99]);
    expect(missingSections('docs/mathematics.md\n * §98', sections)).toEqual([98]);
    expect(
      deadLinks(join(ROOT, 'README.md'), '[a](docs/nothing.md) [b](README.md#no-such-heading)'),
    ).toHaveLength(2);
    expect(missingPaths('`src/nothing.ts` and `src/scaled.ts`')).toEqual(['src/nothing.ts']);
  });
});
