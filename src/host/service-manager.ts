/** systemd, as a service talks to it: sd_notify(3), sd_watchdog_enabled(3). */
import type { Log } from '../contracts/log.ts';
import type { Supervisor, Told } from '../contracts/supervisor.ts';
import { sendUnixDatagram, unixAddress } from '../native/unix-datagram.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined: nobody has asked to be told. */
export function serviceManager(environment: Environment, log: Log, pid = process.pid): Supervisor | undefined {
  const { NOTIFY_SOCKET: name = '' } = environment;
  if (name === '') return undefined;
  const address = unixAddress(name);
  if (address === undefined) {
    log.warn({ what: 'NOTIFY_SOCKET', why: `"${name}" is no Unix socket` }, 'service manager cannot be told');
    return undefined;
  }
  let trouble: string | undefined;
  const tell = (what: Told): boolean => {
    try {
      sendUnixDatagram(address, Buffer.from(messageOf(what)));
      trouble = undefined;
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== trouble) log.warn({ what: 'NOTIFY_SOCKET', why }, 'service manager cannot be told');
      trouble = why;
      return false;
    }
  };
  return { watchdogMs: watchdogMs(environment, pid), tell };
}

/** The pid says whom the variables are for: children inherit them. */
function watchdogMs({ WATCHDOG_USEC: usec = '', WATCHDOG_PID: of = '' }: Environment, pid: number): number | undefined {
  const ms = /^[0-9]+$/.test(usec) ? Number(usec) / 1000 : 0;
  return ms > 0 && (of === '' || of === String(pid)) ? ms : undefined;
}

function messageOf({ ready, stopping, alive, status }: Told): string {
  const lines = [
    ...(ready === true ? ['READY=1'] : []),
    ...(stopping === true ? ['STOPPING=1'] : []),
    ...(alive === true ? ['WATCHDOG=1'] : []),
    ...(status === undefined ? [] : [`STATUS=${status.replaceAll(/\s+/g, ' ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}
