/** Chromium and Firefox, a static host for them to look at, and files to drop on a page. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium as browserType } from 'playwright-core';
import puppeteer, { type Browser as Firefox } from 'puppeteer-core';
import { chromium } from '../engine/webgpu/hosts.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

export interface Server {
  /** Of the folder, under a path of its own. */
  readonly url: string;
  close(): void;
}

/** Serves a folder as any static host would, without a header of its own. */
export async function serve(folder: string): Promise<Server> {
  const server = createServer(async ({ url = '' }, response) => {
    const path = normalize(new URL(url, 'http://host').pathname.replace(/^\/some\/where\//, ''));
    try {
      const body = await readFile(join(folder, path === '.' || path === './' ? 'index.html' : path));
      response.writeHead(200, {
        'Content-Type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/some/where/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** @param webgpu on SwiftShader; without it there is no WebGPU at all */
export function launch(webgpu: boolean): Promise<Browser> {
  const gpu = webgpu
    ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
    : ['--disable-features=WebGPU', '--disable-blink-features=WebGPU'];
  return browserType.launch({ executablePath: chromium, args: ['--no-sandbox', ...gpu] });
}

/** Milliseconds for which a page is waited for, on a busy machine too: less than a test has. */
export const PATIENCE = 300_000;

const firefox = '/usr/bin/firefox-esr';

/**
 * A fresh profile, in which Puppeteer turns off what Firefox does on the network by itself.
 * @param folder a home of its own, as whoever runs the tests may have none; downloads land in it
 */
export function launchFirefox(folder: string): Promise<Firefox> {
  if (!existsSync(firefox)) throw new Error(`demo: tests need ${firefox} (Debian: firefox-esr)`);
  return puppeteer.launch({
    ...{ browser: 'firefox', protocol: 'webDriverBiDi', executablePath: firefox, headless: true },
    ...{ timeout: PATIENCE, protocolTimeout: PATIENCE },
    env: { ...process.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' },
    extraPrefsFirefox: {
      // 2: the folder that is named.
      'browser.download.folderList': 2,
      'browser.download.dir': folder,
      'browser.download.alwaysOpenPanel': false,
    },
  });
}

export interface Upload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Plain = { readonly name: string; readonly base64: string }[];

/** A page of either browser. */
interface Scriptable {
  evaluate(script: (list: Plain) => void, list: Plain): Promise<unknown>;
}

/** Drops files on the page as a mouse would. */
export async function drop(page: Scriptable, ...files: readonly Upload[]): Promise<void> {
  const plain: Plain = files.map(({ name, bytes }) => ({
    name,
    base64: Buffer.from(bytes).toString('base64'),
  }));
  await page.evaluate((list) => {
    const data = new DataTransfer();
    for (const { name, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    document.body.dispatchEvent(
      new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
    );
  }, plain);
}
