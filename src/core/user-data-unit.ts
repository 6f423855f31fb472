/** The systemd unit of weftd: the one text of it, from which user data, docs/operating.md and examples/ have theirs. */
import { unitArgument, unitWord } from './user-data-words.ts';

/** Where the unit looks for the program; user data links it there when it lies elsewhere. */
export const PROGRAM = '/usr/local/bin/weftd';

export interface UnitParts {
  /** Behind `weftd run`. */
  readonly arguments?: readonly string[];
  readonly environment?: readonly (readonly [name: string, value: string])[];
  /** A file of further variables. */
  readonly environmentFile?: string;
}

export function weftUnit({ arguments: words = [], environment = [], environmentFile }: UnitParts): string {
  const variables = environment.map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}\n`).join('');
  const file = environmentFile === undefined ? '' : `EnvironmentFile=${environmentFile}\n`;
  return `[Unit]
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
${variables}${file}ExecStart=${[PROGRAM, 'run', ...words.map(unitArgument)].join(' ')}
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
`;
}
