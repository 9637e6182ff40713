// The part of vitest that the kernel tests use, so that the same files run where vitest does not: in Deno, and in a page without a server.
// It collects tests while files are imported and runs them afterwards.

type Body = () => unknown;

export interface Outcome {
  name: string;
  /** What went wrong; null where nothing did. */
  error: string | null;
}

interface Group {
  name: string;
  parent: Group | undefined;
  beforeAll: Body[];
  afterAll: Body[];
  beforeEach: Body[];
  afterEach: Body[];
  members: (Group | { name: string; body: Body })[];
}

const group = (name: string, parent?: Group): Group => ({
  name,
  parent,
  beforeAll: [],
  afterAll: [],
  beforeEach: [],
  afterEach: [],
  members: [],
});

const root = group('');
let current = root;

export function describe(name: string, body: Body): void {
  const inner = group(name, current);
  current.members.push(inner);
  current = inner;
  body();
  current = inner.parent!;
}

export function it(name: string, body: Body): void {
  current.members.push({ name, body });
}

/** `%s` is the next argument, `$key` a property of the row. */
function named(pattern: string, row: unknown, args: readonly unknown[]): string {
  let next = 0;
  return pattern
    .replace(/%s/g, () => String(args[next++]))
    .replace(/\$(\w+)/g, (text, key: string) => String((row as Record<string, unknown> | null)?.[key] ?? text));
}

const each =
  (declare: (name: string, body: Body) => void) =>
  (rows: readonly unknown[]) =>
  (pattern: string, body: (...args: never[]) => unknown): void => {
    for (const row of rows) {
      const args = Array.isArray(row) ? row : [row];
      declare(named(pattern, row, args), () => body(...(args as never[])));
    }
  };
describe.each = each(describe);
it.each = each(it);

export const beforeAll = (body: Body): void => void current.beforeAll.push(body);
export const afterAll = (body: Body): void => void current.afterAll.push(body);
export const beforeEach = (body: Body): void => void current.beforeEach.push(body);
export const afterEach = (body: Body): void => void current.afterEach.push(body);

const show = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key as never], b[key as never]));
}

class Expectation {
  constructor(
    readonly found: unknown,
    readonly what: string,
  ) {}

  #hold(good: boolean, wanted: string): void {
    if (!good) throw new Error(`${this.what}found ${show(this.found)}; wanted ${wanted}`);
  }

  toBe(wanted: unknown): void {
    this.#hold(Object.is(this.found, wanted), show(wanted));
  }
  toEqual(wanted: unknown): void {
    this.#hold(same(this.found, wanted), show(wanted));
  }
  toBeGreaterThan(wanted: number): void {
    this.#hold((this.found as number) > wanted, `more than ${wanted}`);
  }
  toBeGreaterThanOrEqual(wanted: number): void {
    this.#hold((this.found as number) >= wanted, `at least ${wanted}`);
  }
  toBeLessThanOrEqual(wanted: number): void {
    this.#hold((this.found as number) <= wanted, `at most ${wanted}`);
  }
  toBeInstanceOf(wanted: new (...args: never[]) => unknown): void {
    this.#hold(this.found instanceof wanted, `an instance of ${wanted.name}`);
  }

  /** The same checks on what a promise rejects with. */
  get rejects(): {
    toBe(wanted: unknown): Promise<void>;
    toBeInstanceOf(wanted: new (...args: never[]) => unknown): Promise<void>;
  } {
    const reason = async (): Promise<Expectation> => {
      try {
        await this.found;
      } catch (error) {
        return new Expectation(error, `${this.what}a rejection: `);
      }
      throw new Error(`${this.what}found no rejection; wanted one`);
    };
    return {
      toBe: async (wanted) => (await reason()).toBe(wanted),
      toBeInstanceOf: async (wanted) => (await reason()).toBeInstanceOf(wanted),
    };
  }
}

export function expect(found: unknown, what?: string): Expectation {
  return new Expectation(found, what ? `${what}: ` : '');
}
expect.fail = (message: string): never => {
  throw new Error(message);
};

/** Runs everything that was declared. */
export async function runTests(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const attempt = async (name: string, bodies: readonly Body[]): Promise<boolean> => {
    try {
      for (const body of bodies) await body();
      return true;
    } catch (error) {
      outcomes.push({ name, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
      return false;
    }
  };
  const visit = async (at: Group, path: string, before: readonly Body[], after: readonly Body[]): Promise<void> => {
    const begin = [...before, ...at.beforeEach];
    const end = [...at.afterEach, ...after];
    if (await attempt(`${path} (beforeAll)`, at.beforeAll)) {
      for (const member of at.members) {
        const name = path ? `${path} > ${member.name}` : member.name;
        if ('members' in member) await visit(member, name, begin, end);
        else if (await attempt(name, [...begin, member.body])) {
          if (await attempt(`${name} (afterEach)`, end)) outcomes.push({ name, error: null });
        } else await attempt(`${name} (afterEach)`, end);
      }
    }
    await attempt(`${path} (afterAll)`, at.afterAll);
  };
  await visit(root, '', [], []);
  return outcomes;
}
