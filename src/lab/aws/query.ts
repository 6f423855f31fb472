/** Parameters of a call, by the names of the query form: `Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1`. */
import { Ec2Error } from './ec2-error.ts';

export interface FilterWish {
  readonly name: string;
  readonly values: readonly string[];
}

/** What is no parameter of the action. */
const ENVELOPE = ['Action', 'Version'];

export class Query {
  readonly action: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(action: string, values: ReadonlyMap<string, string>) {
    this.action = action;
    this.#values = values;
  }

  static ofForm(body: string): Query {
    const values = new Map(new URLSearchParams(body));
    return new Query(values.get('Action') ?? '', values);
  }

  get parameters(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#values].filter(([key]) => !ENVELOPE.includes(key)));
  }

  get dryRun(): boolean {
    return this.flag('DryRun') ?? false;
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  required(key: string): string {
    const value = this.#values.get(key);
    if (value === undefined || value === '') {
      throw new Ec2Error('MissingParameter', `The request must contain the parameter ${key}`);
    }
    return value;
  }

  flag(key: string): boolean | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') {
      throw new Ec2Error('InvalidParameterValue', `Value (${value}) for parameter ${key} is invalid: true or false`);
    }
    return value === 'true';
  }

  /** `KEY.1`, `KEY.2`, ... in their order. */
  list(key: string): readonly string[] {
    return this.#numbers(key).map((number) => this.#values.get(`${key}.${number}`) ?? '');
  }

  /** `Tag.1.Key`, `Tag.1.Value`, ... */
  records(key: string, ...members: readonly string[]): readonly Readonly<Record<string, string>>[] {
    return this.#numbers(key).map((number) =>
      Object.fromEntries(members.map((member) => [member, this.#values.get(`${key}.${number}.${member}`) ?? ''])),
    );
  }

  get filters(): readonly FilterWish[] {
    return this.#numbers('Filter').map((number) => ({
      name: this.required(`Filter.${number}.Name`),
      values: this.list(`Filter.${number}.Value`),
    }));
  }

  /** Numbers that stand behind `KEY.`, each once. */
  #numbers(key: string): readonly number[] {
    const found = new Set<number>();
    for (const name of this.#values.keys()) {
      if (!name.startsWith(`${key}.`)) continue;
      const number = Number(name.slice(key.length + 1).split('.')[0]);
      if (Number.isInteger(number)) found.add(number);
    }
    return [...found].toSorted((a, b) => a - b);
  }
}
