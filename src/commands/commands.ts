/** The sub-commands: what each is for, what it takes besides options, and an example. */
import type { CommandName } from './command-name.ts';

export interface Operand {
  readonly name: string;
  readonly about: string;
  readonly optional?: true;
}

export interface CommandAbout {
  /** One line, without a full stop. */
  readonly summary: string;
  readonly operands?: readonly Operand[];
  /** What the line leaves out. */
  readonly more?: string;
  readonly examples: readonly string[];
}

const STORE = '--store dynamodb://weft';

const PEER: Operand = { name: 'peer', about: 'node id, subnet, or an address in the subnet' };
const SUBNET: Operand = { name: 'subnet', about: 'the subnet in CIDR form, or an address in it' };

export const COMMANDS: Readonly<Record<CommandName, CommandAbout>> = {
  run: {
    summary: 'run the daemon: lease a subnet, program the kernel, keep both right (also: weftd alone)',
    more: 'SIGTERM and SIGINT end it and leave the data path standing; SIGHUP makes it look at everything again. It ends with 4 when another node took its lease, with 5 when it may not program the kernel.',
    examples: [`weftd run ${STORE} --iface eth0`, 'weftd run --etcd-endpoints=http://10.0.0.1:2379 --ip-masq'],
  },
  plan: {
    summary: 'show what weftd run would change on this host, and why; changes nothing',
    more: 'Works beside a running daemon and does not disturb it.',
    examples: [`weftd plan ${STORE} --iface eth0`],
  },
  status: {
    summary: 'show the running daemon: its lease, its peers, the path to each and why not a better one',
    examples: ['weftd status', 'weftd status --json'],
  },
  explain: {
    summary: 'show all that the running daemon knows of one peer',
    operands: [PEER],
    examples: ['weftd explain host-b', 'weftd explain 10.42.9.7'],
  },
  reconcile: {
    summary: "keep a cloud's route tables true from outside its nodes: one run, or a service",
    more: "Does by hand, or where there is no Lambda, what the reconciler's Lambda does. It needs rights of the cloud and the store, none of this host. Ends with 0 when a run has found or made everything as it should be, with 1 when it was cut, when another run was at work, or when it has something to report that a person should see to. A service ends on SIGTERM and SIGINT, and runs at once on SIGHUP.",
    examples: [
      `weftd reconcile ${STORE} --dry-run`,
      `weftd reconcile ${STORE} --vpc vpc-0123456789abcdef0 --region eu-central-1 --adopt`,
      `weftd reconcile ${STORE} --every 60s`,
    ],
  },
  'config get': {
    summary: 'print the network config as it stands in the store',
    examples: [`weftd config get ${STORE}`],
  },
  'config set': {
    summary: 'check a network config and write it to the store',
    more: 'Shows what changes. Writes only over the config it has shown: when somebody else writes in between, it stops. What a running cluster cannot take over live needs --yes.',
    examples: [
      `weftd config set ${STORE} --create-table -f network.json`,
      `echo '{"Network":"10.42.0.0/16"}' | weftd config set ${STORE} -f -`,
    ],
  },
  'config check': {
    summary: 'explain every error of a network config and suggest what to write instead',
    more: 'Without --file it checks the one in the store. Ends with 2 when there is an error.',
    examples: ['weftd config check -f network.json', `weftd config check ${STORE}`],
  },
  'lease list': {
    summary: 'list leases and reservations',
    examples: [`weftd lease list ${STORE}`],
  },
  'lease show': {
    summary: 'show one lease as it stands in the store',
    operands: [SUBNET],
    examples: [`weftd lease show ${STORE} 10.42.9.0/24`],
  },
  'lease reserve': {
    summary: 'keep a subnet for one node, whether it is up or not',
    operands: [SUBNET, { name: 'node', about: 'node id; not with --remove', optional: true }],
    examples: [
      `weftd lease reserve ${STORE} 10.42.9.0/24 host-b`,
      `weftd lease reserve ${STORE} --remove 10.42.9.0/24`,
    ],
  },
  'lease release': {
    summary: 'free the subnet of a node that will not come back',
    operands: [SUBNET],
    more: 'A daemon that still runs there stops as soon as it notices. Nobody else gets the subnet for 15 minutes.',
    examples: [`weftd lease release ${STORE} --yes 10.42.9.0/24`],
  },
  audit: {
    summary: 'show what was done to the cloud in the name of this network, by whom and why, the newest last',
    more: 'Read from the store alone, where it is kept for 30 days. Times are those of the clocks of whoever did it.',
    examples: [
      `weftd audit ${STORE}`,
      `weftd audit ${STORE} --since 168h --table rtb-0a1b2c3d4e5f60718 --subnet 10.42.9.0/24`,
    ],
  },
  drain: {
    summary:
      'tell the running daemon to leave: release the lease, take its cloud routes away once no peer sends by them, end',
    examples: ['weftd drain'],
  },
  cleanup: {
    summary: 'remove all that weftd left on this host, and only that; the daemon must not run',
    more: 'Devices, routes, rules, accepts and files go; kernel settings stay as they are. The lease stays in the store, and routes of a cloud in its tables: weftd drain takes both away, before. On a host that goes back to flanneld: start flanneld first, then weftd cleanup --hand-over.',
    examples: [`weftd cleanup ${STORE}`, `weftd cleanup ${STORE} --all`, 'weftd cleanup --hand-over'],
  },
  'user-data': {
    summary: 'print a script that installs and starts weftd when an EC2 instance boots for the first time',
    more: 'Options that weftd run has too stand in the systemd unit that the script writes. The instance needs a role: no credentials stand in user data, which every program of the instance can read. Node id and region come from the metadata server.',
    examples: [
      `weftd user-data --cloud aws ${STORE} --install npm > user-data.sh`,
      `weftd user-data --cloud aws ${STORE} --iface ens5 --log-level warn > user-data.sh`,
    ],
  },
  lab: {
    summary: 'build a small world on this machine and watch weftd at work in it',
    examples: ['weftd lab demo'],
  },
  version: {
    summary: 'print the version',
    examples: ['weftd version'],
  },
};
