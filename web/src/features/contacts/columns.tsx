import type { ReactNode } from 'react';
import type { AttributeDefinition, Contact } from '@/api/types';
import { fieldWords } from '@/lib/field-words';
import { formatPhone, fullName } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { ConsentTag } from './ConsentTag';
import css from './contacts.module.css';

/** A column that the table of contacts can show. */
export interface ContactColumn {
  key: string;
  title: string;
  render: (contact: Contact) => ReactNode;
  priority?: 'wide';
}

const STANDARD: ContactColumn[] = [
  {
    key: 'phone',
    title: 'Phone',
    priority: 'wide',
    render: (contact) => <span className={css.phone}>{formatPhone(contact.phone)}</span>,
  },
  {
    key: 'sms_consent',
    title: 'SMS consent',
    render: (contact) => <ConsentTag state={contact.sms_consent} />,
  },
  {
    key: 'whatsapp_consent',
    title: 'WhatsApp consent',
    priority: 'wide',
    render: (contact) => <ConsentTag state={contact.whatsapp_consent} />,
  },
  { key: 'email', title: 'Email', priority: 'wide', render: (contact) => contact.email },
  { key: 'locale', title: 'Language', priority: 'wide', render: (contact) => contact.locale },
  {
    key: 'time_zone',
    title: 'Time zone',
    priority: 'wide',
    render: (contact) => contact.time_zone,
  },
  {
    key: 'external_key',
    title: 'External key',
    priority: 'wide',
    render: (contact) => contact.external_key,
  },
  {
    key: 'created_at',
    title: 'Known since',
    priority: 'wide',
    render: (contact) => formatDateTime(contact.created_at),
  },
];

export const DEFAULT_COLUMNS = ['phone', 'sms_consent', 'whatsapp_consent'];

/** The name comes first and always stays. */
export const NAME_COLUMN: ContactColumn = {
  key: 'name',
  title: 'Name',
  render: (contact) => (
    <div className={css.who}>
      <strong>{fullName(contact) ?? 'No name'}</strong>
      {contact.email !== null && <span>{contact.email}</span>}
      <span className={css.narrowPhone}>{formatPhone(contact.phone)}</span>
    </div>
  ),
};

function attributeColumn(name: string, definition: AttributeDefinition | undefined): ContactColumn {
  return {
    key: name,
    title: definition?.label ?? fieldWords(name),
    priority: 'wide',
    render: (contact) => {
      const value = contact.attributes[name];
      if (definition?.kind !== 'boolean') return value ?? '';
      return value === 'true' ? 'Yes' : value === 'false' ? 'No' : '';
    },
  };
}

/** Every column there is: the contact's own fields, defined attributes, and attributes that were seen. */
export function allColumns(
  definitions: AttributeDefinition[],
  contacts: Contact[],
): ContactColumn[] {
  const names = new Set(definitions.map((definition) => definition.name));
  for (const contact of contacts.slice(0, 200)) {
    for (const name of Object.keys(contact.attributes)) names.add(name);
  }
  return [
    ...STANDARD,
    ...[...names].map((name) =>
      attributeColumn(
        name,
        definitions.find((definition) => definition.name === name),
      ),
    ),
  ];
}
