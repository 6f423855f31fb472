/** Terraform files as values: parsed by HashiCorp's own parser, with what stands for a value put in. As much of the language as our example uses. */
import { parse } from '@cdktf/hcl2json';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export type Block = Readonly<Record<string, unknown>>;

/** What expressions come to. Throws at one that it does not know, so that none is passed over. */
export class Terraform {
  readonly #files: readonly Block[];
  readonly #known: ReadonlyMap<string, unknown>;

  private constructor(files: readonly Block[], known: Readonly<Record<string, unknown>>) {
    this.#files = files;
    this.#known = new Map(Object.entries(known));
  }

  static async read(folder: string, known: Readonly<Record<string, unknown>>): Promise<Terraform> {
    const names = readdirSync(folder).filter((name) => name.endsWith('.tf'));
    const files = names.map((name) => parse(name, readFileSync(path.join(folder, name), 'utf8')));
    return new Terraform((await Promise.all(files)) as readonly Block[], known);
  }

  /** `resource` or `data`, its type and name. */
  block(kind: 'resource' | 'data', type: string, name: string): Block {
    const [found] = this.#files.flatMap((file) => {
      const blocks = at(file[kind], type, name);
      return Array.isArray(blocks) ? (blocks as readonly Block[]) : [];
    });
    if (found === undefined) throw new Error(`no ${kind} ${type}.${name}`);
    return found;
  }

  local(name: string): unknown {
    const all = this.#files.flatMap((file) => (Array.isArray(file['locals']) ? (file['locals'] as Block[]) : []));
    const found = all.find((locals) => Object.hasOwn(locals, name));
    if (found === undefined) throw new Error(`no local ${name}`);
    return this.value(found[name]);
  }

  value(given: unknown): unknown {
    if (typeof given === 'string') return this.#text(given);
    if (Array.isArray(given)) return given.map((item) => this.value(item));
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([key, item]) => [key, this.value(item)]));
  }

  #text(text: string): unknown {
    const [, variable, list, template] = /^\$\{\[for (\w+) in (.+) : "(.*)"\]\}$/s.exec(text) ?? [];
    if (variable !== undefined && list !== undefined && template !== undefined)
      return [this.#expression(list)]
        .flat()
        .map((item) => this.#text(template.replaceAll(`\${${variable}}`, String(item))));
    const [, whole] = /^\$\{([^${}]*)\}$/.exec(text) ?? [];
    if (whole !== undefined) return this.#expression(whole);
    return text.replaceAll(/\$\{([^${}]*)\}/g, (_, inner: string) => String(this.#expression(inner)));
  }

  #expression(expression: string): unknown {
    if (this.#known.has(expression)) return this.#known.get(expression);
    const [, local] = /^local\.(\w+)$/.exec(expression) ?? [];
    if (local === undefined) throw new Error(`what does ${expression} come to?`);
    return this.local(local);
  }
}

const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Block)[key] : undefined),
    value,
  );

/** A data source `aws_iam_policy_document` as the JSON that it makes. */
export function policyOf(document: Block): readonly Block[] {
  const statements = document['statement'] as readonly Block[];
  return statements.map(({ sid, actions, resources, condition = [] }) => {
    const conditions: Record<string, Record<string, unknown>> = {};
    for (const { test, variable, values } of condition as readonly Block[]) {
      const single = values as readonly unknown[];
      conditions[String(test)] = { ...conditions[String(test)], [String(variable)]: single };
    }
    return {
      Sid: sid,
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
      ...(Object.keys(conditions).length === 0 ? {} : { Condition: conditions }),
    };
  });
}
