/**
 * What `npm start`, `npm test` and the other scripts run first: sees that everything needed is there, installs what is
 * lacking, builds, and runs the command. Plain JavaScript without packages, since it runs before there are any.
 * All it says goes to stderr: stdout belongs to the command.
 *
 *   node setup.mjs start [args of `weftd lab demo`: --store etcd wants etcd too]
 *   node setup.mjs test | check | bench | dynamodb-local | node-versions [args of test/run.mjs]
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const parent = process.ppid;

const [command, ...args] = process.argv.slice(2);
const onEtcd = /(^| )--store[ =]etcd( |$)/.test(args.join(' '));

/** Programs that a command calls, and the Debian package of each. `check` needs none. Without an `optional` one a test skips; root gets it installed. */
const PROGRAMS = [
  { program: 'ip', debian: 'iproute2', for: ['start', 'test', 'bench'] },
  { program: 'bridge', debian: 'iproute2', for: ['start', 'test', 'bench'] },
  { program: 'nft', debian: 'nftables', for: ['start', 'test', 'bench'] },
  { program: 'unshare', debian: 'util-linux', for: ['start', 'test', 'bench'] },
  { program: 'nsenter', debian: 'util-linux', for: ['start', 'test', 'bench'] },
  { program: 'ping', debian: 'iputils-ping', for: ['start', 'test', 'bench'] },
  { program: 'iptables', debian: 'iptables', for: ['test', 'bench'] },
  { program: 'aws', debian: 'awscli', for: ['test'], optional: true },
  { program: 'etcd', debian: 'etcd-server', for: onEtcd ? ['start'] : [] },
  { program: 'etcd', debian: 'etcd-server', for: ['test', 'bench'], optional: true },
  { program: 'etcdctl', debian: 'etcd-client', for: ['test'], optional: true },
  { program: 'openssl', debian: 'openssl', for: ['test'], optional: true },
  { program: 'shellcheck', debian: 'shellcheck', for: ['test'] },
  { program: 'iperf3', debian: 'iperf3', for: ['bench'] },
  { program: 'java', debian: 'default-jre-headless', for: ['dynamodb-local'] },
];
const COMMANDS = ['start', 'test', 'check', 'bench', 'dynamodb-local', 'node-versions'];

if (!COMMANDS.includes(command)) stop(`usage: node setup.mjs ${COMMANDS.join('|')} [arguments]`);
checkSystem();
// Debian keeps nft and iptables in sbin, which is not in an ordinary user's PATH.
process.env.PATH = [...new Set([...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'])].join(':');
process.chdir(root);
installPackages();
installPrograms();
if (command === 'start') {
  build();
  process.exitCode = await run(process.execPath, ['dist/weftd.mjs', 'lab', 'demo', ...args]);
} else {
  const { commands } = await import('./test/run.mjs');
  process.exitCode = await commands[command]({ run, build, say, stop, args });
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function stop(text) {
  say(text);
  process.exit(2);
}

function checkSystem() {
  if (process.platform !== 'linux') {
    stop(
      `Weft runs on Linux, and this is ${process.platform}: it programs the Linux kernel's routes. ` +
        'Use a Linux machine, a virtual machine, or a container with CAP_NET_ADMIN and CAP_SYS_ADMIN.',
    );
  }
  // The daemon runs on any Node.js 20; the lint and the test runner's options came later.
  const [needMajor, needMinor] = command === 'start' ? [20, 0] : [20, 19];
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < needMajor || (major === needMajor && minor < needMinor)) {
    stop(`This needs Node.js ${needMajor}.${needMinor} or later, and this is ${process.version}.`);
  }
}

/** npm writes what it installed into node_modules/.package-lock.json: compare that with what is locked. */
function installPackages() {
  if (installedAsLocked()) return;
  say('setup: installing the npm packages of package-lock.json (npm ci)');
  const flags = [
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ];
  const npm = spawnSync('npm', ['ci', ...flags], { stdio: ['ignore', 2, 2] });
  if (npm.error) stop(`setup: cannot start npm (${npm.error.message}); install it and try again`);
  if (npm.status !== 0) stop('setup: npm ci failed; what it said stands above');
}

function installedAsLocked() {
  const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  let installed;
  try {
    installed = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
  } catch {
    return false;
  }
  const foreign = ({ cpu, os: systems, libc }) =>
    (cpu && !cpu.includes(process.arch)) || (systems && !systems.includes(process.platform)) || libc;
  return Object.entries(locked).every(
    ([name, wanted]) =>
      name === '' ||
      installed[name]?.version === wanted.version ||
      (installed[name] === undefined && wanted.optional && foreign(wanted)),
  );
}

function installPrograms() {
  const isRoot = os.userInfo().uid === 0;
  const missing = PROGRAMS.filter(
    (row) => row.for.includes(command) && (isRoot || !row.optional) && !findProgram(row.program),
  );
  if (missing.length === 0) return;
  const programs = missing.map(({ program }) => program).join(', ');
  const debian = [...new Set(missing.map((row) => row.debian))];
  if (!findProgram('apt-get')) {
    stop(
      `setup: these programs are missing: ${programs}. Install them (on Debian: ${debian.join(' ')}) and try again.`,
    );
  }
  const install = ['install', '-y', '--no-install-recommends', ...debian];
  const byHand = `apt-get ${install.join(' ')}`;
  if (!isRoot) {
    stop(`setup: these programs are missing: ${programs}. Install them and try again:\n\n  sudo ${byHand}\n`);
  }
  say(`setup: installing ${debian.join(', ')} (for ${programs})`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...words) => spawnSync('apt-get', ['-qq', ...words], { stdio: ['ignore', 2, 2], env }).status;
  // A package list that cannot be refreshed may still name what we need.
  apt('update');
  if (apt(...install) !== 0) stop(`setup: apt-get failed. Install these by hand and try again:\n\n  ${byHand}\n`);
  if (debian.includes('etcd-server')) stopService('etcd');
  const still = missing.filter(({ program }) => !findProgram(program)).map(({ program }) => program);
  if (still.length > 0) stop(`setup: ${still.join(', ')} still cannot be found in PATH (${process.env.PATH})`);
}

/** Debian starts what it installs, now and at each boot. Lab and tests start their own. */
function stopService(name) {
  if (existsSync('/run/systemd/system'))
    spawnSync('systemctl', ['disable', '--now', name], { stdio: ['ignore', 2, 2] });
}

function findProgram(name) {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function build() {
  const { status } = spawnSync(process.execPath, ['build.mjs', '--quiet'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) stop('setup: the build failed; what it said stands above');
}

/**
 * Runs a program to its end and returns its exit code (128 + the number of the signal that ended it, as shells do).
 * Signals go on to it, but for a terminal's Ctrl-C, which reaches the whole foreground group by itself.
 * With `readLine` its stdout comes line by line.
 */
function run(program, programArgs, { env = {}, readLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArgs, {
      stdio: ['inherit', readLine ? 'pipe' : 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    let ended;
    const forward = (signal) => {
      ended = signal;
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    // npm sends a signal to the shell between itself and us, which dies of it and tells nobody.
    const orphaned = () => process.env.npm_lifecycle_event && process.ppid !== parent && forward('SIGTERM');
    const watch = setInterval(orphaned, 250).unref();
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(readLine);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (rest !== '') readLine(rest);
      for (const name of signals) process.off(name, forward);
      clearInterval(watch);
      // `start` has one program, whose exit code counts; the others would go on with the next step.
      if (ended && command !== 'start') process.exit(128 + os.constants.signals[ended]);
      resolve(code ?? 128 + os.constants.signals[signal]);
    });
  });
}
