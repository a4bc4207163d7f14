import { useId, useState } from 'react';
import type { Contact } from '@/api/types';
import { CHANNEL_WORDS } from '@/lib/consent';
import { fieldWords } from '@/lib/field-words';
import { formatPhone, fullName } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Button, Dialog, DialogActions, Notice, notify } from '@/ui';
import { mergeContacts } from './api';
import css from './grid.module.css';

interface MergeDialogProps {
  contacts: [Contact, Contact];
  onClose: () => void;
  onMerged: (keptId: string) => void;
}

type Side = 0 | 1;

const FIELDS = [
  { name: 'first_name', label: 'First name' },
  { name: 'last_name', label: 'Last name' },
  { name: 'phone', label: 'Phone' },
  { name: 'email', label: 'Email' },
  { name: 'locale', label: 'Language' },
  { name: 'time_zone', label: 'Time zone' },
  { name: 'external_key', label: 'External key' },
] as const;

function valueOf(contact: Contact, name: string): string | null {
  const standard = FIELDS.find((field) => field.name === name);
  const value = standard === undefined ? contact.attributes[name] : contact[standard.name];
  return value === undefined || value === '' ? null : value;
}

/** The fields on which two contacts differ or of which one knows nothing. */
export function fieldsOf([one, other]: [Contact, Contact]): { name: string; label: string }[] {
  const attributes = [
    ...new Set([...Object.keys(one.attributes), ...Object.keys(other.attributes)]),
  ]
    .sort()
    .map((name) => ({ name, label: fieldWords(name) }));
  return [...FIELDS, ...attributes].filter(
    ({ name }) => valueOf(one, name) !== null || valueOf(other, name) !== null,
  );
}

/** Puts two contacts side by side; for each field one value is chosen. */
export function MergeDialog({ contacts, onClose, onMerged }: MergeDialogProps) {
  const id = useId();
  const [kept, setKept] = useState<Side>(0);
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const [busy, setBusy] = useState(false);
  const other: Side = kept === 0 ? 1 : 0;
  const sideOf = (name: string): Side => {
    const side = chosen[name] ?? kept;
    return valueOf(contacts[side], name) === null ? (side === 0 ? 1 : 0) : side;
  };
  const rows = fieldsOf(contacts);
  const merge = async () => {
    setBusy(true);
    try {
      await mergeContacts(
        contacts[kept].id,
        contacts[other].id,
        rows.filter(({ name }) => sideOf(name) === other).map(({ name }) => name),
      );
      notify.done('Merged', 'It can be taken back under Past merges.');
      onMerged(contacts[kept].id);
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };
  const revoked = (['sms', 'whatsapp'] as const).filter((channel) =>
    contacts.some((contact) => contact[`${channel}_consent`] === 'revoked'),
  );
  return (
    <Dialog title="Merge two contacts" onClose={onClose} size="xl" testId="merge-dialog">
      <div className={css.compareScroll}>
        <table className={css.compare}>
          <thead>
            <tr>
              <td id={`${id}-kept`}>Which one stays</td>
              {([0, 1] as const).map((side) => (
                <th key={side} scope="col" id={`${id}-kept-${side}`}>
                  <label className={css.choice}>
                    <input
                      type="radio"
                      name="kept"
                      aria-labelledby={`${id}-kept ${id}-kept-${side}`}
                      checked={kept === side}
                      onChange={() => setKept(side)}
                    />
                    <span>
                      <strong>
                        {fullName(contacts[side]) ?? formatPhone(contacts[side].phone)}
                      </strong>
                      <small>
                        {kept === side ? 'stays' : 'is merged into the other'} · since{' '}
                        {formatDateTime(contacts[side].created_at)}
                      </small>
                    </span>
                  </label>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, label }, row) => (
              <tr key={name}>
                <th scope="row" id={`${id}-${row}`}>
                  {label}
                </th>
                {([0, 1] as const).map((side) => {
                  const value = valueOf(contacts[side], name);
                  return (
                    <td key={side}>
                      {value === null ? (
                        <span className={css.nothing}>–</span>
                      ) : (
                        <label className={css.choice}>
                          <input
                            type="radio"
                            name={`field-${name}`}
                            aria-labelledby={`${id}-${row} ${id}-${row}-${side}`}
                            checked={sideOf(name) === side}
                            onChange={() => setChosen({ ...chosen, [name]: side })}
                          />
                          <span id={`${id}-${row}-${side}`}>
                            {name === 'phone' ? formatPhone(value) : value}
                          </span>
                        </label>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={css.mergeNote}>
        Conversations, cases, leads, lists and campaign results of both go to the contact that
        stays. What is not chosen of phone number, email and key stays with it as further addresses.
      </p>
      {revoked.length > 0 && (
        <Notice tone="warn">
          One of the two opted out of{' '}
          {revoked.map((channel) => CHANNEL_WORDS[channel]).join(' and ')}. That counts for all
          numbers of the contact until the merge is taken back or the person opts in again.
        </Notice>
      )}
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={busy} onClick={() => void merge()} data-testid="merge-confirm">
          Merge
        </Button>
      </DialogActions>
    </Dialog>
  );
}
