/**
 * Does for one unit what systemd would: makes its directories, and runs its command with its environment and with no more rights than it says. Ran
 * as `systemctl WORD [UNIT]` in the file system of an instance.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { readUnit, type ReadUnit } from '../commands/systemd-unit.ts';

const [word = '', name = ''] = process.argv.slice(2).filter((one) => one !== '--no-block');
const FILE = `/etc/systemd/system/${name}`;
const PID_FILE = `/run/${name}.pid`;
const WANTED = '/etc/systemd/system/multi-user.target.wants';

appendFileSync('/run/systemctl.calls', `${process.argv.slice(2).join(' ')}\n`);
if (word === 'enable') {
  mkdirSync(WANTED, { recursive: true });
  if (!existsSync(`${WANTED}/${name}`)) symlinkSync(FILE, `${WANTED}/${name}`);
} else if (word === 'restart') {
  await stop();
  start(readUnit(readFileSync(FILE, 'utf8')));
} else if (word !== 'daemon-reload') {
  throw new Error(`systemctl ${word} is not what user data should say`);
}

async function stop(): Promise<void> {
  if (!existsSync(PID_FILE)) return;
  const pid = Number(readFileSync(PID_FILE, 'utf8'));
  process.kill(pid, 'SIGTERM');
  while (existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '')
    await new Promise((resolve) => setTimeout(resolve, 10));
}

function start({ settings, command, environment }: ReadUnit): void {
  const of = (key: string): string => settings.get(`Service.${key}`)?.at(-1) ?? '';
  mkdirSync(`/var/lib/${of('StateDirectory')}`, { recursive: true });
  mkdirSync(`/run/${of('RuntimeDirectory')}`, { recursive: true });
  const kept = of('CapabilityBoundingSet')
    .split(' ')
    .map((right) => `+${right.replace(/^CAP_/, '').toLowerCase()}`);
  const rights = [
    `--bounding-set=-all,${kept.join(',')}`,
    ...(of('NoNewPrivileges') === 'yes' ? ['--no-new-privs'] : []),
  ];
  const log = openSync(`/run/${name}.log`, 'a');
  const child = spawn('setpriv', [...rights, '--', ...command], {
    // What systemd gives to every service (systemd.exec(5), "Environment variables in spawned processes").
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', LANG: 'C.UTF-8', ...environment },
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.unref();
  writeFileSync(PID_FILE, String(child.pid));
}
