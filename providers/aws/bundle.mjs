/** What Amazon's SDK needs to be bundled small, as plugins of esbuild. */
import { readFile } from 'node:fs/promises';

/** @param shortened shortens the names in a text */
export const bundlesAws = (shortened) => [schemasThatGo(shortened)];

/**
 * A client holds one schema for each shape of its service: EC2 has seven thousand, of which we use some hundred. esbuild leaves out what nobody
 * uses, but not a value with a computed key, `{ [_xN]: _rT }`, since computing one might do something. Here it is a constant's name: its text takes its place.
 */
const schemasThatGo = (shortened) => ({
  name: 'schemas-that-go',
  setup({ onLoad }) {
    onLoad({ filter: /\/@aws-sdk\/[^/]+\/dist-es\/schemas\/schemas_\d+\.js$/ }, async ({ path: file }) => {
      const code = await readFile(file, 'utf8');
      const texts = new Map([...code.matchAll(/^const (\w+) = ("[^"]*");$/gm)].map(([, name, text]) => [name, text]));
      return { contents: await shortened(code.replaceAll(/\[(_\w+)\](?=:)/g, (key, name) => texts.get(name) ?? key)) };
    });
  },
});
