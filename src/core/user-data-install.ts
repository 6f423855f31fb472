/**
 * How user data brings weftd onto an instance. Where packages come from is not said here: the distribution and npm know it, mirrors included.
 * Amazon Linux 2023 has a package for each Node.js version (docs.aws.amazon.com/linux/al2023/ug/nodejs.html); what Debian 12 and Ubuntu 24.04 have is too old,
 * but their npm can fetch a newer one.
 */
import { shellWord } from './user-data-words.ts';

export type Install =
  | { readonly from: 'npm'; readonly version: string }
  /** Of a package as `npm pack` makes it. */
  | { readonly from: 'url'; readonly url: string; readonly sha256: string | undefined };

const NODE_BY_NPM = 22;

/** Uses `say`, `fail` and `node_is_new` of the script around it. */
export function installPart(install: Install): string {
  return `# A network that is late, and a package manager that is busy, come right by themselves.
again() {
  pause=5
  until "$@"; do
    [ "$pause" -le 80 ] || return 1
    say "did not work, once more in $pause s: $*"
    sleep "$pause"
    pause=$((pause * 2))
  done
}

packages() {
  if command -v dnf >/dev/null; then
    dnf install -y -q "$@"
  elif command -v apt-get >/dev/null; then
    apt-get -q -o DPkg::Lock::Timeout=120 update &&
      DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@"
  else
    fail "neither dnf nor apt-get is here to install $*: put it into the image"
  fi
}

node_packages() {
  if command -v dnf >/dev/null; then
    for major in 24 22 20; do
      packages "nodejs$major" "nodejs$major-npm" && return
    done
  fi
  packages nodejs npm
}

npm_install() {
  npm install --global --prefix /usr/local --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error "$@"
}

command -v nft >/dev/null || again packages nftables ||
  say 'no nftables: weftd cannot see which peers have traffic'
if ! node_is_new || ! command -v npm >/dev/null; then
  again node_packages || fail 'Node.js cannot be installed'
  hash -r
fi
if ! node_is_new; then
  case $(uname -m) in
    x86_64) processor=x64 ;;
    aarch64) processor=arm64 ;;
    *) fail "the distribution has Node.js $(node --version), and weftd needs 20: put it into the image" ;;
  esac
  again npm_install "node-linux-$processor@${NODE_BY_NPM}" || fail 'npm cannot install a newer Node.js'
  hash -r
fi
${install.from === 'npm' ? byNpm(install.version) : byUrl(install.url, install.sha256)}`;
}

const byNpm = (version: string): string => `case $(weftd version 2>/dev/null || true) in
  ${shellWord(`weftd ${version} `)}*) say 'this version is here already' ;;
  *) again npm_install ${shellWord(`weftd@${version}`)} || fail 'npm cannot install weftd' ;;
esac
`;

function byUrl(url: string, sha256: string | undefined): string {
  const check =
    sha256 === undefined
      ? ''
      : `echo "${sha256}  $folder/weftd.tgz" | sha256sum -c - >/dev/null 2>&1 ||
  fail "the package has another SHA-256: $(sha256sum <"$folder/weftd.tgz")"
`;
  return `command -v curl >/dev/null || again packages ca-certificates curl || fail 'curl cannot be installed'
folder=$(mktemp -d)
again curl -fsSL --globoff --proto =https --max-time 120 -o "$folder/weftd.tgz" -- ${shellWord(url)} ||
  fail 'the package cannot be fetched'
${check}again npm_install "$folder/weftd.tgz" || fail 'npm cannot install the package'
`;
}
