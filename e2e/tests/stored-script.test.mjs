// What strangers can write is only ever shown: scripts, handlers, javascript: addresses, markup, templates and cells of
// spreadsheets in every inbound field, and then every screen that shows them. Nothing may run, nothing may be fetched from
// elsewhere, no address may lead anywhere but to http(s), and the content security policy may not even have to help.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { album, launch, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const BUSINESS = '15550783881';
const NUMBER_ID = '106540352242922';
const WABA = '102290129340398';
const id = (name) => `[data-testid="${name}"]`;

/** Everything at once, with the place in it so that what runs says where it was. */
function hostile(place) {
  const run = `__ran('${place}')`;
  return [
    `<script>${run}</script>`,
    `"><img src=x onerror=${run}>`,
    `'><svg/onload=${run}><animate onbegin=${run} attributeName=x dur=1s>`,
    `<iframe srcdoc="<script>parent.${run}</script>"></iframe>`,
    `<img src=https://elsewhere.invalid/${place}><style>@import'//elsewhere.invalid/${place}';</style>`,
    `</title></textarea></template><base href=//elsewhere.invalid/><form action=//elsewhere.invalid><button>`,
    `<a href="javascript:${run}">x</a> [x](javascript:${run}) javascript:${run} https://a.example/?"onclick=${run}`,
    `{{constructor.constructor("${run}")()}} \${${run}} #{${run}} <%= ${run} %> {% include "x" %}`,
    '\u202Egpj.exe\u202C\u2066\u200F\u0000\uFFFE'.replaceAll('\u0000', ''),
  ].join(' ');
}
/** The same where little fits. */
const brief = (place) => `<img src=x onerror=__ran('${place}')>`;
const address = (place) => `javascript:__ran('${place}')`;
/** What no screen shows as it came: kept in the raw event, or put into words of our own. */
const NOT_SHOWN = ['card-vcard', 'button-payload', 'form-body', 'error-title', 'error-details', 'whatever', 'ad-body', 'account-event', 'template-reason', 'unknown-field'];
const FORMULA = '=HYPERLINK("https://elsewhere.invalid","x")';

