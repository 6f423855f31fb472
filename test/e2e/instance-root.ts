/**
 * The file system of an instance fresh from its image: this machine's programs, and nothing of its settings, state or environment. weftd lies where an
 * image has it, and `systemctl` is a stand-in.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/lab/program.ts';

const STAND_IN = fileURLToPath(new URL('stand-in-systemctl-program.js', import.meta.url));

const OWN = new Set(['etc', 'home', 'root', 'run', 'var', 'tmp']);
/** Of /etc: what programs are found and loaded by, and the names of users. */
const OF_ETC = ['alternatives', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'passwd', 'group', 'nsswitch.conf', 'ssl'];

/** @param executable the bundle, which keeps its place: it finds packages from there */
export async function instanceRoot(root: string, executable: string): Promise<void> {
  mkdirSync(root, { recursive: true });
  await run('mount', ['-t', 'tmpfs', 'tmpfs', root]);
  for (const name of OWN) mkdirSync(path.join(root, name), { mode: name === 'tmp' ? 0o1777 : 0o755 });
  for (const name of readdirSync('/')) if (!OWN.has(name)) await borrow(path.join('/', name), root);
  for (const name of OF_ETC) if (existsSync(`/etc/${name}`)) await borrow(`/etc/${name}`, root);
  mkdirSync(path.join(root, 'etc/systemd/system'), { recursive: true });
  // The checkout and its packages, also where they lie below a folder that the root has for itself.
  const checkout = path.resolve(executable, '../..');
  const packages = path.join(checkout, 'node_modules');
  const places = [
    checkout,
    lstatSync(packages).isSymbolicLink() ? path.resolve(checkout, readlinkSync(packages)) : packages,
  ];
  // One may lie in the other, which brings it along.
  for (const place of places) if (!existsSync(path.join(root, place))) await borrow(place, root);
  // What a person has installed here beside the distribution is not of the image.
  const bin = path.join(root, 'usr/local/bin');
  await run('mount', ['-t', 'tmpfs', 'tmpfs', bin]);
  writeFileSync(path.join(bin, 'node'), '');
  await run('mount', ['--bind', process.execPath, path.join(bin, 'node')]);
  symlinkSync(executable, path.join(bin, 'weftd'));
  writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh\nexec node ${STAND_IN} "$@"\n`, { mode: 0o755 });
}

/** The same file or folder, at the same place below the root. */
async function borrow(file: string, root: string): Promise<void> {
  const place = path.join(root, file);
  mkdirSync(path.dirname(place), { recursive: true });
  const about = lstatSync(file);
  if (about.isSymbolicLink()) return symlinkSync(readlinkSync(file), place);
  if (about.isDirectory()) mkdirSync(place);
  else if (about.isFile()) writeFileSync(place, '');
  else return;
  await run('mount', ['--rbind', file, place]);
}
