import { useState, type FormEvent } from 'react';
import { errorWords } from '@/api/errors';
import type { RateCardCheck } from '@/api/price-types';
import {
  Button,
  DataTable,
  DateField,
  Dialog,
  DialogActions,
  Notice,
  notify,
  Stack,
  TextArea,
  TextField,
  type Typed,
} from '@/ui';
import { text } from '../FormDialog';
import { checkRateCard, importRateCard, type PriceTable } from './api';
import css from '../setup.module.css';
import { prices } from './standing';

const SHOWN = 200;

interface ImportProps {
  onClose: () => void;
  onDone: () => Promise<unknown>;
}

/** Takes a price list in: first it is checked and shown, and only then does it count. */
export function ImportDialog({ onClose, onDone }: ImportProps) {
  const [csv, setCsv] = useState('');
  const [tiers, setTiers] = useState('');
  const [day, setDay] = useState('');
  const [dates, setDates] = useState<Typed>('whole');
  const [checked, setChecked] = useState<{ table: PriceTable; check: RateCardCheck } | null>(null);
  const [busy, setBusy] = useState<'yes' | 'no'>('no');
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (work: () => Promise<void>) => {
    setBusy('yes');
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(errorWords(error).message);
    } finally {
      setBusy('no');
    }
  };
  const check = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const table = {
      name: text(form, 'name'),
      valid_from: day,
      currency: text(form, 'currency').toUpperCase(),
      csv,
      tiers_csv: tiers.trim() === '' ? null : tiers,
    };
    void run(async () => setChecked({ table, check: await checkRateCard(table) }));
  };
  const take = (table: PriceTable) =>
    run(async () => {
      await importRateCard(table);
      await onDone();
      notify.done('Price list taken in');
      onClose();
    });
  const ready = checked?.check.card ?? null;
  return (
    <Dialog title="Take in a price list" onClose={onClose} testId="price-dialog">
      {problem !== null && (
        <Notice tone="bad" live="alert">
          {problem}
        </Notice>
      )}
      {checked === null || ready === null ? (
        <form onSubmit={check}>
          <Stack gap={12}>
            {checked !== null && (
              <Notice tone="bad" live="alert" title="The table cannot be taken in yet">
                <ul data-testid="price-problems">
                  {checked.check.problems.map((each) => (
                    <li key={`${each.table ?? ''}${each.line ?? ''}${each.message}`}>
                      {problemWords(each)}
                    </li>
                  ))}
                </ul>
              </Notice>
            )}
            <TextField
              label="Name"
              name="name"
              maxLength={200}
              required
              withAsterisk={false}
              defaultValue={checked?.table.name ?? ''}
              data-autofocus
              data-testid="price-name"
            />
            <DateField
              label="First day"
              description="From midnight in the account’s time zone, until the next list begins."
              type="date"
              required
              withAsterisk={false}
              value={day}
              onDate={setDay}
              onTyped={setDates}
              data-testid="price-day"
            />
            <TextField
              label="Currency"
              description="Three letters, such as USD."
              name="currency"
              maxLength={3}
              required
              withAsterisk={false}
              defaultValue={checked?.table.currency ?? ''}
              data-testid="price-currency"
            />
            <label className={css.file}>
              <span>Table from a file</span>
              <input
                type="file"
                accept=".csv,.txt,text/csv,text/plain"
                data-testid="price-file"
                onChange={(event) => {
                  const file = event.target.files?.[0];
                  if (file !== undefined) void file.text().then(setCsv);
                }}
              />
            </label>
            <TextArea
              label="Table"
              description="A line for each price under the heading market,category,price; or WhatsApp’s own file of rates, with a column for each category. The price is that of one message, such as 0.0250. With the columns from and to, lines can be tiers by the messages of the month."
              autosize={false}
              rows={7}
              required
              withAsterisk={false}
              value={csv}
              placeholder={'market,category,price\nGermany,marketing,0.1131'}
              onChange={(event) => setCsv(event.currentTarget.value)}
              data-testid="price-table"
            />
            <label className={css.file}>
              <span>Tiers from a file</span>
              <input
                type="file"
                accept=".csv,.txt,text/csv,text/plain"
                data-testid="price-tiers-file"
                onChange={(event) => {
                  const file = event.target.files?.[0];
                  if (file !== undefined) void file.text().then(setTiers);
                }}
              />
            </label>
            <TextArea
              label="Tiers, when they are a table of their own"
              description="WhatsApp’s file of volume tiers: market, category, from, to and price. The first tier of each begins at message 1 and has the price of the table above."
              autosize={false}
              rows={4}
              value={tiers}
              placeholder={'market,category,from,to,price\nIndia,utility,1,100000,0.0014'}
              onChange={(event) => setTiers(event.currentTarget.value)}
              data-testid="price-tiers"
            />
          </Stack>
          <DialogActions>
            <Button emphasis="secondary" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={busy === 'yes'}
              disabled={dates === 'half'}
              data-testid="price-check"
            >
              Check
            </Button>
          </DialogActions>
        </form>
      ) : (
        <>
          <Stack gap={12}>
            <Preview check={checked.check} />
          </Stack>
          <DialogActions>
            <Button emphasis="secondary" onClick={() => setChecked(null)}>
              Back
            </Button>
            <Button
              loading={busy === 'yes'}
              onClick={() => void take(checked.table)}
              data-testid="price-take"
            >
              {checked.check.replaces ? 'Replace the list' : 'Take it in'}
            </Button>
          </DialogActions>
        </>
      )}
    </Dialog>
  );
}

function problemWords({ table, line, message }: RateCardCheck['problems'][number]): string {
  if (line === null) return message;
  return table === 'tiers' ? `Tiers, line ${line}: ${message}` : `Line ${line}: ${message}`;
}

/** What would change, before it does. */
function Preview({ check }: { check: RateCardCheck }) {
  const { card, changes } = check;
  if (card === null) return null;
  const tiered = card.rates.filter((rate) => rate.tiers.length > 0).length;
  return (
    <>
      <p data-testid="price-preview">
        {card.rates.length} prices in {card.currency}, valid from {card.valid_from}.{' '}
        {check.compared_with === null
          ? 'There is nothing to compare them with.'
          : `${changes.length} differ from “${check.compared_with}”.`}{' '}
        {tiered === 0 ? 'None has tiers.' : `${tiered} of them have tiers.`} Checked against the
        markets of {check.markets_as_of}.
      </p>
      {check.replaces && (
        <Notice tone="warn">It takes the place of the list of the same day and currency.</Notice>
      )}
      {check.unpriced.length > 0 && (
        <Notice tone="warn" title="Markets without a price for marketing">
          {check.unpriced.join(', ')}
        </Notice>
      )}
      {changes.length > 0 && (
        <DataTable
          label="What changes"
          rows={changes.slice(0, SHOWN)}
          rowKey={(change) => `${change.market} ${change.category}`}
          rowTestId="price-change"
          columns={[
            { key: 'market', title: 'Market', render: (change) => change.market },
            { key: 'category', title: 'Category', render: (change) => change.category },
            {
              key: 'before',
              title: 'Now',
              align: 'end',
              render: (change) => prices(change.before, change.tiers_before, card.currency),
            },
            {
              key: 'after',
              title: 'Then',
              align: 'end',
              render: (change) => prices(change.after, change.tiers_after, card.currency),
            },
          ]}
        />
      )}
    </>
  );
}
