/** Runs the project's own lint configuration over a small tree of files made for one test. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

export interface LintRun {
  readonly exitCode: number | null;
  readonly findings: readonly Finding[];
}

interface Diagnostic {
  readonly filename: string;
  readonly code?: string;
  readonly message: string;
  readonly help?: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** The checkout: compiled tests run from somewhere below build/, so look upwards. */
export function checkout(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, '.oxlintrc.json')) || !existsSync(path.join(folder, 'package-lock.json'))) {
    if (folder === path.dirname(folder)) throw new Error('no .oxlintrc.json above this test');
    folder = path.dirname(folder);
  }
  return folder;
}

/**
 * `files` maps a path to its text. The tree lies in the checkout's build/, so that packages
 * resolve as they do for the real sources.
 */
export function lint(files: Readonly<Record<string, string>>, ...flags: readonly string[]): LintRun {
  const root = checkout();
  mkdirSync(path.join(root, 'build'), { recursive: true });
  const tree = mkdtempSync(path.join(root, 'build', 'lint-'));
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      copyFileSync(path.join(root, name), path.join(tree, name));
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
      writeFileSync(path.join(tree, name), text);
    }
    const oxlint = path.join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
    const run = spawnSync(process.execPath, [oxlint, '--format=json', ...flags, ...Object.keys(files)], {
      cwd: tree,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (!run.stdout.startsWith('{')) throw new Error(`oxlint did not run: ${run.stdout}${run.stderr}`);
    const report = JSON.parse(run.stdout) as { diagnostics: readonly Diagnostic[] };
    const findings = report.diagnostics.map((found) => ({
      file: found.filename,
      line: found.labels[0]?.span.line ?? 0,
      rule: found.code ?? '',
      message: found.help ?? found.message,
    }));
    return { exitCode: run.status, findings };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