/** Sets what notices anything that runs, before anything of the page does. */
async function watched(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce', ...options });
  const seen = { ran: [], policy: [], dialogs: [], elsewhere: [], errors: [] };
  await context.exposeFunction('__told', (kind, what) => seen[kind].push(what));
  await context.addInitScript(() => {
    globalThis.__ran = (place) => globalThis.__told('ran', String(place));
    document.addEventListener('securitypolicyviolation', (event) =>
      globalThis.__told('policy', `${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  await context.route(
    (url) => url.hostname !== '127.0.0.1',
    (route) => {
      seen.elsewhere.push(route.request().url());
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on('dialog', (dialog) => {
    seen.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => seen.errors.push(error.message));
  return { context, page, seen };
}

/** What on the page leads elsewhere than to http(s), or could run. */
const suspicious = (page) =>
  page.evaluate(() => {
    const found = [];
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        if (name.startsWith('on')) found.push(`${element.tagName} ${name}`);
        if (name === 'srcdoc') found.push(`${element.tagName} ${name}`);
        if (['href', 'src', 'action', 'formaction', 'xlink:href', 'poster', 'data'].includes(name)) {
          const { protocol } = new URL(value, location.href);
          const picture = element.tagName === 'IMG' && ['blob:', 'data:'].includes(protocol);
          if (!['http:', 'https:'].includes(protocol) && !picture) found.push(`${element.tagName} ${name}=${value.slice(0, 80)}`);
        }
      }
      if (['IFRAME', 'OBJECT', 'EMBED', 'BASE', 'ANIMATE', 'SET'].includes(element.tagName.toUpperCase())) found.push(element.tagName);
      if (element.tagName === 'SCRIPT' && element.src === '') found.push('inline script');
    }
    return found;
  });

describe('what strangers write', { timeout: 600_000 }, () => {
  let demo, browser, product, sandbox, shot, admin;
  const places = [];

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('stored-script');
    admin = await watched(browser);
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  it('is noticed when it runs, by this very detector', async () => {
    const pages = {
      '/open': [null, `<div id=box></div><script>box.innerHTML = ${JSON.stringify(hostile('control')).replaceAll('</', '<\\/')}</script>`],
      '/guarded': ["default-src 'self'", `<div>${hostile('guarded')}</div>`],
    };
    const server = createServer((request, response) => {
      const [policy, body] = pages[request.url] ?? [null, ''];
      response.writeHead(200, { 'content-type': 'text/html', ...(policy ? { 'content-security-policy': policy } : {}) });
      response.end(`<!doctype html><meta charset=utf-8>${body}`);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${server.address().port}`;
    const { context, page, seen } = await watched(browser);
    await page.goto(`${origin}/open`);
    await eventually('the handlers run', () => seen.ran.length > 0 && seen.elsewhere.length > 0, 10);
    const found = await suspicious(page);
    assert.ok(found.some((each) => each.includes('onerror')) && found.some((each) => each.includes('javascript:')), `${found}`);
    seen.ran.length = 0;
    await page.goto(`${origin}/guarded`);
    await eventually('the policy stops it and tells', () => seen.policy.length > 1, 10);
    assert.deepEqual(seen.ran, []);
    await page.evaluate(() => setTimeout(() => alert('x')));
    await eventually('a dialog is seen', () => seen.dialogs.length === 1, 10);
    await context.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('comes in by every field of WhatsApp, of texts and of files', async () => {
    const mark = (place) => {
      places.push(place);
      return hostile(place);
    };
    let count = 0;
    const base = (type, from) => ({ from, from_user_id: `US.${from}`, id: `wamid.hostile${(count += 1)}`, timestamp: String(Math.floor(Date.now() / 1000)), type });
    const post = async (field, value) => {
      const body = {
        object: 'whatsapp_business_account',
        entry: [{ id: WABA, time: Math.floor(Date.now() / 1000), changes: [{ field, value }] }],
      };
      const { status } = await sandbox.post('/webhook/raw', { body, sign: true });
      assert.equal(status, 200, field);
    };
    const metadata = { display_phone_number: BUSINESS, phone_number_id: NUMBER_ID };
    const from = (wa_id, messages, profile) =>
      post('messages', {
        messaging_product: 'whatsapp',
        metadata,
        contacts: [{ profile, wa_id, user_id: `US.${wa_id}` }],
        messages: messages.map((make) => make(wa_id)),
      });
    const media = (kind, more) => (wa) => ({ ...base(kind, wa), [kind]: { id: '404404', mime_type: 'image/png', sha256: 'x', ...more } });
    const said = (type, content, more = {}) => (wa) => ({ ...base(type, wa), [type]: content, ...more });

    await from('15550660001', [
      said('text', { body: mark('text') }),
      said('text', { body: `${FORMULA} ${'A'.repeat(4000)}` }),
      said('text', { body: `<${'b>'.repeat(2000)}` }),
      said('text', { body: address('whole-text') }),
      said('text', { body: `https://a.example/"onmouseover=__ran('link')" data:text/html,<script>__ran('data')</script>` }),
    ], { name: mark('profile-name'), username: brief('username') });
    await from('15550660002', [
      media('image', { caption: mark('caption') }),
      media('document', { filename: `${brief('file-name')}.html`, caption: mark('document-caption'), mime_type: 'text/html' }),
      media('document', { filename: '\u202Egnp.exe', mime_type: 'image/svg+xml' }),
      media('audio', { mime_type: brief('mime'), voice: true }),
      media('video', { caption: brief('video') }),
      media('sticker', { animated: true }),
      said('location', { latitude: 1, longitude: 2, name: mark('place-name'), address: mark('place-address'), url: address('place-url') }),
      said('location', { latitude: brief('latitude'), longitude: '"onload=x', url: `https://a.example/"><script>__ran('place-link')</script>` }),
      said('contacts', [{
        name: { formatted_name: mark('card-name'), first_name: brief('card-first') },
        phones: [{ phone: brief('card-phone'), wa_id: '1', type: brief('card-type') }],
        emails: [{ email: `x@y"onclick=${brief('card-mail')}` }],
        org: { company: mark('card-company') },
        urls: [{ url: address('card-url') }],
        birthday: brief('card-birthday'),
        vcard: mark('card-vcard'),
      }]),
    ], { name: brief('second-name') });
    await from('15550660003', [
      said('button', { payload: mark('button-payload'), text: mark('button-text') }),
      said('interactive', { type: 'button_reply', button_reply: { id: brief('reply-id'), title: mark('reply-title') } }),
      said('interactive', { type: 'list_reply', list_reply: { id: 'x', title: mark('row-title'), description: mark('row-description') } }),
      said('interactive', { type: 'nfm_reply', nfm_reply: { name: brief('form-name'), body: mark('form-body'), response_json: JSON.stringify({ [brief('form-key')]: mark('form-value'), nested: { a: [address('form-url')] } }) } }),
      said('interactive', { type: 'nfm_reply', nfm_reply: { name: 'flow', body: 'Sent', response_json: `{broken ${brief('broken-form')}` } }),
      said('interactive', { type: brief('interactive-type') }),
      said('order', { catalog_id: brief('catalog'), text: mark('order-text'), product_items: [{ product_retailer_id: mark('product'), quantity: 1, item_price: 1.5, currency: brief('currency') }] }),
      said('reaction', { message_id: 'wamid.hostile1', emoji: brief('reaction') }),
      said('system', { body: mark('system'), type: brief('system-type') }),
      said('edit', { original_message_id: 'wamid.hostile1', message: { type: 'text', text: { body: mark('edited') } } }),
      said('revoke', { original_message_id: brief('revoked') }),
      (wa) => ({ ...base('unsupported', wa), errors: [{ code: 131051, title: mark('error-title'), message: brief('error-message'), error_data: { details: mark('error-details') } }] }),
      (wa) => ({ ...base(brief('unknown-type'), wa), whatever: mark('whatever') }),
      said('text', { body: 'quoted' }, { context: { id: 'wamid.hostile1', from: brief('context'), forwarded: true, referred_product: { catalog_id: '1', product_retailer_id: mark('referred-product') } } }),
    ], { name: `<b>${brief('third-name')}` });
    await from('15550660004', [
      said('text', { body: 'from an advertisement' }, {
        referral: {
          source_url: address('ad-url'), source_id: brief('ad-id'), source_type: brief('ad-type'), headline: mark('ad-headline'), body: mark('ad-body'),
          image_url: address('ad-image'), ctwa_clid: brief('ad-click'), ref: brief('ad-ref'),
        },
      }),
      said('text', { body: 'agent' }),
    ], { name: 'W'.repeat(50_000) + brief('long-name') });
    await post('smb_message_echoes', {
      metadata,
      message_echoes: [{ from: BUSINESS, to: '15550660001', to_user_id: 'US.15550660001', id: 'wamid.echo', timestamp: '1800000000', type: 'text', text: { body: mark('echo') } }],
    });
    await post('account_update', { event: mark('account-event'), violation_info: { violation_type: brief('violation') } });
    await post('account_alerts', { entity_type: 'WABA', entity_id: WABA, alert_info: { alert_severity: 'CRITICAL', alert_status: 'ACTIVE', alert_type: brief('alert-type'), alert_description: mark('alert') } });
    await post('phone_number_name_update', { display_phone_number: brief('number'), decision: 'REJECTED', requested_verified_name: mark('verified-name'), rejection_reason: mark('name-reason') });
    await post('message_template_status_update', { event: 'REJECTED', message_template_id: 1, message_template_name: brief('template'), message_template_language: 'en_US', reason: mark('template-reason') });
    await post('never_heard_of', { something: mark('unknown-field') });

    await sandbox.post('/handsets/15550110001/sms', { to: '+15550100001', text: mark('sms') });
    await sandbox.post('/handsets/15550110002/sms', { to: '+15550100001', text: `please never text me again ${brief('sms-review')}` });
  });

  it('comes in by files and by what colleagues name', async () => {
    const cell = (text) => `"${text.replaceAll('"', '""')}"`;
    const columns = ['phone', brief('column'), 'first_name', FORMULA];
    const rows = [
      ['+15550660090', hostile('cell'), hostile('import-name'), FORMULA],
      ['not a number', hostile('bad-cell'), '@SUM(1)', '-1+1'],
    ];
    const form = new FormData();
    const csv = [columns, ...rows].map((row) => row.map(cell).join(',')).join('\n');
    form.append('file', new Blob([csv], { type: 'text/csv' }), `${brief('import-file')}.csv`);
    const upload = await fetch(`${demo.url}/api/v1/import-files`, { method: 'POST', headers: { authorization: `Bearer ${demo.api_key}` }, body: form });
    assert.equal(upload.status, 201, await upload.clone().text());
    const file = await upload.json();
    await product.post('/imports', {
      file_id: file.id,
      mode: 'import',
      options: { mapping: { phone: 'phone', [columns[1]]: 'notes', first_name: 'first_name', [FORMULA]: 'formula' }, list_name: hostile('list-name').slice(0, 100) },
    }).catch((error) => assert.fail(`the import: ${error.message}`));
    const make = async (path, body) => {
      try {
        return await product.post(path, body);
      } catch (error) {
        // What is refused cannot be shown; what is taken has to be.
        assert.match(error.message, /^(4\d\d) /, `${path}: ${error.message}`);
        return null;
      }
    };
    await make('/contacts', { phone: '+15550660091', first_name: hostile('first-name').slice(0, 180), last_name: brief('last-name'), external_key: brief('key'), attributes: { note: hostile('attribute').slice(0, 400) } });
    await make('/lists', { name: brief('list') });
    await make('/queues', { name: brief('queue'), slug: 'hostile', offer_seconds: 30, members: [] });
    await make('/snippets', { name: 'hostile', body: hostile('snippet').slice(0, 400) });
    await make('/api-keys', { name: brief('api-key'), role: 'agent' });
    const [sender] = (await product.get('/senders')).data;
    const [list] = (await product.get('/lists')).data;
    const campaign = await make('/campaigns', { name: brief('campaign-name'), sender_id: sender.id, audience: { list_id: list.id }, body: `Hi ${brief('campaign-body')}`, footer: 'none' });
    assert.ok(campaign, 'a campaign of such a name');
  });

  it('is shown by every screen, and none of it runs', async () => {
    const { page, seen } = admin;
    await signIn(page, demo, 'admin@acme.example');

    const sessions = await eventually('the conversations are there', async () => {
      const found = await product.all('/sessions?view=all');
      return found.length >= 4 ? found : null;
    });
    const texts = [];
    const visited = [];
    const look = async (what) => {
      await page.waitForTimeout(300);
      await page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));
      assert.deepEqual(await suspicious(page), [], what);
      texts.push(await page.evaluate(() => document.body.innerText));
      for (const kind of ['ran', 'policy', 'dialogs', 'elsewhere', 'errors']) assert.deepEqual(seen[kind], [], `${what}: ${kind}`);
      visited.push(what);
    };
    const visit = async (path) => {
      await page.goto(`${demo.url}${path}`, { waitUntil: 'commit' });
      await page.waitForSelector(id('nav-setup'));
      const what = path.startsWith('/inbox/') ? id('message-bubble') : 'h1, h2, [role="table"], table, form';
      await page.locator(what).first().waitFor({ timeout: 5_000 }).catch(() => undefined);
      await look(path);
    };
    for (const session of sessions) {
      await visit(`/inbox/${session.id}`);
      const bubbles = page.locator(id('message-bubble'));
      const count = await bubbles.count();
      for (let n = 0; n < count; n += 1) await bubbles.nth(n).hover({ timeout: 300 }).catch(() => undefined);
      await look(`${session.id} with the pointer over all`);
      const flights = page.locator(id('message-flight'));
      for (let n = 0; n < Math.min(await flights.count(), 3); n += 1) {
        if (!(await flights.nth(n).click({ timeout: 1_500 }).then(() => true, () => false))) continue;
        await look(`${session.id} flight ${n}`);
        await page.keyboard.press('Escape');
      }
      for (const button of ['create-lead', 'create-case', 'transfer', 'merge-customer', 'block-customer']) {
        if (!(await page.locator(id(button)).first().click({ timeout: 400 }).then(() => true, () => false))) continue;
        await look(`${session.id} ${button}`);
        await page.keyboard.press('Escape');
      }
    }
    await shot(page, 'conversation');
    await visit('/inbox');
    for (const tab of ['mine', 'waiting', 'closing', 'open']) {
      await page.click(id(`tab-${tab}`));
      await look(`the list ${tab}`);
    }
    await shot(page, 'list');
    // An ended conversation and the next one of the same customer.
    const [first] = sessions;
    await product.post(`/sessions/${first.id}/end`, { close_case: false }).catch(() => undefined);
    for (const words of ['script', 'onerror', 'constructor', brief('username')]) {
      await visit(`/search?q=${encodeURIComponent(words)}`);
    }
    await shot(page, 'search');
    const all = async (path) => (await product.get(path)).data.map((each) => each.id);
    for (const path of ['/campaigns', '/campaigns/new', '/contacts', '/contacts/duplicates', '/contacts/merges', '/contacts/fields', '/segments', '/imports', '/imports/new']) {
      await visit(path);
    }
    for (const campaign of await all('/campaigns')) await visit(`/campaigns/${campaign}`);
    for (const contact of await all('/contacts?limit=100')) await visit(`/contacts/${contact}`);
    await shot(page, 'contact');
    for (const each of await all('/imports')) await visit(`/imports/${each}`);
    await shot(page, 'import');
    for (const path of ['/mentions', '/tables']) await visit(path);
    for (const table of await all('/tables')) await visit(`/tables/${table}`);
    for (const section of ['reviews', 'programmes', 'words', 'suppressions', 'settings']) await visit(`/consent/${section}`);
    // The sections that the screen offers, so that a new one is not forgotten here.
    await visit('/setup');
    const offered = await page.locator('a[href^="/setup/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    const sections = [...new Set(offered)];
    assert.ok(sections.length >= 18, `${sections}`);
    for (const section of sections) await visit(section);
    await shot(page, 'setup');
    assert.ok(visited.length > 60, `${visited.length} screens`);

    // None of this proves anything when it was not on a screen: the places must have been seen as text.
    const shown = texts.join('\n');
    const unseen = places.filter((place) => !shown.includes(`'${place}'`));
    console.log(`${visited.length} screens, ${places.length - unseen.length} of ${places.length} places seen; not on a screen: ${unseen.join(', ')}`);
    assert.deepEqual(unseen.filter((place) => !NOT_SHOWN.includes(place)), [], 'never on a screen');
  });

  it('leaves no cell in an export that a spreadsheet would run', async () => {
    const get = async (path) => {
      const answer = await fetch(`${demo.url}/api/v1${path}`, { headers: { authorization: `Bearer ${demo.api_key}` } });
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('content-disposition') ?? '', /attachment/, path);
      assert.match(answer.headers.get('content-type'), /text\/csv/, path);
      return answer.text();
    };
    const files = [];
    for (const { id: each } of (await product.get('/imports')).data) files.push(await get(`/imports/${each}/errors.csv`));
    for (const { id: each } of (await product.get('/campaigns')).data) files.push(await get(`/campaigns/${each}/recipients.csv`));
    assert.ok(files.some((file) => file.includes('SUM')), 'the refused row is in the file of errors');
    for (const file of files) {
      for (const cell of file.split(/[,\r\n]/)) assert.doesNotMatch(cell, /^"?[=+@-](?!\d{7,15}"?$)/, cell.slice(0, 60));
    }
  });
});
