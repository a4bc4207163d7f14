// Files both ways in a real browser: everything a customer can send is seen, heard and saved, and everything WhatsApp
// takes is sent; what it does not take is told before anything leaves.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, inBoth, launch, openPage, signIn } from '../lib/browser.mjs';
import { eicar, startClamd } from '../lib/clamd.mjs';
import { film, pdf, png, sticker, voice } from '../lib/media.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';
const MB = 1024 * 1024;

const id = (name) => `[data-testid="${name}"]`;
const RED = [255, 60, 60];
const BLUE = [60, 90, 255];

/** What the stories of this file need of a running demo. */
function tools(demo, page) {
  const sandbox = sandboxApi(demo);
  const chat = async () => (await sandbox.get(`/handsets/${CUSTOMER}/chats`)).chats[0]?.messages ?? [];
  const writes = (message) => sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, message);
  const sends = (type, bytes, more = {}) => writes({ type, media_base64: bytes.toString('base64'), ...more });
  return {
    sandbox,
    chat,
    sends,
    /** What the phone has got of this type. */
    got: async (type) => (await chat()).filter((each) => each.direction === 'in' && each.type === type),
    bubble: (kind) => page.locator(`${id('message-bubble')}[data-kind="${kind}"]`),
    async meet() {
      await signIn(page, demo, 'amy@acme.example');
      for (const text of ['Hello', 'Maria', 'Order', 'ab-123456']) {
        const known = (await chat()).length;
        await writes({ type: 'text', text });
        await eventually(`the bot answers '${text}'`, async () => (await chat()).length > known + 1);
      }
      await page.click(id('nav-inbox'));
      await choose(page, 'presence-select', 'Available');
      await page.click(id('offer-accept'));
      await page.waitForSelector(id('composer-input'));
    },
  };
}

/** Whether a picture has really been loaded. */
const isLoaded = (image) => image.evaluate((element) => element.complete && element.naturalWidth > 0);

