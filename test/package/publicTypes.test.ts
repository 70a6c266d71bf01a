/** What the entry points export can be named by those who use it: every type in a public signature is exported too. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The parts of a declaration that its users see: no bodies, nothing private. */
function publicParts(declaration: ts.Node): ts.Node[] {
  if (ts.isFunctionLike(declaration)) {
    return [...declaration.parameters, ...(declaration.type ? [declaration.type] : [])];
  }
  if (ts.isClassDeclaration(declaration)) {
    const seen = declaration.members.filter(
      (member) =>
        !(member.name && ts.isPrivateIdentifier(member.name)) && !ts.isClassStaticBlockDeclaration(member),
    );
    return [...(declaration.heritageClauses ?? []), ...seen.flatMap(publicParts)];
  }
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration)) {
    return declaration.type ? [declaration.type] : [];
  }
  return [declaration];
}

/** Types of `own` files in signatures of an entry point that it does not export, with where they are. */
function unnamed(program: ts.Program, entry: string, own: (file: string) => boolean): string[] {
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  const exported = new Set(checker.getExportsOfModule(module).map(resolved));
  const declarationsOf = (name: ts.Node) => {
    const symbol = checker.getSymbolAtLocation(name);
    const declarations = (symbol && resolved(symbol).declarations) ?? [];
    return declarations.filter((declaration) => own(declaration.getSourceFile().fileName));
  };
  const missing = new Set<string>();
  for (const symbol of exported) {
    const visit = (node: ts.Node): void => {
      if (ts.isExpressionWithTypeArguments(node)) {
        // What is inherited needs no name, `Omit<…>` of something no more than itself, but its members do.
        const names = (node.typeArguments ?? []).flatMap((type) =>
          ts.isTypeReferenceNode(type) ? [type.typeName] : [],
        );
        for (const name of [node.expression, ...names]) {
          for (const base of declarationsOf(name)) if (ts.isInterfaceDeclaration(base)) visit(base);
        }
        return;
      }
      if (ts.isTypeReferenceNode(node)) {
        const target = resolved(checker.getSymbolAtLocation(node.typeName)!);
        const mine = declarationsOf(node.typeName).length > 0;
        const parameter = (target.flags & ts.SymbolFlags.TypeParameter) !== 0;
        if (mine && !parameter && !exported.has(target)) missing.add(`${target.name} in ${symbol.name}`);
      }
      ts.forEachChild(node, visit);
    };
    for (const declaration of symbol.declarations ?? []) publicParts(declaration).forEach(visit);
  }
  return [...missing].sort();
}

const ENTRIES = ['index.ts', 'index.browser.ts', 'node.ts'].map((file) => `${ROOT}src/${file}`);

describe('types of public signatures', () => {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const program = ts.createProgram(ENTRIES, options);

  it.each(ENTRIES)('are exported by %s', (entry) => {
    expect(unnamed(program, entry, (file) => file.startsWith(`${ROOT}src/`))).toEqual([]);
  });

  it('say of an engine what it is and how it ends, and nothing of how it computes', () => {
    const checker = program.getTypeChecker();
    for (const entry of ENTRIES) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
      const engine = checker.getExportsOfModule(module).find(({ name }) => name === 'Engine')!;
      const type = checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(engine));
      expect(type.getProperties().map(({ name }) => name)).toEqual(['information', 'close']);
      const make = checker.getExportsOfModule(module).find(({ name }) => name === 'createEngine')!;
      const made = checker.getTypeOfSymbol(make).getCallSignatures()[0]!;
      expect(checker.typeToString(made.getReturnType())).toBe(`Promise<${type.symbol.name}>`);
    }
  });

  it('that are missing are seen', () => {
    const text = `
      interface Hidden { readonly x: number }
      interface Deep extends Hidden { readonly y: number }
      interface Base { readonly hidden: Hidden }
      export interface Above extends Base {}
      export interface Shown { readonly deep?: Deep }
      export function f(shown: Shown, make: () => Promise<Hidden>): void { const inner: Hidden = { x: 1 }; }
      export class C<T> { #own?: Deep; seen(t: T): Array<T> { return [t]; } }
    `;
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    host.getSourceFile = (file, ...rest) =>
      file === '/planted.ts'
        ? ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
        : getSourceFile(file, ...rest);
    const planted = ts.createProgram(['/planted.ts'], options, host);
    expect(unnamed(planted, '/planted.ts', (file) => file === '/planted.ts')).toEqual([
      'Deep in Shown',
      'Hidden in Above',
      'Hidden in f',
    ]);
  });
});
