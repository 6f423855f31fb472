/**
 * An instance as far as user data sees it: a folder of programs that note how they were called, and behave as told. The script runs with that folder
 * as its PATH, and with its own places in it.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface InstanceAbout {
  /** The major version of Node.js that is there at first. */
  readonly node?: number;
  /** npm and weftd, when they are there at first. */
  readonly has?: readonly ('npm' | 'weftd' | 'nft' | 'curl')[];
  readonly packager: 'dnf' | 'apt-get';
  /** Packages that there are, by name, and what each brings. */
  readonly packages?: Readonly<Record<string, string>>;
  /** How many calls of the packager fail before the network is there. */
  readonly lateBy?: number;
}

const REAL = ['cat', 'mv', 'rm', 'ln', 'mktemp', 'sha256sum', 'chmod', 'sed'];

/** What each program does after it has noted its call. `have` makes a program appear. */
const BEHAVIOUR = `
have() { ln -sf "$bin/behave" "$bin/$1"; }
name=\${0##*/}
case $name in curl) shown="curl \${*##*/}" ;; *) shown="$name $*" ;; esac
case $name in id|node|uname) ;; *) echo "$shown" >>"$bin/../calls" ;; esac
case $name in
  id) echo 0 ;;
  uname) echo x86_64 ;;
  sleep|systemctl) ;;
  node)
    [ "$1" != --version ] || echo "v$(cat "$bin/../node").1.0"
    [ "$1" = --version ] || [ "$(cat "$bin/../node")" -ge 20 ] ;;
  weftd) echo "weftd $(cat "$bin/../weftd") (node v22.1.0)" ;;
  curl)
    while [ "$1" != -o ]; do shift; done
    echo package >"$2" ;;
  npm)
    for last in "$@"; do :; done
    case $last in
      node-linux-*) echo 22 >"$bin/../node" ;;
      weftd@*) echo "\${last#weftd@}" >"$bin/../weftd"; have weftd ;;
      *.tgz) echo 9.9.9 >"$bin/../weftd"; have weftd ;;
    esac ;;
  dnf|apt-get)
    late=$(cat "$bin/../late")
    if [ "$late" -gt 0 ]; then echo $((late - 1)) >"$bin/../late"; exit 1; fi
    for word in "$@"; do
      case $word in
        update|install|-*|DPkg*) continue ;;
      esac
      brings=$(sed -n "s/^$word //p" "$bin/../packages")
      [ -n "$brings" ] || exit 1
      case $brings in
        node*) echo "\${brings#node}" >"$bin/../node"; have node ;;
        *) have "$brings" ;;
      esac
    done ;;
esac
`;

export class StandInInstance {
  readonly #folder: string;

  constructor(folder: string, { node, has = [], packager, packages = {}, lateBy = 0 }: InstanceAbout) {
    this.#folder = folder;
    const bin = path.join(folder, 'bin');
    for (const one of [bin, path.join(folder, 'units')]) mkdirSync(one, { recursive: true });
    const state = {
      node: String(node ?? 0),
      weftd: '0.0.1',
      late: String(lateBy),
      packages: Object.entries(packages)
        .map((entry) => `${entry.join(' ')}\n`)
        .join(''),
      calls: '',
    };
    for (const [name, text] of Object.entries(state)) writeFileSync(path.join(folder, name), text);
    const behave = path.join(bin, 'behave');
    writeFileSync(behave, `#!/bin/sh\nbin=${bin}\n${BEHAVIOUR}`);
    chmodSync(behave, 0o755);
    const there = ['id', 'uname', 'sleep', 'systemctl', packager, ...has, ...(node === undefined ? [] : ['node'])];
    for (const name of there) symlinkSync(behave, path.join(bin, name));
    for (const name of REAL) {
      const found = ['/usr/bin', '/bin'].map((place) => path.join(place, name)).find((file) => existsSync(file));
      if (found !== undefined) symlinkSync(found, path.join(bin, name));
    }
  }

  /** Boots once: what it said, how it ended, and which programs it called that change something. */
  boot(script: string): { readonly said: string; readonly exit: number | null; readonly calls: readonly string[] } {
    const placed = script
      .replace(/^PATH=.*$/m, `PATH=${path.join(this.#folder, 'bin')}`)
      .replaceAll('/etc/systemd/system', path.join(this.#folder, 'units'))
      // Not the program of the unit.
      .replaceAll(/(?<!=)\/usr\/local\/bin\/weftd/g, path.join(this.#folder, 'bin/weftd'));
    writeFileSync(path.join(this.#folder, 'calls'), '');
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-s'], { input: placed, encoding: 'utf8', env: {} });
    const calls = readFileSync(path.join(this.#folder, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return { said: stdout + stderr, exit: status, calls };
  }

  get unit(): string | undefined {
    const file = path.join(this.#folder, 'units/weftd.service');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }
}
