import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { answerTo } from '../../dev/mock-server.mjs';

/** As much of a schema as the description of the API uses. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}
interface Operation {
  parameters?: { name: string }[];
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const SOURCES = new URL('../', import.meta.url);
const { paths, components } = JSON.parse(
  readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'),
) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** Something that the mock has of each kind. */
const IDS: Record<string, string> = {
  campaigns: 'cmp_15',
  channels: 'chn_1',
  contacts: 'con_1',
  flows: 'flw_1',
  imports: 'imp_1',
  keywords: 'kwd_1',
  programmes: 'prg_1',
  segments: 'seg_1',
  sessions: 'ses_1',
  snippets: 'snp_1',
  tables: 'tbl_1',
  templates: 'tpl_1',
};

/** Every reading of the console, as its sources write it: the address, and what it asks for there. */
function read(): { path: string; query: string }[] {
  const found: { path: string; query: string }[] = [];
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file) || file.includes('.test.') || file.endsWith('.d.ts')) continue;
    const source = readFileSync(new URL(file, SOURCES), 'utf8');
    const calls = source.matchAll(
      /\bapi\s*\.get(?:<.*?>)?\(\s*(?:'(\/.*?)'|`(\/.*?)`)(.*?)(?:signal|\);)/gs,
    );
    for (const call of calls) {
      const written = call[1] ?? call[2] ?? '';
      const id = IDS[written.split('/')[1] ?? ''] ?? 'one_1';
      const path = written.replace(/\$\{.*?\}/, id).replace(/\$\{.*?\}/g, 'one_1');
      found.push({ path, query: call[3] ?? '' });
    }
  }
  return found;
}

/** What the console asks with a body to be told something, and what the mock has to know for it. */
const ASKED: [string, unknown][] = [
  ['/campaigns/cmp_15/preflight', {}],
  ['/campaigns/cmp_15/preview', {}],
  ['/campaigns/preview-text', { body: 'It’s here', footer: 'none' }],
  ['/channels/chn_1/check', {}],
  ['/consent-readings', {}],
  ['/flows/validate', {}],
  ['/import-files', {}],
  ['/imports', {}],
  ['/keyword-checks', {}],
  ['/segments/check', {}],
  ['/templates/lint', { body: '' }],
  ['/sessions/ses_1/messages', { kind: 'text', text: 'Hello', client_id: 'one' }],
];

/** What the server says about an address; nothing where it does not have it. */
function operation(method: 'get' | 'post', path: string): Operation | undefined {
  const [found] = Object.keys(paths)
    .filter((each) => paths[each]?.[method] !== undefined)
    .filter((each) => new RegExp(`^${each.replace(/\{.*?\}/g, '[^/]+')}$`).test(`/api/v1${path}`))
    .sort((one, other) => one.split('{').length - other.split('{').length);
  return paths[found ?? '']?.[method];
}

/** What the server answers with. */
function described(method: 'get' | 'post', path: string): Schema | undefined {
  const answers = operation(method, path)?.responses ?? {};
  const good = Object.keys(answers).find((status) => status.startsWith('2'));
  return answers[good ?? '']?.content?.['application/json']?.schema;
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** How a value differs from what is described. The server sends what may be left out as null. */
function differences(schema: Schema, value: unknown, at: string): string[] {
  if (schema.$ref !== undefined) {
    const named = components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    return named === undefined
      ? [`${at}: ${schema.$ref} is not known`]
      : differences(named, value, at);
  }
  if (schema.allOf !== undefined)
    return schema.allOf.flatMap((each) => differences(each, value, at));
  if (schema.oneOf !== undefined) {
    const ways = schema.oneOf.map((each) => differences(each, value, at));
    return ways.some((way) => way.length === 0) ? [] : ways.flat();
  }
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return [`${at}: ${JSON.stringify(value)} is none of ${schema.enum.join(', ')}`];
  const kinds = schema.type === undefined ? [] : [schema.type].flat();
  const kind = kindOf(value);
  const fits = kinds.includes(kind) || (kinds.includes('integer') && Number.isInteger(value));
  if (kinds.length > 0 && !fits) return [`${at}: ${kind} in place of ${kinds.join(' or ')}`];
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    return value.flatMap((each) => differences(items, each, `${at}[]`));
  }
  if (value === null || typeof value !== 'object') return [];
  const { properties = {}, required = [], additionalProperties } = schema;
  const given = value as Record<string, unknown>;
  const own = Object.entries(properties).flatMap(([name, each]) => {
    if (given[name] === undefined) return [`${at}.${name} is missing`];
    const isNone = given[name] === null && !required.includes(name);
    return isNone ? [] : differences(each, given[name], `${at}.${name}`);
  });
  if (typeof additionalProperties !== 'object') return own;
  const further = Object.keys(given).filter((name) => !(name in properties));
  return [
    ...own,
    ...further.flatMap((name) => differences(additionalProperties, given[name], `${at}.${name}`)),
  ];
}

function check(method: 'get' | 'post', path: string, body: unknown): string[] {
  const answer = answerTo(method.toUpperCase(), new URL(`http://localhost/api/v1${path}`), body);
  if (answer?.body === undefined) return [`${path} is not answered`];
  const schema = described(method, path);
  if (schema === undefined) return [`${path} is not described`];
  // As it goes over the line.
  return differences(schema, JSON.parse(JSON.stringify(answer.body)), path);
}

it('the mock answers everything that the console reads, as the server would', () => {
  const known = [...new Set(read().map(({ path }) => path))];
  expect(known.length).toBeGreaterThan(80);
  expect([...new Set(known.flatMap((path) => check('get', path, {})))]).toEqual([]);
});

/** What is shown without the rest on purpose: the newest notices, and the contacts that fit best. */
const CUT = ['/channels/chn_1/notices', '/contacts'];

it('the console reads on where there are pages, and asks for none where all comes at once', () => {
  const wrong = read().flatMap(({ path, query }) => {
    const names = (operation('get', path)?.parameters ?? []).map(({ name }) => name);
    const asks = (name: string) => new RegExp(`\\b${name}\\b`).test(query);
    return [
      names.includes('cursor') && !asks('cursor') && !CUT.includes(path)
        ? `${path} stops at its first page`
        : null,
      asks('limit') && !names.includes('limit') ? `${path} has no pages` : null,
    ].filter((each) => each !== null);
  });
  expect(wrong).toEqual([]);
});

it('the mock answers what is asked with a body as the server would', () => {
  const found = ASKED.flatMap(([path, body]) => check('post', path, body));
  expect([...new Set(found)]).toEqual([]);
});

it('what is missing in an answer is found', () => {
  const schema = described('get', '/senders') as Schema;
  const { data, ...rest } = answerTo('GET', new URL('http://localhost/api/v1/senders'), {})
    ?.body as { data: { alphabet?: string; kind: string }[] };
  const [first] = data;
  if (first === undefined) throw new Error('There is no sender.');
  const { alphabet: _, ...lacking } = { ...first, kind: 'pigeon' };
  expect(differences(schema, { ...rest, data: [lacking] }, '')).toEqual([
    expect.stringContaining('.data[].kind: "pigeon" is none of'),
    '.data[].alphabet is missing',
  ]);
});
