/** Texts of any content as one word of a shell script or of a systemd unit, where each has its own way to break out. */

/** POSIX shell: inside single quotes everything but a single quote stands for itself. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** A value of `Environment=`: quoted with C-style escapes, which keep it on one line, and `%%` for `%` (systemd.syntax(7), systemd.unit(5) "Specifiers"). */
export const unitWord = (text: string): string =>
  /^[A-Za-z0-9_@+=:,./?&-]+$/.test(text) ? text : `"${escaped(text).replaceAll('%', '%%')}"`;

/** A word of `ExecStart=`: variables are replaced there too, inside quotes as well; `$$` stands for `$` (systemd.service(5) "Command lines"). */
export const unitArgument = (text: string): string => unitWord(text).replaceAll('$', '$$$$');

const escaped = (text: string): string =>
  text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, (control) => `\\u${hex(control)}`);

const hex = (control: string): string => control.charCodeAt(0).toString(16).padStart(4, '0');
