/** One place in a plan: what stands there, and how it is called in errors: `vpcs[0].tables[1].name`. */
export class PlanNode {
  readonly value: unknown;
  readonly #where: string;

  private constructor(value: unknown, where: string) {
    this.value = value;
    this.#where = where;
  }

  static of(value: unknown, where: string): PlanNode {
    return new PlanNode(value, where);
  }

  wrong(expected: string): Error {
    return new Error(`${this.#where === '' ? 'the file' : this.#where}: expected ${expected}`);
  }

  text(): string {
    if (typeof this.value === 'string' && this.value !== '') return this.value;
    throw this.wrong('text');
  }

  number(): number {
    if (typeof this.value === 'number') return this.value;
    throw this.wrong('a number');
  }

  record(): Readonly<Record<string, unknown>> {
    if (typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value)) return { ...this.value };
    throw this.wrong('an object');
  }

  entries(): readonly (readonly [string, PlanNode])[] {
    return Object.entries(this.record()).map(([key, value]) => [key, this.#below(key, value)] as const);
  }

  items(): readonly PlanNode[] {
    if (!Array.isArray(this.value)) throw this.wrong('a list');
    return this.value.map((item: unknown, index) => new PlanNode(item, `${this.#where}[${index}]`));
  }

  texts(): readonly string[] {
    return this.items().map((item) => item.text());
  }

  optional(key: string): PlanNode | undefined {
    const value = this.record()[key];
    return value === undefined ? undefined : this.#below(key, value);
  }

  need(key: string): PlanNode {
    return this.#below(key, this.record()[key]);
  }

  /** Empty when it is not there. */
  list(key: string): readonly PlanNode[] {
    return this.optional(key)?.items() ?? [];
  }

  /** Of these keys those that are there. */
  texted<K extends string>(...keys: readonly K[]): { readonly [key in K]?: string } {
    const found: { [key in K]?: string } = {};
    for (const key of keys) {
      const node = this.optional(key);
      if (node !== undefined) found[key] = node.text();
    }
    return found;
  }

  only(...keys: readonly string[]): void {
    const unknown = Object.keys(this.record()).find((key) => !keys.includes(key));
    if (unknown !== undefined)
      throw new Error(`${this.#where === '' ? '' : `${this.#where}: `}no "${unknown}" here: ${keys.join(', ')}`);
  }

  #below(key: string, value: unknown): PlanNode {
    return new PlanNode(value, this.#where === '' ? key : `${this.#where}.${key}`);
  }
}
