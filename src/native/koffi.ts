/**
 * koffi, the foreign function interface, loaded the quick way: `require('koffi')` first finds out which of its binaries fits, which costs 5 to 7 ms of a
 * start that takes 100; the binary itself loads in 2.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

export type { Koffi };

const load = createRequire(import.meta.url);

/** The binary for this process, where it is beyond doubt: glibc on the CPUs that we run on. */
function binary(): string | undefined {
  const { arch, platform } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) return undefined;
  // A system that has musl's loader may run a Node that was built for musl; koffi itself finds out.
  if (existsSync(`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`)) return undefined;
  return `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`;
}

/** @throws Error that says what to do, when no binary of koffi's fits or is installed. */
export function loadKoffi(): typeof Koffi {
  const direct = binary();
  if (direct !== undefined) {
    try {
      return load(direct) as typeof Koffi;
    } catch {
      // Package managers that hide packages of packages (pnpm) keep it from us, not from koffi.
    }
  }
  try {
    return load('koffi') as typeof Koffi;
  } catch (error) {
    throw new Error(
      `cannot load koffi for ${process.platform} ${process.arch}: ${error instanceof Error ? error.message : String(error)}. ` +
        'Install weftd again with its optional dependencies (npm install --include=optional) on Linux with x64, arm64, arm, ia32, riscv64, loong64 or ppc64',
      { cause: error },
    );
  }
}
