import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { CustomerPanel, LeadStatus, Session } from '@/api/types';
import { useRegisterCommands } from '@/lib/hotkeys';
import { fullName } from '@/lib/phone';
import {
  Button,
  Dialog,
  DialogActions,
  notify,
  Row,
  SelectField,
  Stack,
  Tag,
  TextArea,
  TextField,
} from '@/ui';
import { createCase, createLead, setLeadStatus } from './api';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';

const LEAD_STATUSES: { value: LeadStatus; label: string }[] = [
  { value: 'new', label: 'New' },
  { value: 'working', label: 'Working' },
  { value: 'won', label: 'Won' },
  { value: 'lost', label: 'Lost' },
];

/** Lead and case of this conversation. */
export function WorkSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const cache = useQueryClient();
  const [dialog, setDialog] = useState<'lead' | 'case' | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: keys.panel(session.id) });
  const { lead, case: openCase } = panel;
  useRegisterCommands([
    ...(lead === null
      ? [
          {
            id: 'panel.lead',
            label: 'Create lead',
            group: 'Customer',
            keys: 'l',
            run: () => setDialog('lead'),
          },
        ]
      : []),
    ...(openCase === null
      ? [
          {
            id: 'panel.case',
            label: 'Create case',
            group: 'Customer',
            keys: 'c',
            run: () => setDialog('case'),
          },
        ]
      : []),
  ]);

  return (
    <PanelSection title="Lead and case">
      {lead !== null && (
        <div className={css.item} data-testid="panel-lead">
          <div>
            <strong>{lead.name}</strong>
            <span>Lead</span>
          </div>
          <SelectField
            size="xs"
            aria-label="Status of the lead"
            value={lead.status}
            data={LEAD_STATUSES}
            data-testid="lead-status"
            onChange={(event) => {
              setLeadStatus(lead.id, event.currentTarget.value as LeadStatus).then(
                refresh,
                notify.failure,
              );
            }}
          />
        </div>
      )}
      {openCase !== null && (
        <div className={css.item} data-testid="panel-case">
          <div>
            <strong>{openCase.subject}</strong>
            <span>Case {openCase.number}</span>
          </div>
          <Tag tone={openCase.state === 'open' ? 'accent' : 'neutral'}>
            {openCase.state === 'open' ? 'Open' : 'Closed'}
          </Tag>
        </div>
      )}
      <Row>
        {lead === null && (
          <Button
            emphasis="secondary"
            size="xs"
            onClick={() => setDialog('lead')}
            data-testid="create-lead"
          >
            Create lead
          </Button>
        )}
        {openCase === null && (
          <Button
            emphasis="secondary"
            size="xs"
            onClick={() => setDialog('case')}
            data-testid="create-case"
          >
            Create case
          </Button>
        )}
      </Row>
      {dialog === 'lead' && (
        <LeadDialog
          session={session}
          panel={panel}
          onClose={() => setDialog(null)}
          onDone={() => {
            setDialog(null);
            void refresh();
          }}
        />
      )}
      {dialog === 'case' && (
        <CaseDialog
          session={session}
          onClose={() => setDialog(null)}
          onDone={() => {
            setDialog(null);
            void refresh();
          }}
        />
      )}
    </PanelSection>
  );
}

interface DialogProps {
  session: Session;
  onClose: () => void;
  onDone: () => void;
}

function useSubmit(work: (form: FormData) => Promise<unknown>, onDone: () => void) {
  const [busy, setBusy] = useState(false);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    work(new FormData(event.currentTarget)).then(onDone, (error: unknown) => {
      notify.failure(error);
      setBusy(false);
    });
  };
  return { busy, onSubmit };
}

function optional(form: FormData, name: string): string | undefined {
  const value = String(form.get(name) ?? '').trim();
  return value === '' ? undefined : value;
}

function LeadDialog({ session, panel, onClose, onDone }: DialogProps & { panel: CustomerPanel }) {
  const gathered = (name: string) => session.gathered.find((each) => each.name === name)?.value;
  const name =
    (panel.contact === null ? null : fullName(panel.contact)) ??
    gathered('name') ??
    session.customer.name;
  const { busy, onSubmit } = useSubmit(async (form) => {
    const phone = optional(form, 'phone');
    const email = optional(form, 'email');
    const note = optional(form, 'note');
    await createLead(session.id, {
      name: String(form.get('name')).trim(),
      ...(phone === undefined ? {} : { phone }),
      ...(email === undefined ? {} : { email }),
      ...(note === undefined ? {} : { note }),
    });
    notify.done('Lead created');
  }, onDone);
  return (
    <Dialog title="Create lead" onClose={onClose} size="sm">
      <form onSubmit={onSubmit}>
        <Stack gap={12}>
          <TextField
            label="Name"
            name="name"
            defaultValue={name}
            required
            data-autofocus
            data-testid="lead-name"
          />
          <TextField
            label="Phone"
            name="phone"
            type="tel"
            defaultValue={session.customer.phone ?? panel.contact?.phone ?? ''}
            data-testid="lead-phone"
          />
          <TextField
            label="Email"
            name="email"
            type="email"
            defaultValue={panel.contact?.email ?? gathered('email') ?? ''}
          />
          <TextArea label="Note" name="note" autosize={false} rows={3} />
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} data-testid="lead-save">
            Create lead
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function CaseDialog({ session, onClose, onDone }: DialogProps) {
  const topic = session.gathered.find((each) => each.name === 'topic')?.value ?? '';
  const { busy, onSubmit } = useSubmit(async (form) => {
    await createCase(session.id, String(form.get('subject')).trim());
    notify.done('Case created');
  }, onDone);
  return (
    <Dialog title="Create case" onClose={onClose} size="sm">
      <form onSubmit={onSubmit}>
        <TextField
          label="Subject"
          description="What the customer needs, in a few words."
          name="subject"
          defaultValue={topic}
          required
          data-autofocus
          data-testid="case-subject"
        />
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} data-testid="case-save">
            Create case
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
