/** The fields a column can be mapped to; `''` leaves it out, any other name becomes an attribute. */
export const CONTACT_FIELDS = [
  { value: 'phone', label: 'Phone number' },
  { value: 'first_name', label: 'First name' },
  { value: 'last_name', label: 'Last name' },
  { value: 'email', label: 'Email' },
  { value: 'locale', label: 'Language' },
  { value: 'time_zone', label: 'Time zone' },
] as const;

export interface Column {
  name: string;
  suggestion: string | null;
  samples: string[];
}

const HEADERS: Record<string, string[]> = {
  phone: [
    'phone',
    'mobile',
    'cell',
    'tel',
    'telephone',
    'msisdn',
    'number',
    'phonenumber',
    'handy',
  ],
  first_name: ['firstname', 'first', 'givenname', 'vorname', 'nombre'],
  last_name: ['lastname', 'last', 'surname', 'familyname', 'nachname', 'apellido'],
  email: ['email', 'mail', 'emailaddress'],
  locale: ['locale', 'language', 'lang'],
  time_zone: ['timezone', 'tz'],
};

const CONSENT_HEADER = /opt.?in|consent|subscrib|permission/i;
const PHONE_SAMPLE = /^\+?[\d\s().-]{8,20}$/;
const EMAIL_SAMPLE = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

function plain(header: string): string {
  return header.toLowerCase().replace(/[^a-z]/g, '');
}

function guess(column: Column): string {
  if (column.suggestion !== null && column.suggestion !== '') return column.suggestion;
  const header = plain(column.name);
  for (const [field, names] of Object.entries(HEADERS)) if (names.includes(header)) return field;
  const samples = column.samples.filter((sample) => sample.trim() !== '');
  if (samples.length > 0) {
    if (samples.every((sample) => EMAIL_SAMPLE.test(sample.trim()))) return 'email';
    if (samples.every((sample) => PHONE_SAMPLE.test(sample.trim()) && digits(sample) >= 8)) {
      return 'phone';
    }
  }
  return CONSENT_HEADER.test(column.name) ? '' : attributeName(column.name);
}

function digits(text: string): number {
  return text.replace(/\D/g, '').length;
}

/** `Loyalty Tier` becomes `loyalty_tier`: the name a merge field uses. */
export function attributeName(header: string): string {
  return header
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

/**
 * Proposes a field for every column. The server's suggestion wins, then the header, then what the
 * samples look like. A contact field is given away once: the first column that asks for it gets it.
 */
export function suggestMapping(columns: Column[]): Record<string, string> {
  const taken = new Set<string>();
  const mapping: Record<string, string> = {};
  for (const column of columns) {
    const field = guess(column);
    const free = field !== '' && !taken.has(field);
    mapping[column.name] = free ? field : '';
    if (free) taken.add(field);
  }
  return mapping;
}

/** The column that seems to say who agreed, if there is one. */
export function suggestConsentColumn(columns: Column[]): string | null {
  return columns.find((column) => CONSENT_HEADER.test(column.name))?.name ?? null;
}

/** Why this mapping cannot be imported, or `null`. */
export function mappingProblem(mapping: Record<string, string>): string | null {
  const fields = Object.values(mapping).filter((field) => field !== '');
  if (!fields.includes('phone')) {
    return 'Choose the column that holds the phone number. Contacts are matched by it.';
  }
  const twice = fields.find((field, index) => fields.indexOf(field) !== index);
  return twice === undefined ? null : `Two columns are mapped to “${twice}”. Keep one of them.`;
}