describe('files both ways', { timeout: 420_000 }, () => {
  let demo, browser, product, shot, agent, page, t;
  const uploads = [];

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    browser = await launch();
    shot = await album('media');
    agent = await openPage(browser);
    ({ page } = agent);
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/v1/media')) uploads.push(request);
    });
    t = tools(demo, page);
    await t.meet();
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const inBoth = async (step) => {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.waitForSelector(`html[data-mantine-color-scheme="${scheme}"]`);
      await shot(page, scheme === 'dark' ? `${step}-dark` : step);
      assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${step}, ${scheme}`);
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.waitForSelector('html[data-mantine-color-scheme="light"]');
  };

  it('shows a picture, an album and a sticker', async () => {
    await t.sends('image', png(RED), {
      mime: 'image/png',
      caption: 'The box is torn',
    });
    await Promise.all([RED, BLUE, [40, 180, 90]].map((colour) => t.sends('image', png(colour), { mime: 'image/png' })));
    await t.sends('sticker', await sticker(page), { mime: 'image/webp' });
    await eventually('four pictures', async () => (await t.bubble('image').locator('img').count()) === 4);
    for (const kind of ['image', 'sticker']) {
      for (const picture of await t.bubble(kind).locator('img').all()) {
        await picture.scrollIntoViewIfNeeded();
        await eventually(`the ${kind} is loaded`, () => isLoaded(picture));
      }
    }
    assert.match(await t.bubble('image').first().innerText(), /The box is torn/);
    assert.equal(await page.locator(id('session-row')).count(), 1, 'an album is one conversation');
    await inBoth('pictures');
  });

  it('opens a picture with Enter, leads on with the arrow keys, and gives the focus back', async () => {
    const first = t.bubble('image').first().locator(id('message-picture'));
    await first.focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector(id('viewer-image'));
    const place = () => page.locator(id('viewer-place')).innerText();
    assert.equal(await place(), '1 of 5');
    await eventually('it is loaded', () => isLoaded(page.locator(id('viewer-image'))));
    await page.keyboard.press('ArrowRight');
    assert.equal(await place(), '2 of 5');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await place(), '2 of 5');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await place(), '1 of 5', 'there is nothing before the first');
    await inBoth('viewer');
    await page.keyboard.press('Escape');
    await page.waitForSelector(id('viewer-image'), { state: 'detached' });
    assert.equal(await first.evaluate((element) => element === document.activeElement), true);
    await t.bubble('sticker').locator(id('message-picture')).click();
    assert.equal(await place(), '5 of 5');
    await page.click(id('viewer-close'));
  });

  it('plays a voice message and a film, and hands a document over with its name and size', async () => {
    const said = await voice(page);
    await t.sends('audio', said, { mime: 'audio/ogg; codecs=opus' });
    await t.sends('video', await film(page), {
      mime: 'video/mp4',
      caption: 'How it moves',
    });
    await t.sends('document', pdf(), {
      mime: 'application/pdf',
      filename: 'Rechnung März.pdf',
      caption: 'The bill',
    });
    const player = t.bubble('audio').locator('audio');
    await player.waitFor();
    await eventually('the voice message can be played', () => player.evaluate((audio) => audio.duration > 1.5));
    assert.match(await t.bubble('audio').innerText(), /Voice message/);
    const seeks = await player.evaluate(async (audio) => {
      audio.muted = true;
      await audio.play();
      audio.currentTime = 1;
      await new Promise((resolve) => audio.addEventListener('seeked', resolve, { once: true }));
      audio.pause();
      return audio.currentTime;
    });
    assert.ok(seeks >= 1, 'it can be sought in');
    const video = t.bubble('video').locator('video');
    await eventually('the film can be played', () => video.evaluate((film) => film.videoWidth === 320));
    const document = t.bubble('document');
    assert.match(await document.innerText(), /Rechnung März\.pdf\s+PDF · \d+ B[\s\S]*The bill/);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      document.locator(id('message-download')).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'Rechnung März.pdf');
    await inBoth('sound-film-document');
  });

  it('refuses what WhatsApp does not take, in words, before anything is sent', async () => {
    await page.setInputFiles(id('composer-file'), [
      {
        name: 'poster.png',
        mimeType: 'image/png',
        buffer: Buffer.alloc(6 * MB, 1),
      },
      {
        name: 'dance.gif',
        mimeType: 'image/gif',
        buffer: Buffer.from('GIF89a'),
      },
      {
        name: 'setup.exe',
        mimeType: 'application/x-msdownload',
        buffer: Buffer.from('MZ'),
      },
      {
        name: 'empty.pdf',
        mimeType: 'application/pdf',
        buffer: Buffer.alloc(0),
      },
    ]);
    const refused = page.locator(`${id('attachment')}[data-state="refused"]`);
    assert.equal(await refused.count(), 4);
    const words = await page.locator('[aria-label="Files to send"]').innerText();
    for (const part of [
      'It has 6 MB. WhatsApp takes pictures up to 5 MB.',
      'does not take this kind',
      'The file is empty.',
    ]) {
      assert.ok(words.includes(part), words);
    }
    assert.equal(uploads.length, 0, 'nothing has left the browser');
    assert.equal(await page.locator(id('composer-send')).isDisabled(), true);
    await inBoth('refused');
    for (let left = 4; left > 0; left -= 1) await page.locator(id('attachment-remove')).first().click();
    // The browser believes names; the server looks into the file.
    await page.setInputFiles(id('composer-file'), [
      {
        name: 'photo.jpg',
        mimeType: 'image/jpeg',
        buffer: Buffer.from('<html><script>alert(1)</script>'),
      },
    ]);
    const failed = page.locator(`${id('attachment')}[data-state="failed"]`);
    await failed.waitFor();
    assert.match(await failed.innerText(), /does not take this kind of file/);
    await failed.locator(id('attachment-remove')).click();
    assert.equal((await t.got('image')).length, 0);
  });

  it('sends a picture and a document together with a caption', async () => {
    await page.setInputFiles(id('composer-file'), [
      { name: 'new-box.png', mimeType: 'image/png', buffer: png(BLUE) },
      { name: 'Return label.pdf', mimeType: 'application/pdf', buffer: pdf() },
    ]);
    await page.fill(id('composer-input'), 'This is the new one');
    await eventually(
      'both are ready',
      async () => (await page.locator(`${id('attachment')}[data-state="ready"]`).count()) === 2,
    );
    await inBoth('ready-to-send');
    await page.click(id('composer-send'));
    await eventually(
      'the phone has both',
      async () => (await t.got('document')).length === 1 && (await t.got('image')).length === 1,
    );
    const [picture] = await t.got('image');
    assert.deepEqual([picture.media.mime, picture.media.caption], ['image/png', 'This is the new one']);
    const bytes = await fetch(`${demo.sandbox_url}/sandbox/v1/media/${picture.media.id}`).then((answer) =>
      answer.arrayBuffer(),
    );
    assert.deepEqual(Buffer.from(bytes), png(BLUE), 'it is the same picture');
    const [document] = await t.got('document');
    assert.deepEqual([document.media.filename, document.media.caption], ['Return label.pdf', null]);
    assert.equal(await page.locator(id('attachment')).count(), 0);
    assert.equal(await page.inputValue(id('composer-input')), '');
  });

  it('takes files that are dropped and pasted, and stops an upload', async () => {
    const said = await voice(page);
    const moving = await film(page);
    await drop(page, [['how-to.mp4', 'video/mp4', moving]], 'dragenter');
    await shot(page, 'held-over');
    await drop(page, [['how-to.mp4', 'video/mp4', moving]], 'drop');
    await paste(page, [['voice.ogg', 'audio/ogg', said]]);
    const ready = page.locator(`${id('attachment')}[data-state="ready"]`);
    await eventually('both are ready', async () => (await ready.count()) === 2);
    // An upload that is stopped leaves nothing behind.
    await page.route('**/api/v1/media', (route) =>
      new Promise((resolve) => setTimeout(resolve, 5_000)).then(() => route.abort()),
    );
    await page.setInputFiles(id('composer-file'), [{ name: 'late.png', mimeType: 'image/png', buffer: png(RED) }]);
    const busy = page.locator(`${id('attachment')}[data-state="uploading"]`);
    await busy.waitFor();
    assert.equal(await page.locator(id('composer-send')).isDisabled(), true, 'what is on its way is waited for');
    await shot(page, 'uploading');
    await busy.getByRole('button', { name: 'Stop the upload of late.png' }).click();
    await page.unroute('**/api/v1/media', { behavior: 'ignoreErrors' });
    assert.equal(await busy.count(), 0);
    await page.check(id('attachment-voice'));
    await page.click(id('composer-send'));
    await eventually(
      'the phone has both',
      async () => (await t.got('video')).length === 1 && (await t.got('audio')).length === 1,
    );
    assert.equal((await t.got('audio'))[0].media.voice, true);
  });

  it('follows a voice message until it is listened to, on the phone’s own page', async () => {
    const own = t.bubble('audio').last();
    await eventually('it is delivered', async () => (await own.getAttribute('data-state')) === 'delivered');
    await t.sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/open`);
    await eventually('it is read', async () => (await own.getAttribute('data-state')) === 'read');
    const phone = await openPage(browser, { viewport: { width: 900, height: 900 } });
    await phone.page.goto(`${demo.phone_url}?handset=${CUSTOMER}`);
    await phone.page.click(id('app-whatsapp'));
    const players = phone.page.locator(`[data-direction="in"] ${id('chat-player')}`);
    await eventually('the phone shows film and voice message', async () => (await players.count()) === 2);
    await phone.page.getByText('Return label.pdf').scrollIntoViewIfNeeded();
    await shot(phone.page, 'phone');
    await players.last().evaluate((audio) => {
      audio.muted = true;
      return audio.play();
    });
    await eventually('it is listened to', async () => (await own.getAttribute('data-state')) === 'played');
    assert.match(await own.innerText(), /Listened to/);
    await shot(page, 'listened-to');
    assert.deepEqual(phone.complaints, []);
    await phone.context.close();
  });

  it('looks an address up anew that is over, and lets the agent ask again when that fails', async () => {
    const faults = await t.sandbox.get('/faults');
    await t.sandbox.put('/faults', { ...faults, media_urls_expired: 1 });
    await t.sends('image', png([200, 200, 40]), {
      mime: 'image/png',
      caption: 'Looked up twice',
    });
    const picture = page.locator(id('message-bubble'), { hasText: 'Looked up twice' }).locator('img');
    await eventually(
      'it is shown all the same',
      async () => (await picture.count()) === 1 && (await isLoaded(picture)),
    );
    await t.sandbox.put('/faults', { ...faults, media_urls_expired: 1000 });
    await t.sends('image', png([40, 200, 200]), {
      mime: 'image/png',
      caption: 'Lost for now',
    });
    const lost = page.locator(id('message-bubble'), {
      hasText: 'Lost for now',
    });
    await lost.locator(id('media-again')).waitFor();
    assert.match(await lost.innerText(), /could not be fetched from WhatsApp/);
    await inBoth('could-not-be-fetched');
    await t.sandbox.put('/faults', faults);
    await lost.locator(id('media-again')).click();
    await eventually(
      'it is shown',
      async () => (await lost.locator('img').count()) === 1 && (await isLoaded(lost.locator('img'))),
    );
  });

  it('lists all files beside the conversation, and leads to their messages', async () => {
    const panel = page.locator(id('panel-files'));
    if (!(await panel.isVisible()))
      await page
        .getByRole('button', { name: /customer/i })
        .first()
        .click();
    await panel.scrollIntoViewIfNeeded();
    await eventually('the newest file is on top', async () =>
      (await panel.locator(id('file-entry')).first().innerText()).includes('Lost for now'),
    );
    while (await panel.locator(id('files-more')).isVisible()) {
      const shown = await panel.locator(id('file-entry')).count();
      await panel.locator(id('files-more')).click();
      await eventually('there are more', async () => (await panel.locator(id('file-entry')).count()) > shown);
    }
    assert.equal(await panel.locator(id('file-entry')).count(), 14);
    const bill = panel.locator(id('file-entry'), {
      hasText: 'Rechnung März.pdf',
    });
    assert.match(await bill.innerText(), /Maria[\s\S]*PDF/);
    await bill.scrollIntoViewIfNeeded();
    await inBoth('files');
    await bill.locator(id('file-message')).click();
    const marked = page.locator(`${id('message-bubble')}[data-mark="found"]`);
    await marked.waitFor();
    assert.match(await marked.innerText(), /Rechnung März\.pdf/);
    const box = panel.locator(id('file-entry'), { hasText: 'The box is torn' });
    await box.locator(id('file-view')).click();
    await page.waitForSelector(id('viewer-image'));
    await page.locator(id('media-viewer')).locator(id('file-message')).click();
    await page.waitForSelector(id('viewer-image'), { state: 'detached' });
    await eventually('it leads to the message', async () => /The box is torn/.test(await marked.innerText()));
    const [session] = await product.all('/sessions?view=open');
    const listed = await product.all(`/attachments?session_id=${session.id}&limit=5`);
    assert.equal(listed.length, 14);
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(
      agent.complaints.filter((complaint) => !/401|415|409|410/.test(complaint)),
      [],
    );
  });
});

