/** User data: the script that an instance runs as root at its first boot, by cloud-init, which shows its output on the console and keeps it in /var/log/cloud-init-output.log. */
import { installPart, type Install } from './user-data-install.ts';
import { PROGRAM } from './user-data-unit.ts';

/** "User data is limited to 16 KB, in raw form, before it is base64-encoded" (EC2 user guide, "Run commands at launch"). */
export const MAX_USER_DATA_BYTES = 16_384;

const UNIT = '/etc/systemd/system/weftd.service';

export interface UserData {
  /** Of the weftd that writes the script. */
  readonly version: string;
  /** Undefined: the image has weftd. */
  readonly install: Install | undefined;
  readonly unit: string;
}

export function userDataScript({ version, install, unit }: UserData): string {
  return `#!/bin/sh
# Starts weftd on an instance. Made by weftd user-data, version ${version}; it may be run again.
set -eu
# Where systemd looks for programs too.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=\${HOME:-/root}
export PATH HOME
umask 022
say() {
  echo "weftd user-data: $*"
}

fail() {
  say "$*" >&2
  exit 1
}

folder=
finish() {
  end=$?
  [ -z "$folder" ] || rm -rf "$folder"
  [ "$end" -eq 0 ] || say "ended with $end"
}
trap finish EXIT

node_is_new() {
  node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}

[ "$(id -u)" -eq 0 ] || fail 'this is to be run by root'
command -v systemctl >/dev/null || fail 'there is no systemd here to start weftd'
${install === undefined ? '' : `\n${installPart(install)}`}
weftd=$(command -v weftd) || fail 'there is no weftd in this image: put it there, or write this script with --install'
node_is_new || fail "weftd needs Node.js 20 or later, and there is $(node --version 2>/dev/null || echo none)"
say "starting $("$weftd" version)"
[ "$weftd" = ${PROGRAM} ] || ln -sfn "$weftd" ${PROGRAM}

${writeUnit(UNIT, unit)}systemctl daemon-reload
systemctl enable weftd.service
# Not waited for: with nothing in the store yet its start takes until there is.
systemctl restart --no-block weftd.service
say 'weftd is starting, and weftd status tells how it fares'
`;
}

/** In one step: whoever reads the file meanwhile has the old one, or the new one whole. */
export function writeUnit(path: string, unit: string): string {
  return `cat >${path}.new <<'END_OF_UNIT'
${unit}END_OF_UNIT
mv ${path}.new ${path}
`;
}
