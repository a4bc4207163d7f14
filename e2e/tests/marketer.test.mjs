// A marketer who has never seen the product: a file of ten thousand contacts with the usual errors in it, a segment, a
// campaign to it, and what the night does to it. The file, the console and the carrier's ledger must tell the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const ROWS = 10_000;
const QUIET = { start: '21:00', end: '08:00' };
const INTEREST = 'Climbing';
const LEFT_OUT = 'Denver';

// At every hour of the year it is day in one of these and night in another. Where they are no law has other hours than
// the quiet hours above.
const CITIES = [
  { city: 'New York', zone: 'America/New_York', phone: (line) => `(212) 555-${line}` },
  { city: 'Chicago', zone: 'America/Chicago', phone: (line) => `312.555.${line}` },
  { city: LEFT_OUT, zone: 'America/Denver', phone: (line) => `+1 303 555 ${line}` },
  { city: 'Los Angeles', zone: 'America/Los_Angeles', phone: (line) => `213-555-${line}` },
  { city: 'Honolulu', zone: 'Pacific/Honolulu', phone: (line) => `+1808555${line}` },
  { city: 'Dubai', zone: 'Asia/Dubai', phone: (line) => `+971 50 555 ${line}` },
];
const NAMES = ['Ana', 'Ben', 'Chloe', 'Dmitri', 'Élodie', 'Farid', 'Grace', 'Hiro', 'Ines', 'Jamal', 'Kim'];

const id = (name) => `[data-testid="${name}"]`;

