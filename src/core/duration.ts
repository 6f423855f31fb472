/** Durations as people write them: Go's notation (time.ParseDuration), which flannel's users know from etcd and Kubernetes. Inside: milliseconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00B5s': 1e-3,
  '\u03BCs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00B5s|\u03BCs|ms|s|m|h)/y;

/** "30s", "1h30m", "1.5s", "-2m", "0"; undefined when the text is no duration. Go has no unit above hours. */
export function tryDuration(text: string): number | undefined {
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0;
  if (body === '' || body.length > 64) return undefined;
  let total = 0;
  for (let at = 0; at < body.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const part = PART.exec(body);
    if (part === null) return undefined;
    total += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0);
  }
  return text.startsWith('-') ? -total : total;
}

/** "24h", "1h30m", "2.5s", "350ms". `tryDuration` reads it back to the millisecond. */
export function printDuration(ms: number): string {
  if (ms < 0) return `-${printDuration(-ms)}`;
  const whole = Math.round(ms);
  if (whole < 1000) return whole === 0 ? '0s' : `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1000;
  return `${hours === 0 ? '' : `${hours}h`}${minutes === 0 ? '' : `${minutes}m`}${seconds === 0 ? '' : `${seconds}s`}`;
}