describe('files that are checked for viruses', { timeout: 240_000 }, () => {
  let clamd, demo, browser, shot, agent, page, t;

  before(async () => {
    clamd = await startClamd();
    demo = await startDemo('sqlite', ['--clamd', clamd.address]);
    browser = await launch();
    shot = await album('virus-check');
    agent = await openPage(browser);
    ({ page } = agent);
    t = tools(demo, page);
    await t.meet();
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
    await clamd?.stop();
  });

  const absent = (presence) => page.locator(`${id('message-absent')}[data-presence="${presence}"]`);

  it('are shown when nothing is found, and removed when they hold a virus', async () => {
    await t.sends('image', png(RED), { mime: 'image/png' });
    await eventually('the clean picture', async () => (await t.bubble('image').locator('img').count()) === 1);
    const infected = Buffer.concat([pdf(), eicar()]);
    await t.sends('document', infected, { mime: 'application/pdf', file_name: 'invoice.pdf' });
    await absent('infected').waitFor();
    const words = await absent('infected').innerText();
    assert.match(words, /held a virus and was removed/);
    assert.equal(await t.bubble('document').locator('a').count(), 0, 'nothing to open or to save');
    await inBoth(page, shot, 'infected');
  });

  it('are refused in words when an agent uploads one that holds a virus', async () => {
    const files = [{ name: 'offer.pdf', mimeType: 'application/pdf', buffer: Buffer.concat([pdf(), eicar()]) }];
    await page.locator('input[type="file"]').first().setInputFiles(files);
    await page.getByText(/holds a virus/).first().waitFor();
    await shot(page, 'refused');
  });

  it('stay closed while the checker is away, and an admin sees why', async () => {
    clamd.away(true);
    await t.sends('document', pdf(), { mime: 'application/pdf', file_name: 'order.pdf' });
    await absent('checking').waitFor();
    const admin = await openPage(browser);
    await signIn(admin.page, demo, 'admin@acme.example');
    await admin.page.goto(`${demo.url}/setup/files`);
    await admin.page.waitForSelector(`${id('file-check')}[data-state="failing"]`);
    assert.match(await admin.page.locator(id('file-check-problem')).innerText(), /without an answer/);
    assert.equal(await admin.page.locator(id('file-check-checking')).innerText(), '1');
    assert.equal(await admin.page.locator(id('file-check-infected')).innerText(), '1');
    await inBoth(admin.page, shot, 'failing');
    clamd.away(false);
    await eventually('the document can be had', async () => (await absent('checking').count()) === 0, 60);
    await admin.page.reload();
    await admin.page.waitForSelector(`${id('file-check')}[data-state="working"]`);
    await shot(admin.page, 'working');
  });
});

