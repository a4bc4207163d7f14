// The official Twilio client library, unmodified, sends through Segue: only its requests go to another host, by the custom
// HTTP client that the library itself offers for this. Its own validator judges our status callbacks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import twilio from 'twilio';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { startDemo } from '../lib/product.mjs';

const SENDER = '+15550100001';
const CUSTOMER = '+15550110001';

/** The library's own client, with another host. */
class OtherHost extends twilio.RequestClient {
  constructor(url) {
    super();
    this.url = url;
  }

  request(options) {
    return super.request({ ...options, uri: options.uri.replace('https://api.twilio.com', this.url) });
  }
}

/** A server that keeps what it is called with. `answers` are the statuses it gives, the last one for ever. */
async function listen(answers) {
  const calls = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      calls.push({
        url: `http://${request.headers.host}${request.url}`,
        signature: request.headers['x-twilio-signature'],
        params: Object.fromEntries(new URLSearchParams(body)),
      });
      response.writeHead(answers.length > 1 ? answers.shift() : answers[0]).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { calls, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

describe('an official Twilio client library', { timeout: 180_000 }, () => {
  let demo, product, sandbox, account, client, listener;
  const connect = (user, token, options = {}) =>
    twilio(user, token, { httpClient: new OtherHost(demo.url), ...options });

  before(async () => {
    demo = await startDemo('sqlite');
    [product, sandbox] = [productApi(demo), sandboxApi(demo)];
    const keys = await product.get('/api-keys');
    account = await product.get(`/api-keys/${keys.data[0].id}/twilio-account`);
    client = connect(account.account_sid, account.auth_token);
    listener = await listen([503, 200]);
    await eventually('the carrier is connected', async () => (await sandbox.get('/status')).smpp.binds > 0);
  });

  after(async () => {
    listener?.close();
    await demo?.stop();
  });

  it('sends, follows the message, and trusts the callbacks', async () => {
    const statusCallback = `${listener.url}/status?order=17&text=a%20b`;
    const body = 'Your code is 123456 & it is for "you" – ü';
    const sent = await client.messages.create({ to: CUSTOMER, from: SENDER, body, statusCallback });
    assert.match(sent.sid, /^SM[0-9a-f]{32}$/);
    assert.deepEqual(
      [sent.status, sent.body, sent.to, sent.from, sent.direction, sent.accountSid],
      ['queued', body, CUSTOMER, SENDER, 'outbound-api', account.account_sid],
    );
    assert.ok(sent.dateCreated instanceof Date && !Number.isNaN(sent.dateCreated.getTime()));
    const fetched = await eventually('it is delivered', async () => {
      const message = await client.messages(sent.sid).fetch();
      return message.status === 'delivered' && message;
    });
    assert.equal(fetched.errorCode, null);
    const texts = (await sandbox.ledger()).filter((entry) => entry.kind === 'sms_delivered');
    assert.equal(texts.filter((entry) => entry.text === body).length, 1, 'once, and as it was written');

    // The first call was answered 503, so there is a second one at least.
    const last = await eventually('the delivery is told, also when the first call was refused', () =>
      listener.calls.slice(1).find((call) => call.params.MessageStatus === 'delivered'),
    );
    for (const { url, signature, params } of listener.calls) {
      assert.equal(url, statusCallback);
      assert.ok(twilio.validateRequest(account.auth_token, signature, url, params), 'the signature is good');
      const tampered = { ...params, MessageStatus: 'failed' };
      assert.ok(!twilio.validateRequest(account.auth_token, signature, url, tampered), 'a changed field is seen');
      assert.ok(!twilio.validateRequest('another token', signature, url, params), 'another token is no good');
    }
    assert.equal(last.params.MessageSid, sent.sid);
    assert.equal(last.params.AccountSid, account.account_sid);
  });

  it('pages through its messages, newest first', async () => {
    const sids = [];
    for (const number of [1, 2, 3]) {
      sids.unshift((await client.messages.create({ to: CUSTOMER, from: SENDER, body: `page ${number}` })).sid);
    }
    const listed = await client.messages.list({ pageSize: 1, limit: 3 });
    assert.deepEqual(listed.map((message) => message.sid), sids);
    const to = await client.messages.list({ to: '+15550119999', limit: 3 });
    assert.deepEqual(to, []);
  });

  it('understands what is refused', async () => {
    const refused = async (promise, status, code) => {
      const error = await promise.then(
        () => assert.fail('it was accepted'),
        (error) => error,
      );
      assert.deepEqual([error.status, error.code], [status, code], error.message);
      assert.ok(error.moreInfo.includes(String(code)));
    };
    const create = (fields) => client.messages.create({ to: CUSTOMER, from: SENDER, body: 'x', ...fields });
    await refused(create({ to: '+12' }), 400, 21211);
    await refused(create({ from: '+15550109999' }), 400, 21606);
    await refused(create({ body: '' }), 400, 21602);
    await refused(create({ body: 'x'.repeat(1601) }), 400, 21617);
    await refused(create({ statusCallback: 'ftp://example.com/' }), 400, 21609);
    await refused(client.messages(`SM${'0'.repeat(32)}`).fetch(), 404, 20404);
    const stranger = connect(account.account_sid, 'wrong');
    await refused(stranger.messages.create({ to: CUSTOMER, from: SENDER, body: 'x' }), 401, 20003);
  });

  it('may also use the API key itself', async () => {
    const sid = `SK${account.account_sid.slice(2)}`;
    const byKey = connect(sid, demo.api_key, { accountSid: account.account_sid });
    const sent = await byKey.messages.create({ to: CUSTOMER, from: SENDER, body: 'by key' });
    assert.equal(sent.status, 'queued');
  });
});
