/// <reference types="vite/client" />

/** Of the library, by demo/vite.config.ts. */
declare const __VERSION__: string;