describe('a marketer new to the product', { timeout: 180_000 }, () => {
  let demo, browser, product, sandbox, shot, marketer, page;
  let rows, people;
  const measured = {};
  const timed = async (what, work) => {
    const from = Date.now();
    const result = await work();
    measured[what] = Date.now() - from;
    return result;
  };

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    // The demo has no quiet hours, so that it can be played at night.
    await product.patch('/policy', { quiet_hours: QUIET });
    browser = await launch();
    shot = await album('marketer');
    marketer = await openPage(browser);
    page = marketer.page;
    rows = contacts();
    people = rows.filter((row) => row.fault === null);
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
    console.log(`marketer: ${JSON.stringify(measured)}`);
  });

  const noViolations = async (what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };
  const number = async (testId) => Number(digits(await page.locator(id(testId)).first().innerText()));
  const select = (testId, label) => page.locator(id(testId)).selectOption({ label });
  const members = () => people.filter((row) => row.interest === INTEREST && row.city !== LEFT_OUT);
  const consenting = () => members().filter((row) => row.consent === 'given');
  const asleep = () => consenting().filter((row) => isQuiet(row.zone));
  const awake = () => consenting().filter((row) => !isQuiet(row.zone));
  const because = (consent) => members().filter((row) => row.consent === consent).length;

  it('signs in and finds the way to the import', async () => {
    await signIn(page, demo, 'mark@acme.example');
    await page.click(id('nav-contacts'));
    await page.waitForSelector(id('contact-row'));
    await shot(page, 'contacts');
    await page.click(id('contacts-import'));
    await page.waitForSelector(id('import-file'), { state: 'attached' });
    await shot(page, 'import-empty');
    await noViolations('the empty import');
  });

  it('says what each column is, and who agreed to get texts', async () => {
    const file = { name: 'Autumn customers.csv', mimeType: 'text/csv', buffer: Buffer.from(csv(rows)) };
    await timed('upload_ms', async () => {
      await page.setInputFiles(id('import-file'), file);
      await page.waitForSelector(id('import-start'));
    });
    await page.getByText('10,000 rows. Check what each column becomes.').waitFor();
    // What the product has found out by itself.
    const found = {
      'First Name': 'first_name',
      Mobile: 'phone',
      'E-mail': 'email',
      City: 'city',
      Interest: 'interest',
      'SMS opt-in': '',
      'Opt-out': '',
    };
    for (const [column, field] of Object.entries(found)) {
      assert.equal(await page.inputValue(id(`mapping-${column}`)), field, column);
    }
    assert.equal(await page.inputValue(id('consent-kind')), 'column');
    assert.equal(await page.inputValue(id('consent-column')), 'SMS opt-in');
    assert.equal(await page.inputValue(id('opt-out-column')), 'Opt-out');
    assert.equal(await page.inputValue(id('import-list-name')), 'Autumn customers');
    await shot(page, 'import-columns');
    // A claim without evidence is no consent, and the page says so before anything is checked.
    await page.getByText('Give the wording people agreed to, or say where the proof is kept.').waitFor();
    assert.ok(await page.locator(id('import-start')).isDisabled());
    await page.getByText('Each row brings its own evidence').click();
    await page.getByLabel('Column with the proof').selectOption({ label: 'Sign-up form' });
    await page.locator(id('consent-kind')).scrollIntoViewIfNeeded();
    await shot(page, 'import-consent');
    await noViolations('the import with its columns');
  });

  it('sees what would happen, with the faults by kind and as a file', async () => {
    await timed('dry_run_ms', async () => {
      await page.click(id('import-start'));
      await page.waitForSelector(id('dry-run'));
      await shot(page, 'dry-run-running');
      await page.waitForSelector(`${id('dry-run')}[data-state="done"]`, { timeout: 60_000 });
    });
    await importFigures();
    await page.getByText('nothing is changed yet').waitFor();
    const faults = (fault) => rows.filter((row) => row.fault === fault).length.toLocaleString('en-US');
    for (const [fault, words] of Object.entries({
      invalid: 'Not a phone number of its country',
      missing: 'No phone number',
      duplicate: 'The same phone number or external key stands in an earlier row',
    })) {
      const reason = page.locator('dl > div', { hasText: words });
      assert.equal(await reason.locator('dt').innerText(), faults(fault), words);
    }
    const unproven = people.filter((row) => row.consent === 'unproven').length;
    await page.getByText(`For ${unproven} the file says yes, but nothing proves it`).waitFor();
    await shot(page, 'dry-run');
    await noViolations('the dry run');

    const downloading = page.waitForEvent('download');
    await page.click(id('import-errors'));
    const lines = (await readFile(await (await downloading).path(), 'utf8')).trimEnd().split('\r\n');
    const bad = rows.filter((row) => row.fault !== null);
    assert.match(lines[0], /^"row","problem","First Name","Last Name","Mobile"/);
    assert.deepEqual(
      lines.slice(1).map((line) => Number(/^"(\d+)"/.exec(line)[1])),
      bad.map((row) => row.line),
      'the rows of the file of faults',
    );
    assert.deepEqual(await product.all('/contacts?search=walker'), [], 'nobody is there yet');
    assert.ok((await product.all('/lists')).every((list) => list.name !== 'Autumn customers'), 'nor the list');
  });

  it('imports them, and gets what was announced', async () => {
    await timed('import_ms', async () => {
      await page.click(id('import-confirm'));
      await page.waitForSelector(id('import-progress'));
      await shot(page, 'import-running');
      await page.waitForSelector(`${id('import-progress')}[data-state="done"]`, { timeout: 60_000 });
    });
    await importFigures();
    await shot(page, 'import-done');
    await noViolations('the result of the import');
    await page.getByRole('button', { name: 'Show contacts' }).click();
    await page.locator('option', { hasText: `Autumn customers (${people.length.toLocaleString('en-US')})` }).waitFor({
      state: 'attached',
    });
    await page.waitForSelector(id('contact-row'));
    await shot(page, 'contacts-imported');
  });

  it('builds a segment and sees who is in it while building', async () => {
    await page.click(id('nav-segments'));
    await page.waitForSelector(id('segment-new'));
    await shot(page, 'segments-empty');
    await page.click(id('segment-new'));
    await page.fill(id('segment-name'), 'Climbers');
    await page.fill(id('segment-field'), 'interest');
    await page.fill(id('segment-value'), INTEREST.toLowerCase());
    const interested = people.filter((row) => row.interest === INTEREST).length;
    await eventually('the count of all climbers', async () => (await number('segment-count')) === interested);
    await page.click(id('segment-add-row'));
    const second = page.locator(id('segment-row-editor')).nth(1);
    await second.locator(id('segment-field')).fill('city');
    await second.locator(id('segment-operator')).selectOption({ label: 'is not' });
    await second.locator(id('segment-value')).fill(LEFT_OUT);
    await eventually('the count without one city', async () => (await number('segment-count')) === members().length);
    await shot(page, 'segment');
    await noViolations('the segment editor');
    await page.click(id('segment-save'));
    await page.waitForSelector(id('segment-member'));
    await shot(page, 'segment-saved');
    await noViolations('the saved segment');
    await page.getByRole('link', { name: '← Segments' }).click();
    const listed = page.locator(id('segment-row'), { hasText: 'Climbers' });
    await listed.getByText(members().length.toLocaleString('en-US'), { exact: true }).waitFor();
    await shot(page, 'segments');
  });

  it('writes a campaign to the segment and sees who may get it', async () => {
    await page.click(id('nav-campaigns'));
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), 'Autumn on the rocks');
    await page.fill(id('audience-include'), 'Climb');
    await page.getByRole('option', { name: 'Climbers' }).click();
    await page.locator(id('audience-segments'), { hasText: 'Climbers' }).waitFor();
    await page.fill(id('campaign-body'), 'Hi {{ first_name }}, new ropes are in. Ask us:');
    await shot(page, 'composer');
    await noViolations('the composer');
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    assert.equal(await number('audience-sendable'), consenting().length);
    await shot(page, 'draft');
  });

  it('is told before the start who gets it, who does not, and who has to wait', async () => {
    await timed('check_ms', async () => {
      await page.click(id('campaign-start'));
      await page.waitForSelector(id('preflight'));
    });
    assert.equal(await number('preflight-sendable'), consenting().length);
    await page.getByText(`of ${members().length.toLocaleString('en-US')} in the audience`).waitFor();
    const lines = {
      'preflight-no_consent': ['No opt-in on record', because('unproven') + because('none')],
      'preflight-opted_out': ['Opted out', because('out')],
      'preflight-quiet_hours': ['Waits: Quiet hours at the recipient', asleep().length],
    };
    for (const [testId, [words, count]] of Object.entries(lines)) {
      const line = page.locator(id(testId));
      assert.ok((await line.innerText()).startsWith(words), testId);
      assert.equal(Number(digits(await line.locator('strong').innerText())), count, testId);
    }
    assert.equal(await page.locator(`${id('preflight')} li[data-testid^="preflight-"]`).count(), 3, 'and for no other reason');
    await shot(page, 'check');
    await noViolations('the check before the start');
    const start = page.locator(id('confirm-start'));
    assert.equal(await start.innerText(), `Start and send to ${consenting().length}`);
    await start.click();
    await page.waitForSelector(`${id('campaign-state')}[data-state="running"]`);
  });

  it('sends to those who are awake, and holds the others with the reason', async () => {
    const campaign = new URL(page.url()).pathname.split('/').at(-1);
    await timed('sent_ms', () =>
      eventually('everyone who is awake has got it', async () => (await number('funnel-sent')) >= awake().length, 60),
    );
    assert.equal(await number('funnel-planned'), members().length);
    assert.equal(await number('funnel-sent'), awake().length);
    assert.equal(await number('funnel-excluded'), members().length - consenting().length);
    assert.equal(await number('funnel-queued'), asleep().length);
    assert.equal(await number('excluded-no_consent'), because('unproven') + because('none'));
    assert.equal(await number('excluded-opted_out'), because('out'));
    await shot(page, 'running');
    await noViolations('the running campaign');

    await select('recipient-state', 'Held');
    const held = page.locator(id('recipient-row'));
    await eventually('only those who are held are shown', async () => {
      const states = await held.locator('td:nth-child(2)').allInnerTexts();
      return states.length > 0 && states.every((text) => text.startsWith('Held'));
    });
    await held.first().scrollIntoViewIfNeeded();
    for (const text of await held.allInnerTexts()) {
      const person = consenting().find((row) => digits(text).includes(row.e164.slice(-10)));
      assert.ok(person && isQuiet(person.zone), text);
      const clock = person.zone.replace('_', ' ');
      assert.ok(text.includes(`Quiet hours at the recipient, by the clock of ${clock}`), text);
    }
    await shot(page, 'held');
    const rowsOf = await product.all(`/campaigns/${campaign}/recipients`);
    const phones = (states) => rowsOf.filter((row) => states.includes(row.state)).map((row) => row.phone);
    assert.deepEqual(phones(['held']).sort(), asleep().map(e164).sort(), 'held are those who are asleep');
    assert.deepEqual(phones(['sent', 'delivered']).sort(), awake().map(e164).sort(), 'the others have got it');

    // One whom the night holds, found by the number as people type it.
    const [sleeper] = asleep();
    await page.getByLabel('Search recipients').fill(sleeper.e164.slice(-7));
    await eventually('the one who was looked for', async () => (await held.count()) === 1);
    await held.first().getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name: sleeper.first }).waitFor();
    await eventually('nothing is loading', async () => (await page.locator('[aria-busy="true"]').count()) === 0);
    await shot(page, 'held-contact');
    await noViolations('the contact who is held');
  });

  it('agrees with the ledger of the carrier: nobody was woken, nobody got it twice', async () => {
    const texts = (await sandbox.ledger()).filter((entry) => entry.kind === 'sms_accepted');
    const receivers = [...new Set(texts.map((entry) => `+${digits(entry.to)}`))];
    assert.deepEqual(receivers.sort(), awake().map(e164).sort());
    const whole = texts.filter((entry) => entry.text.includes('new ropes are in'));
    assert.equal(whole.length, awake().length);
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(
      marketer.complaints.filter((complaint) => !complaint.includes('401')),
      [],
    );
  });

  /** The counts of a dry run and of the import are the same, and those of the file. */
  async function importFigures() {
    const given = people.filter((row) => row.consent === 'given').length;
    const out = people.filter((row) => row.consent === 'out').length;
    assert.deepEqual(
      {
        read: await number('import-rows_read'),
        created: await number('import-created'),
        updated: await number('import-updated'),
        opted_in: await number('import-opted_in'),
        opted_out: await number('import-opted_out'),
        rejected: await number('import-rejected'),
      },
      {
        read: ROWS,
        created: people.length,
        updated: 0,
        opted_in: given,
        opted_out: out,
        rejected: ROWS - people.length,
      },
    );
  }
});

