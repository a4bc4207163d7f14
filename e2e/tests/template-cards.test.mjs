// Cards to swipe through and offers for a time: written by an admin, approved, filled in by an agent and by a campaign,
// shown on the customer's phone, and a tap on a card back in the conversation. And a place above a campaign's text.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, inBoth as lookInBoth, launch, openPage, signIn } from '../lib/browser.mjs';
import { png } from '../lib/media.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';
const GROUP = 'card club';
const HOUR = 3_600_000;

const id = (name) => `[data-testid="${name}"]`;

/** A moment as a field of local time has it, on the hour. */
function localTime(at) {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

describe('cards and offers', { timeout: 300_000 }, () => {
  let demo, browser, product, sandbox, shot, admin, agent, phone, marketer, number;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('template-cards');
    [admin, agent, marketer] = [await openPage(browser), await openPage(browser), await openPage(browser)];
    phone = await openPage(browser, { viewport: { width: 1440, height: 1000 } });
    await sandbox.put('/templates/reviewer', { mode: 'manual' });
    number = (await product.all('/channels')).find((channel) => channel.kind === 'whatsapp').id;
    for (const [line, name] of ['Ana', 'Bea'].entries()) {
      const contact = await product.post('/contacts', {
        phone: `+97150555400${line}`,
        first_name: name,
        attributes: { group: GROUP },
      });
      await product.post(`/contacts/${contact.id}/consent-events`, {
        channel: 'whatsapp',
        purpose: 'marketing',
        action: 'grant',
        method: 'web_form',
        wording: 'Yes, tell me about offers on WhatsApp.',
      });
    }
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const inBoth = ({ page }, step) => lookInBoth(page, shot, step);
  // A phone is there once something came to its number.
  const chat = async (handset = CUSTOMER) => {
    const known = (await sandbox.get('/handsets')).handsets.some((one) => one.id === handset);
    return known ? ((await sandbox.get(`/handsets/${handset}/chats`)).chats[0]?.messages ?? []) : [];
  };
  const row = (name) => admin.page.locator(id('template-row'), { hasText: name });

  it('are written card by card, with what WhatsApp would refuse beside each, and put in order', async () => {
    const { page } = admin;
    await signIn(page, demo, 'admin@acme.example');
    await page.goto(`${demo.url}/setup/templates`);
    await page.click(id('template-new'));
    await page.fill(id('template-name'), 'new_boots');
    await page.fill(id('template-language'), 'en');
    await page.selectOption(id('template-form'), 'cards');
    assert.equal(await page.locator(id('template-category')).inputValue(), 'marketing', 'cards are marketing');
    await page.fill(id('template-body'), 'Hello {{1}}, these are new in our shop.');
    await page.fill(id('template-sample'), 'Ana');
    const cards = page.locator(id('template-card'));
    assert.equal(await cards.count(), 2);
    await page.getByText('Choose an example for each card').first().waitFor();
    assert.ok(await page.locator(id('template-submit')).isDisabled(), 'not without pictures');
    for (const [index, [words, colour]] of [
      ['A tent for {{1}} today.', [40, 120, 90]],
      ['Boots for {{1}} today.', [170, 90, 40]],
    ].entries()) {
      const card = cards.nth(index);
      await card.locator(id('template-card-file')).setInputFiles({
        name: `${index}.png`,
        mimeType: 'image/png',
        buffer: png(colour),
      });
      await card.getByText(`The picture of card ${index + 1} is chosen.`).waitFor();
      await card.locator(id('template-card-body')).fill(words);
      await card.locator(id('template-card-sample')).fill('89 euros');
      await card.locator(id('template-button')).getByRole('textbox').fill('Tell me more');
    }
    await cards.nth(1).locator(id('template-button-kind')).selectOption('phone_number');
    await cards.nth(1).locator(id('template-button-add')).click();
    await page.getByText('All cards have the same kinds of buttons').first().waitFor();
    await inBoth(admin, 'editor-mistake');
    await page.getByRole('button', { name: 'Remove button 2 of card 2' }).click();
    await page.getByRole('button', { name: 'Move card 2 forward' }).click();
    await page.locator(`${id('template-findings')}[data-errors="0"]`).waitFor();
    const preview = page.locator(id('template-preview-cards'));
    await preview.getByText('Boots for 89 euros today.').waitFor();
    assert.ok((await preview.innerText()).startsWith('Boots'), 'the boots come first now');
    await page.click(id('template-card-add'));
    assert.equal(await cards.count(), 3);
    await page.getByRole('button', { name: 'Remove card 3' }).click();
    await eventually('it may be submitted', async () => page.locator(id('template-submit')).isEnabled());
    await page.evaluate(() => globalThis.scrollTo(0, 0));
    await inBoth(admin, 'editor');
    await page.click(id('template-submit'));
    await row('new_boots').getByText('In review').waitFor();
    await sandbox.patch('/templates/new_boots', { status: 'APPROVED' });
    await row('new_boots').getByText('Approved').waitFor();
  });

  it('have an offer with its end, a code and a link', async () => {
    const { page } = admin;
    await page.click(id('template-new'));
    await page.fill(id('template-name'), 'spring_week');
    await page.fill(id('template-language'), 'en');
    await page.selectOption(id('template-form'), 'offer');
    await page.fill(id('template-offer-text'), 'A fifth off everything');
    await page.getByText('1 to 16 characters').first().waitFor();
    await page.fill(id('template-offer-text'), 'A fifth off');
    await page.fill(id('template-body'), 'Hello {{1}}, only these days.');
    await page.fill(id('template-sample'), 'Ana');
    await page.locator(id('template-button')).getByRole('textbox').fill('SPRING25');
    await page.locator(`${id('template-findings')}[data-errors="0"]`).waitFor();
    await page.locator(id('template-preview')).getByText('Ends in 2 days').waitFor();
    await eventually('it may be submitted', async () => page.locator(id('template-submit')).isEnabled());
    await inBoth(admin, 'offer-editor');
    await page.click(id('template-submit'));
    await row('spring_week').getByText('In review').waitFor();
    await sandbox.patch('/templates/spring_week', { status: 'APPROVED' });
    await row('spring_week').getByText('Approved').waitFor();
  });

  it('are filled in by an agent, and swiped on the phone', async () => {
    const maria = (await product.all('/contacts')).find((contact) => contact.phone === `+${CUSTOMER}`);
    await product.post(`/contacts/${maria.id}/consent-events`, {
      channel: 'whatsapp',
      purpose: 'marketing',
      action: 'grant',
      method: 'web_form',
      wording: 'Yes, tell me about offers on WhatsApp.',
    });
    await sandbox.post('/clock', { advance_ms: -25 * HOUR });
    await sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text: 'Anything new?' });
    await sandbox.post('/clock', { advance_ms: 25 * HOUR });
    const { page } = agent;
    await signIn(page, demo, 'sam@acme.example');
    const session = await eventually('the session is open', async () => (await product.all('/sessions'))[0]);
    await page.goto(`${demo.url}/inbox/${session.id}`);
    await page.getByRole('button', { name: 'Take over' }).first().click();
    await page.locator(id('template-option'), { hasText: 'new boots' }).click();
    const slots = page.locator(id('template-slot-card'));
    assert.equal(await slots.count(), 2);
    assert.ok(await page.locator(id('template-send')).isDisabled(), 'each card needs its value');
    await slots.nth(0).locator(id('template-parameter')).fill('95 euros');
    await slots.nth(1).locator(id('template-parameter')).fill('210 euros');
    await page.locator(id('template-cards')).getByText('Boots for 95 euros today.').waitFor();
    await page.locator(id('template-send')).scrollIntoViewIfNeeded();
    await inBoth(agent, 'picker');
    await page.click(id('template-send'));
    const arrived = await eventually('the phone has it', async () =>
      (await chat()).find((message) => message.template?.name === 'new_boots'),
    );
    assert.deepEqual(
      arrived.cards.map((card) => card.text),
      ['Boots for 95 euros today.', 'A tent for 210 euros today.'],
    );
    const sent = page.locator(id('message-bubble'), { hasText: 'Hello Maria' });
    await sent.locator(id('template-cards')).getByText('A tent for 210 euros today.').waitFor();
    await inBoth(agent, 'sent');

    const shown = phone.page;
    await shown.goto(`${demo.sandbox_url}/phone?handset=${CUSTOMER}&app=chat`);
    const cards = shown.locator(id('chat-cards'));
    await cards.waitFor();
    await inBoth(phone, 'phone-cards');
    await cards.focus();
    await shown.keyboard.press('End');
    await shown.keyboard.press('ArrowRight');
    await shown.locator(id('chat-card')).nth(1).locator(id('chat-button')).click();
    const tapped = page.locator(id('message-bubble'), { hasText: 'Tell me more' }).last();
    await tapped.waitFor();
    const answer = await eventually('the tap is in the conversation', async () =>
      (await product.all(`/sessions/${session.id}/messages`)).find(
        (message) => message.direction === 'inbound' && message.text === 'Tell me more',
      ),
    );
    assert.equal(answer.details.choice.id, 'Tell me more (card 2)', 'which of the cards was tapped');
  });

  it('send an offer that says when it ends', async () => {
    const { page } = agent;
    await page.click(id('composer-template'));
    await page.locator(id('template-option'), { hasText: 'spring week' }).click();
    await page.locator(id('template-parameter')).last().fill('MARIA25');
    assert.ok(await page.locator(id('template-send')).isDisabled(), 'not without an end');
    await page.fill(id('template-offer-ends'), localTime(Date.now() + 50 * HOUR));
    await inBoth(agent, 'offer-picker');
    await page.click(id('template-send'));
    const arrived = await eventually('the phone has it', async () => (await chat()).find((message) => message.offer));
    assert.equal(arrived.offer.code, 'MARIA25');
    assert.ok(arrived.offer.ends_at > Date.now() + 48 * HOUR);
    await page.locator(id('message-offer')).getByText('Code MARIA25').waitFor();
    await inBoth(agent, 'offer-sent');
    await phone.page.locator(id('chat-offer-left')).getByText('Ends in 2 d').waitFor();
    await phone.page.locator(id('chat-offer')).scrollIntoViewIfNeeded();
    await inBoth(phone, 'phone-offer');
  });

  const campaign = async (name, label) => {
    const { page } = marketer;
    await page.goto(`${demo.url}/campaigns`);
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), name);
    await page.click(id('campaign-channel-whatsapp'));
    await page.locator(id('template-choice')).selectOption({ label });
    await page.click(id('campaign-add-filter'));
    await page.fill(id('campaign-filter-field'), 'group');
    await page.fill(id('campaign-filter-value'), GROUP);
    return page;
  };
  const start = async (page) => {
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    await page.click(id('campaign-start'));
    await page.click(id('confirm-start'));
  };

  it('go to many, each card with its value, and one upload for each picture', async () => {
    await signIn(marketer.page, demo, 'mark@acme.example');
    const page = await campaign('New boots', 'new_boots (en) · marketing');
    await page.fill(id('template-card-1-value-1'), '{{ first_name }}, 95 euros,');
    await page.fill(id('template-card-2-value-1'), '210 euros');
    assert.match(await page.locator(id('template-card-1-file-state')).innerText(), /template’s own is sent/);
    await page.locator(id('template-preview-cards')).getByText('A tent for 210 euros today.').waitFor();
    await page.locator(id('campaign-card')).first().scrollIntoViewIfNeeded();
    await inBoth(marketer, 'campaign-cards');
    await start(page);
    const first = await eventually('Ana has it', async () => (await chat('971505554000'))[0]);
    assert.equal(first.cards[0].text, 'Boots for Ana, 95 euros, today.');
    await eventually('Bea has it', async () => (await chat('971505554001'))[0]);
    const uploads = (await sandbox.ledger()).filter((entry) => entry.kind === 'wa_file_uploaded');
    assert.equal(uploads.length, 2, 'those of the agent’s message are sent again');
  });

  it('ask a campaign when its offer ends', async () => {
    const page = await campaign('Spring week', 'spring_week (en) · marketing');
    await page.fill(id('template-button-0'), 'SPRING25');
    await page.fill(id('template-offer-ends'), localTime(Date.now() - HOUR));
    await page.locator(id('template-offer-ends')).scrollIntoViewIfNeeded();
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    await eventually('nobody would get it', async () => page.locator(id('campaign-start')).isDisabled());
    await inBoth(marketer, 'campaign-offer-over');
  });

  it('have a place above the text of a campaign', async () => {
    await sandbox.post('/templates', {
      name: 'come_by',
      language: 'en',
      category: 'MARKETING',
      components: [
        { type: 'HEADER', format: 'LOCATION' },
        { type: 'BODY', text: 'Our shop opens on Friday.' },
      ],
    });
    await product.post(`/channels/${number}/sync-templates`);
    const page = await campaign('Opening', 'come_by (en) · marketing');
    for (const [part, words] of [
      ['latitude', '52.5208'],
      ['longitude', '13.4094'],
      ['name', 'Acme Outdoor'],
      ['address', 'Alexanderplatz 1, Berlin'],
    ]) {
      await page.fill(id(`template-place-${part}`), words);
    }
    await inBoth(marketer, 'campaign-place');
    await start(page);
    const shown = await eventually('Ana has it', async () =>
      (await chat('971505554000')).find((message) => message.template?.name === 'come_by'),
    );
    assert.equal(shown.header, 'Acme Outdoor\nAlexanderplatz 1, Berlin');
  });

  it('leave no error in any console', async () => {
    assert.deepEqual(await accessibilityViolations(marketer.page), []);
    for (const { complaints } of [admin, agent, marketer, phone]) {
      assert.deepEqual(
        complaints.filter((complaint) => !complaint.includes('401')),
        [],
      );
    }
  });
});
