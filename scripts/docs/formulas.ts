/**
 * Formulas of the documents: `$…$` in lines, and blocks of ```math, as GitHub shows them too. KaTeX sets them while the site is built, so
 * that pages need its style and fonts alone.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import katexPlugin from '@vscode/markdown-it-katex';
import katex from 'katex';

const folder = dirname(createRequire(import.meta.url).resolve('katex'));

const OPTIONS = { throwOnError: true, strict: 'error' } as const;

type Rule = (tokens: { info: string; content: string }[], index: number, ...others: unknown[]) => string;

/** What is used of a parser of Markdown. */
interface Parser {
  use(plugin: unknown, options: object): unknown;
  readonly renderer: { readonly rules: { fence?: Rule; code_block?: Rule } };
}

/** @throws when a formula is read that KaTeX does not know */
export function readFormulas(parser: unknown): void {
  const own = parser as Parser;
  // The plugin shows what is wrong in the page unless it is told otherwise.
  own.use((katexPlugin as unknown as { default?: unknown }).default ?? katexPlugin, OPTIONS);
  const { rules } = own.renderer;
  const others = rules.fence!;
  rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index]!;
    const { info, content } = token;
    if (info.trim() !== 'math') {
      // What commands print is no program.
      if (info.trim() === '') token.info = 'text';
      return reachable(others(tokens, index, ...rest));
    }
    const formula = katex.renderToString(content, { ...OPTIONS, displayMode: true });
    return `<div class="formula" tabindex="0">${formula}</div>\n`;
  };
  const indented = rules.code_block!;
  rules.code_block = (...given) => reachable(indented(...given));
}

/** What is wider than a phone scrolls, by keys as well. */
function reachable(html: string): string {
  return html.replace('<pre>', '<pre tabindex="0">');
}

/** KaTeX's style sheet with the one format of fonts that all browsers of today read. */
export function formulaStyle(): string {
  return readFileSync(join(folder, 'katex.min.css'), 'utf8').replaceAll(
    /(url\(fonts\/[\w-]+\.woff2\) format\("woff2"\))(?:,url\([^)]*\) format\("\w+"\))+/g,
    '$1',
  );
}

/** Copies the fonts that the style sheet names to where it looks for them. */
export function copyFonts(assets: string): void {
  mkdirSync(join(assets, 'fonts'), { recursive: true });
  for (const name of readdirSync(join(folder, 'fonts')).filter((n) => n.endsWith('.woff2')))
    copyFileSync(join(folder, 'fonts', name), join(assets, 'fonts', name));
}