/** Rows as an export of a shop might have them. Of every hundred, three are no contacts and three have no consent. */
function contacts() {
  // Who falls asleep or wakes up during the test would make it a matter of luck.
  const soon = new Date(Date.now() + 5 * 60_000);
  const cities = CITIES.filter((each) => each.city === LEFT_OUT || isQuiet(each.zone) === isQuiet(each.zone, soon));
  const wanted = cities.filter((each) => each.city !== LEFT_OUT);
  assert.equal(new Set(wanted.map((each) => isQuiet(each.zone))).size, 2, 'it is day in one city and night in another');
  const faults = { 7: 'invalid', 21: 'missing', 43: 'duplicate' };
  const consents = { 58: 'unproven', 77: 'none', 91: 'out' };
  const climbers = [7, 8, 20, 33, 43, 58, 66, 77, 91];
  const rows = [];
  for (let index = 0; index < ROWS; index += 1) {
    const place = index % 100;
    const { city, zone, phone } = cities[(index + Math.floor(index / 100)) % cities.length];
    const fault = faults[place] ?? null;
    const written = phone(String(index).padStart(4, '0'));
    const all = digits(written);
    rows.push({
      line: index + 2,
      first: NAMES[index % NAMES.length],
      last: `Walker ${index}`,
      written: { invalid: 'call me', missing: '', duplicate: rows.at(-1)?.written }[fault] ?? written,
      e164: `+${all.length === 10 ? `1${all}` : all}`,
      city,
      zone,
      interest: climbers.includes(place) ? INTEREST : ['Hiking', 'Camping', 'Skiing'][index % 3],
      consent: consents[place] ?? 'given',
      fault,
    });
  }
  return rows;
}

function csv(rows) {
  const header = ['First Name', 'Last Name', 'Mobile', 'E-mail', 'City', 'Interest', 'SMS opt-in', 'Sign-up form', 'Opt-out'];
  const cells = rows.map(({ line, first, last, written, city, interest, consent }) => [
    first,
    last,
    written,
    `walker${line}@example.com`,
    city,
    interest,
    consent === 'none' ? 'no' : 'yes',
    consent === 'given' ? `web form 2026-09, entry ${line}` : '',
    consent === 'out' ? 'yes' : '',
  ]);
  return [header, ...cells].map((row) => row.map((cell) => `"${cell}"`).join(',')).join('\r\n');
}

/** Whether a clock in the zone shows quiet hours. */
function isQuiet(zone, at = new Date()) {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const time = clock.format(at);
  return time >= QUIET.start || time < QUIET.end;
}

function e164(row) {
  return row.e164;
}

function digits(text) {
  return text.replace(/[^0-9]/g, '');
}