describe('files under a host name of their own', { timeout: 240_000 }, () => {
  const HOST = 'files.localhost';
  let demo, browser, agent, page, t;

  before(async () => {
    demo = await startDemo('sqlite', ['--files-host', HOST]);
    browser = await launch();
    agent = await openPage(browser);
    ({ page } = agent);
    t = tools(demo, page);
    await t.meet();
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  it('shows and plays them from there, without a cookie', async () => {
    const asked = [];
    page.on('request', (request) => {
      if (new URL(request.url()).hostname === HOST) asked.push(request);
    });
    await t.sends('image', png(RED), {
      mime: 'image/png',
      caption: 'From elsewhere',
    });
    await t.sends('audio', await voice(page), {
      mime: 'audio/ogg; codecs=opus',
    });
    const picture = t.bubble('image').locator('img');
    await picture.waitFor();
    await eventually('the picture is loaded', () => isLoaded(picture));
    const player = t.bubble('audio').locator('audio');
    await player.waitFor();
    await eventually('the sound can be played', () => player.evaluate((audio) => audio.duration > 1.5));
    assert.ok(asked.length >= 2);
    for (const request of asked) {
      const headers = await request.allHeaders();
      assert.equal(headers.cookie, undefined, 'the console’s login stays at home');
      assert.equal(headers.referer, undefined);
    }
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      t.bubble('audio').locator(id('message-download')).click(),
    ]);
    assert.equal(new URL(download.url()).hostname, HOST);
    assert.deepEqual(
      agent.complaints.filter((complaint) => !/401/.test(complaint)),
      [],
    );
  });
});

