/** How the URL of a store is repeated where others may read it. */

/** Of all stores. What is none of these may be a slip for anything: `password=` for `passwordfile=`. */
const HARMLESS = new Set('prefix tls cafile certfile keyfile username passwordfile network region poll'.split(' '));

/** However it is broken: no user and password, no value of a setting that no store has, no fragment. */
export const shownUrl = (url: string): string =>
  url
    .replace(/#[\s\S]*$/, '#...')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[\s\S]*@/i, '$1...@')
    .replaceAll(/([^?&;,=/@]*)=([^?&;]*)/g, (all: string, name: string) => (HARMLESS.has(name) ? all : `${name}=...`));
