// whatsapp-api-js, unmodified, against the Graph face of the sandbox: only its requests go to another host, by the `fetch`
// that it takes for this. Its own handlers answer the handshake, judge the signatures and read the webhooks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  ActionButtons,
  Body,
  BodyComponent,
  BodyParameter,
  Button,
  Image,
  Interactive,
  Template,
  Text,
} from 'whatsapp-api-js/messages';
import { WhatsAppAPI } from 'whatsapp-api-js/middleware/node-http';
import { eventually, sandboxApi } from '../lib/api.mjs';
import { startSandbox } from '../lib/product.mjs';

const ADA = '4915112345678';
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('not really a picture')]);

describe('whatsapp-api-js', { timeout: 60_000 }, () => {
  let sandbox, api, client, server, url;
  const messages = [];
  const statuses = [];
  const answers = [];

  /** The client with the sandbox in the place of graph.facebook.com. */
  const connect = (options = {}) =>
    new WhatsAppAPI({
      token: sandbox.access_token,
      appSecret: sandbox.app_secret,
      webhookVerifyToken: sandbox.verify_token,
      v: 'v26.0',
      ponyfill: {
        fetch: (address, init) => {
          const target = new URL(address);
          if (target.host !== 'graph.facebook.com') return fetch(target, init);
          return fetch(`${sandbox.graph_base_url}${target.pathname}${target.search}`, init);
        },
      },
      ...options,
    });
  const send = (message, ...more) => client.sendMessage(sandbox.phone_number_id, { phone: ADA }, message, ...more);
  const sent = async (message, ...more) => {
    const answer = await send(message, ...more);
    assert.ok(answer.messages, JSON.stringify(answer));
    return answer.messages[0].id;
  };
  const chat = async () => (await api.get(`/handsets/${ADA}/chats`)).chats[0];
  const shown = async (id) => (await chat()).messages.find((message) => message.id === id);
  const chatPath = () => `/handsets/${ADA}/chats/${sandbox.display_phone_number.slice(1)}`;
  /** Ada writes; gives what the library made of the webhook. */
  const adaWrites = async (message) => {
    const { wamid } = await api.post(`${chatPath()}/messages`, message);
    return eventually('the message is told', () => messages.find((seen) => seen.message.id === wamid));
  };
  /** Waits for a status of a message. */
  const told = (id, status) =>
    eventually(`${id} is ${status}`, () => statuses.find((seen) => seen.id === id && seen.status === status));

  before(async () => {
    sandbox = await startSandbox();
    api = sandboxApi(sandbox);
    await api.post('/handsets', { phone: `+${ADA}`, name: 'Ada Möller' });
    client = connect();
    client.on.message = (seen) => messages.push(seen);
    client.on.status = (seen) => statuses.push(seen);
    server = createServer(async (request, response) => {
      if (request.method === 'GET') {
        try {
          response.end(client.handle_get(request));
        } catch (status) {
          response.writeHead(status).end();
        }
        return;
      }
      const status = await client.handle_post(request);
      answers.push(status);
      response.writeHead(status).end();
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${server.address().port}/webhook`;
  });

  after(async () => {
    server?.close();
    await sandbox?.stop();
  });

  it('answers the handshake of its webhook, and only with the right token', async () => {
    await assert.rejects(api.post('/webhook', { url, verify_token: 'wrong' }), /handshake/);
    await api.post('/webhook', { url, verify_token: sandbox.verify_token });
  });

  it('reads what a customer writes, and refuses it with another signature', async () => {
    const seen = await adaWrites({ type: 'text', text: 'Grüße 😮 a/b "c"' });
    assert.equal(seen.message.text.body, 'Grüße 😮 a/b "c"');
    assert.deepEqual([seen.phoneID, seen.contact.wa_id, seen.name], [sandbox.phone_number_id, ADA, 'Ada Möller']);
    assert.match(seen.contact.user_id, /^[A-Z]{2}\.[A-Za-z0-9]+$/);

    await api.put('/faults', { webhook_wrong_signature: true });
    const known = messages.length;
    answers.length = 0;
    await api.post(`${chatPath()}/messages`, { type: 'text', text: 'forged' });
    await eventually('it is refused', () => answers[0] === 401);
    assert.equal(messages.length, known);
    await api.put('/faults', {});
  });

  it('marks as read and shows that it types', async () => {
    const seen = await adaWrites({ type: 'text', text: 'Anyone there?' });
    assert.equal((await chat()).typing, false);
    assert.deepEqual(await client.markAsRead(sandbox.phone_number_id, seen.message.id, 'text'), { success: true });
    assert.equal((await chat()).typing, true);
    assert.equal((await shown(seen.message.id)).status, 'read');
  });

  it('sends a text as a reply and follows it until it is read', async () => {
    const seen = await adaWrites({ type: 'text', text: 'Is it open on Sunday?' });
    const answer = await seen.reply(new Text('Yes – from 10 to 4.', true), true, 'order-17');
    assert.deepEqual(answer.contacts, [{ input: ADA, wa_id: ADA }]);
    const id = answer.messages[0].id;
    const message = await shown(id);
    assert.deepEqual([message.text, message.context_id], ['Yes – from 10 to 4.', seen.message.id]);
    const delivered = await told(id, 'delivered');
    assert.deepEqual([delivered.biz_opaque_callback_data, delivered.pricing.pricing_model], ['order-17', 'PMP']);
    await api.post(`${chatPath()}/open`);
    const read = await told(id, 'read');
    assert.deepEqual([read.contact.wa_id, read.error], [ADA, undefined]);
    assert.deepEqual(
      statuses.filter((status) => status.id === id).map((status) => status.status),
      ['sent', 'delivered', 'read'],
    );
  });

  it('sends buttons and understands the one that is tapped', async () => {
    const buttons = new ActionButtons(new Button('yes', 'Yes, please'), new Button('no', 'No'));
    const id = await sent(new Interactive(buttons, new Body('Shall we call you?')));
    assert.deepEqual(
      (await shown(id)).buttons.map((button) => [button.id, button.title]),
      [
        ['yes', 'Yes, please'],
        ['no', 'No'],
      ],
    );
    const { message } = await adaWrites({ type: 'button_reply', reply_to: id, id: 'yes' });
    assert.deepEqual(message.interactive, { type: 'button_reply', button_reply: { id: 'yes', title: 'Yes, please' } });
    assert.equal(message.context.id, id);
  });

  it('uploads an image, sends it by its id, and deletes it', async () => {
    const form = new FormData();
    form.set('file', new Blob([PNG], { type: 'image/png' }), 'shoe.png');
    const uploaded = await client.uploadMedia(sandbox.phone_number_id, form);
    assert.ok(uploaded.id, JSON.stringify(uploaded));
    const message = await shown(await sent(new Image(uploaded.id, true, 'Your shoe')));
    assert.deepEqual([message.media.mime, message.media.caption], ['image/png', 'Your shoe']);
    const onThePhone = await fetch(`${sandbox.sandbox_url}/sandbox/v1/media/${message.media.id}`);
    assert.deepEqual(Buffer.from(await onThePhone.arrayBuffer()), PNG);
    assert.deepEqual(await client.deleteMedia(uploaded.id, sandbox.phone_number_id), { success: true });
    assert.equal((await send(new Image(uploaded.id, true))).error.code, 131009);
  });

  it('downloads what a customer sends', async () => {
    const media_base64 = PNG.toString('base64');
    const { message } = await adaWrites({ type: 'image', media_base64, mime: 'image/png', caption: 'It broke' });
    assert.deepEqual([message.image.caption, message.image.mime_type], ['It broke', 'image/png']);
    const media = await client.retrieveMedia(message.image.id, sandbox.phone_number_id);
    assert.deepEqual([media.id, media.mime_type, Number(media.file_size)], [message.image.id, 'image/png', PNG.length]);
    const file = await client.fetchMedia(media.url);
    assert.deepEqual([file.status, file.headers.get('content-type')], [200, 'image/png']);
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), PNG);
    const stranger = connect({ token: 'stolen' });
    assert.equal((await stranger.fetchMedia(media.url)).status, 401, 'the address alone is not enough');
  });

  it('sends a template to somebody who has not written', async () => {
    const cleo = '4915112345680';
    await api.post('/handsets', { phone: `+${cleo}`, name: 'Cleo' });
    const to = (message) => client.sendMessage(sandbox.phone_number_id, { phone: `+${cleo}` }, message);
    const body = (...values) => new BodyComponent(...values.map((value) => new BodyParameter(value)));
    const answer = await to(new Template('order_update', 'en_US', body('Cleo', '17')));
    assert.equal(answer.messages?.[0].message_status, 'accepted', JSON.stringify(answer));
    const { pricing } = await told(answer.messages[0].id, 'delivered');
    assert.equal(pricing.category, 'utility');
    const [{ messages: seen }] = (await api.get(`/handsets/${cleo}/chats`)).chats;
    assert.equal(seen[0].text, 'Hi Cleo, there is news about your order 17.');
    assert.equal((await to(new Template('order_update', 'en_US', body('Cleo')))).error.code, 132000);
    assert.equal((await to(new Template('nothing_like_it', 'en_US', body('Cleo')))).error.code, 132001);
    const free = await to(new Text('Outside of the window'));
    assert.equal((await told(free.messages[0].id, 'failed')).error.code, 131047);
  });

  it('is told what is wrong with a recipient, a token or a number', async () => {
    const wrong = await client.sendMessage(sandbox.phone_number_id, { phone: '12' }, new Text('x'));
    assert.deepEqual([wrong.error.code, wrong.error.type], [131009, 'OAuthException']);
    assert.match(wrong.error.message, /^\(#131009\) /);
    assert.ok(wrong.error.error_data.details && wrong.error.fbtrace_id);
    const itself = { phone: sandbox.display_phone_number };
    assert.equal((await client.sendMessage(sandbox.phone_number_id, itself, new Text('x'))).error.code, 131021);
    const stolen = await connect({ token: 'stolen' }).sendMessage(sandbox.phone_number_id, { phone: ADA }, new Text('x'));
    assert.equal(stolen.error.code, 190);
    const elsewhere = await client.sendMessage('42', { phone: ADA }, new Text('x'));
    assert.deepEqual([elsewhere.error.code, elsewhere.error.error_subcode], [100, 33]);
    assert.equal((await connect({ v: 'v20.0' }).retrieveMedia('1')).error.code, 2635);

    const absent = '4915112345699';
    await api.post('/handsets', { phone: `+${absent}`, name: 'Not on WhatsApp' });
    await api.patch(`/handsets/${absent}`, { on_whatsapp: false });
    const lost = await client.sendMessage(sandbox.phone_number_id, { phone: absent }, new Text('x'));
    const failed = await told(lost.messages[0].id, 'failed');
    assert.deepEqual([failed.error.code, failed.contact.wa_id], [131026, absent]);
  });
});
