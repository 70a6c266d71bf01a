/** Lipsoid in a browser: networks come as files that a person chose, nothing is fetched or sent. */
export * from './api.ts';
export { loadNetwork, outline } from './formats/load.browser.ts';