/** Files as the browser hands them over: `[name, type, bytes]`. */
const toTransfer = (page, files) =>
  page.evaluateHandle(
    (given) => {
      const transfer = new DataTransfer();
      for (const [name, type, text] of given) {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
      }
      return transfer;
    },
    files.map(([name, type, bytes]) => [name, type, bytes.toString('base64')]),
  );

async function drop(page, files, event) {
  const dataTransfer = await toTransfer(page, files);
  await page.locator('[role="region"][aria-label="Messages"]').dispatchEvent(event, { dataTransfer });
}

async function paste(page, files) {
  const transfer = await toTransfer(page, files);
  await page.locator(id('composer-input')).evaluate((field, clipboardData) => {
    field.dispatchEvent(
      new ClipboardEvent('paste', {
        clipboardData,
        bubbles: true,
        cancelable: true,
      }),
    );
  }, transfer);
}

/** Chooses by visible text in a native select or in one of the console's own. */
async function choose(page, testId, text) {
  const field = page.locator(id(testId));
  await field.waitFor();
  if ((await field.evaluate((element) => element.tagName)) === 'SELECT') {
    const label = await field.locator('option', { hasText: text }).first().innerText();
    await field.selectOption({ label });
    return;
  }
  await field.click();
  await page
    .getByRole('option', { name: text })
    .or(page.getByRole('menuitem', { name: text }))
    .or(page.getByRole('menuitemradio', { name: text }))
    .first()
    .click();
}
