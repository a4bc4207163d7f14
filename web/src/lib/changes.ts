/** Fields have no order: a server may write them in another one. */
const sorted = (_: string, value: unknown) =>
  isFields(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

/** Whether two values are written the same, whatever the order of their fields. */
export const same = (one: unknown, other: unknown) =>
  JSON.stringify(one, sorted) === JSON.stringify(other, sorted);

/** The fields of `after` that are not as they were. Only these are sent: others may have changed the rest. */
export function changesOf<T extends object>(before: T, after: T): Partial<T> {
  const changed = Object.entries(after).filter(
    ([name, value]) => !same(value, before[name as keyof T]),
  );
  return Object.fromEntries(changed) as Partial<T>;
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What is stored by now, with what was changed here between `before` and `after`. Objects are taken field by field, all
 * else as a whole. What was taken out here is out.
 */
export function rebased<T>(before: T, after: T, stored: T): T {
  if (same(before, after)) return stored;
  if (!isFields(before) || !isFields(after) || !isFields(stored)) return after;
  const names = new Set([...Object.keys(stored), ...Object.keys(after)]);
  const fields: Fields = {};
  for (const name of names) {
    const [was, is, now] = [before, after, stored].map((each) => (each as Fields)[name]);
    const value = rebased(was, is, now);
    if (value !== undefined) fields[name] = value;
  }
  return fields as T;
}
