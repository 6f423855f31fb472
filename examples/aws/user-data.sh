#!/bin/sh
# Starts weftd on an instance. Made by weftd user-data, version 0.1.0; it may be run again.
set -eu
# Where systemd looks for programs too.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=${HOME:-/root}
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

# A network that is late, and a package manager that is busy, come right by themselves.
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
  again npm_install "node-linux-$processor@22" || fail 'npm cannot install a newer Node.js'
  hash -r
fi
case $(weftd version 2>/dev/null || true) in
  'weftd 0.1.0 '*) say 'this version is here already' ;;
  *) again npm_install weftd@0.1.0 || fail 'npm cannot install weftd' ;;
esac

weftd=$(command -v weftd) || fail 'there is no weftd in this image: put it there, or write this script with --install'
node_is_new || fail "weftd needs Node.js 20 or later, and there is $(node --version 2>/dev/null || echo none)"
say "starting $("$weftd" version)"
[ "$weftd" = /usr/local/bin/weftd ] || ln -sfn "$weftd" /usr/local/bin/weftd

cat >/etc/systemd/system/weftd.service.new <<'END_OF_UNIT'
[Unit]
Description=Weft container networking
Wants=network-online.target
After=network-online.target
Before=docker.service
# It is started again for ever, however often it fails.
StartLimitIntervalSec=0

[Service]
# Started is what has its subnet.env: Docker waits for that, for as long as it takes. Ended is what has given no sign of life for three minutes.
Type=notify
NotifyAccess=main
TimeoutStartSec=infinity
WatchdogSec=180
ExecStart=/usr/local/bin/weftd run --store dynamodb://weft --cloud aws
ExecReload=/bin/kill -HUP $MAINPID
# Not after 0 (stopped or drained as told) and 2 (an option is wrong). After 4 (another node has the lease) the new start asks for another subnet, or says what it waits for.
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
LimitNOFILE=65536
StateDirectory=weft
# subnet.env stays while weftd does not run, as the data path does.
RuntimeDirectory=flannel
RuntimeDirectoryPreserve=yes
# It programs the kernel (NET_ADMIN; NET_RAW for probes and iptables), and looks whether systemd-networkd manages its network namespace (SYS_PTRACE).
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_PTRACE
# The user-space tunnel's device. Without this ProtectClock closes it: as soon as one device is allowed, all others are not.
DeviceAllow=/dev/net/tun rw
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# Not ProtectKernelTunables: forwarding and filtering are set in /proc/sys/net. Not strict: networkd reads what we write below /run/systemd.
ProtectSystem=full
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
END_OF_UNIT
mv /etc/systemd/system/weftd.service.new /etc/systemd/system/weftd.service
systemctl daemon-reload
systemctl enable weftd.service
# Not waited for: with nothing in the store yet its start takes until there is.
systemctl restart --no-block weftd.service
say 'weftd is starting, and weftd status tells how it fares'
