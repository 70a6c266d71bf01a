/** The pages of the documentation's site, in their order, and in which part of it each stands. */

/** Paths from the root of the repository, without the start page, which is README.md. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  Tutorials: [
    'docs/tutorials/certify-a-classifier.md',
    'docs/tutorials/compare-training-runs.md',
    'docs/tutorials/from-pytorch.md',
    'docs/tutorials/read-a-certificate.md',
    'docs/controllers.md',
    'docs/python.md',
  ],
  Use: [
    'docs/command-line.md',
    'docs/library.md',
    'docs/formats.md',
    'docs/operators.md',
    'docs/certify.md',
    'docs/certificate.md',
    'docs/sweep.md',
    'examples/README.md',
  ],
  Understand: [
    'docs/mathematics.md',
    'docs/soundness.md',
    'docs/methods.md',
    'docs/limits.md',
    'docs/other-tools.md',
  ],
  Measured: ['docs/performance.md', 'bench/README.md'],
  Change: [
    'docs/architecture.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'docs/attack.md',
    'docs/decisions/README.md',
  ],
};

/** Folders whose documents stand behind those of a part, in the order of their names. */
export const FOLDERS: Readonly<Record<string, string>> = {
  Tutorials: 'docs/tutorials',
  Use: 'docs',
  Measured: 'bench/results',
  Change: 'docs/decisions',
};

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly part: string;
}

/**
 * Every document of the site once.
 * @param documents all that there are, as paths from the root; what the parts name and is not among them is left out
 */
export function pagesOf(documents: readonly string[]): Page[] {
  const named = new Set(Object.values(PARTS).flat());
  return Object.entries(PARTS).flatMap(([part, paths]) => {
    const folder = FOLDERS[part];
    const others = documents.filter(
      (path) => !named.has(path) && folder !== undefined && path.slice(0, path.lastIndexOf('/')) === folder,
    );
    return [...paths.filter((path) => documents.includes(path)), ...others.sort()].map((path) => ({
      path,
      part,
    }));
  });
}

/** The first heading of a document without its marks. @throws where there is none */
export function titleOf(path: string, text: string): string {
  const title = /^# (.+)$/m.exec(text)?.[1];
  if (title === undefined) throw new Error(`${path}: a document of the site must begin with a heading`);
  return title.replaceAll(/[`*_]/g, '');
}
