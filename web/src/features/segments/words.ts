import type { SegmentGroup, SegmentOperator, SegmentRow, SegmentTopic } from '@/api/types';

export const TOPICS: { value: SegmentTopic; label: string }[] = [
  { value: 'field', label: 'Contact field' },
  { value: 'event', label: 'What happened' },
  { value: 'consent', label: 'Consent' },
  { value: 'list', label: 'List' },
  { value: 'created', label: 'Added' },
  { value: 'suppressed', label: 'Suppression list' },
  { value: 'table', label: 'Data table' },
];

export const FIELD_OPERATORS: { value: SegmentOperator; label: string }[] = [
  { value: 'is', label: 'is' },
  { value: 'is_not', label: 'is not' },
  { value: 'is_any_of', label: 'is any of' },
  { value: 'is_none_of', label: 'is none of' },
  { value: 'contains', label: 'contains' },
  { value: 'contains_not', label: 'does not contain' },
  { value: 'starts_with', label: 'starts with' },
  { value: 'ends_with', label: 'ends with' },
  { value: 'filled', label: 'has any value' },
  { value: 'empty', label: 'has no value' },
  { value: 'equal', label: '= (number)' },
  { value: 'less', label: '< (number)' },
  { value: 'at_most', label: '≤ (number)' },
  { value: 'more', label: '> (number)' },
  { value: 'at_least', label: '≥ (number)' },
  { value: 'matches', label: 'matches pattern' },
];

export const YES_NO: { value: SegmentOperator; label: string }[] = [
  { value: 'is', label: 'is' },
  { value: 'is_not', label: 'is not' },
];

export const HAPPENED: { value: SegmentOperator; label: string }[] = [
  { value: 'happened', label: 'yes' },
  { value: 'happened_not', label: 'no' },
];

export const EVENTS = [
  { value: 'received', label: 'was sent a campaign' },
  { value: 'delivered', label: 'got a campaign delivered' },
  { value: 'clicked', label: 'tapped a link' },
  { value: 'chatted', label: 'opened a chat' },
  { value: 'replied', label: 'wrote in a chat' },
];

export const FIELDS = ['first_name', 'last_name', 'phone', 'email', 'locale', 'time_zone'];

const BASE = { name: '', values: [], ignore_case: false, campaign_id: null, days: null };

/** Choices with the one that is set: a field without it would show another. */
export const withValue = <T extends { value: string; label: string }>(
  choices: T[],
  value: string,
  label = value,
) => (choices.some((each) => each.value === value) ? choices : [...choices, { value, label }]);

/** A fresh row about a topic. */
export function emptyRow(topic: SegmentTopic): SegmentRow {
  switch (topic) {
    case 'field':
      return { ...BASE, topic, operator: 'is', values: [''], ignore_case: true };
    case 'event':
      return { ...BASE, topic, name: 'clicked', operator: 'happened', days: 30 };
    case 'consent':
      return { ...BASE, topic, name: 'sms', operator: 'is', values: ['granted'] };
    case 'list':
      return { ...BASE, topic, operator: 'is', values: [''] };
    case 'created':
      return { ...BASE, topic, operator: 'happened', days: 30 };
    case 'suppressed':
      return { ...BASE, topic, operator: 'is_not' };
    case 'table':
      return { ...BASE, topic, operator: 'happened', having: [] };
  }
}

export const takesValue = (operator: SegmentOperator) =>
  operator !== 'filled' && operator !== 'empty';

export const takesMany = (operator: SegmentOperator) =>
  operator === 'is_any_of' || operator === 'is_none_of';

export const isNumber = (operator: SegmentOperator) =>
  ['equal', 'less', 'at_most', 'more', 'at_least'].includes(operator);

export const EMPTY_FORM: SegmentGroup = { join: 'all', items: [{ row: emptyRow('field') }] };
