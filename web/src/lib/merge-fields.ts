/** Merge fields every contact has; attributes add to them. */
export const MERGE_FIELDS = [
  { name: 'first_name', label: 'First name' },
  { name: 'last_name', label: 'Last name' },
  { name: 'email', label: 'Email' },
] as const;

export function mergeToken(name: string): string {
  return `{{ ${name} }}`;
}

/** Puts `token` over the selection and says where the cursor goes. */
export function insertAt(text: string, start: number, end: number, token: string) {
  return { text: text.slice(0, start) + token + text.slice(end), cursor: start + token.length };
}

const SAMPLE: Record<string, string> = {
  first_name: 'Maria',
  last_name: 'Lopez',
  email: 'maria@example.com',
};

/** The text as one customer could read it: known fields filled in, others by their names. */
export function sampleText(body: string): string {
  return body.replace(
    /\{\{\s*([a-z_][a-z0-9_]*)[^}]*\}\}/gi,
    (_, name: string) => SAMPLE[name] ?? name.replaceAll('_', ' '),
  );
}
