// TLS on both sides, with an authority of the test's own.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import https from 'node:https';
import nodeTls from 'node:tls';
import test from 'node:test';
import {authority} from './authority.mjs';
import {account, ask, atEnd, CLIENT_KEY, eventually, startGateway, startMock} from './harness.mjs';

test('a provider over TLS, verified by the account\'s own authority', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const mock = await startMock(t, tls.mockArgs('127.0.0.1'));
  const gateway = await startGateway(t, {accounts: [account(mock, {ca_file: tls.ca})]});
  const client = gateway.openai();
  for (let i = 0; i < 3; ++i) {
    assert.equal((await client.chat.completions.create(ask())).object, 'chat.completion');
  }
  let words = 0;
  for await (const chunk of await client.chat.completions.create(ask({stream: true}))) {
    words += chunk.choices[0].delta.content ? 1 : 0;
  }
  assert.equal(words, 16);
});

test('a provider whose certificate is for another host is not asked', async (t) => {
  const tls = await authority(t, ['other.example']);
  const mock = await startMock(t, tls.mockArgs('other.example'));
  const gateway = await startGateway(t, {accounts: [account(mock, {ca_file: tls.ca})]});
  const answer = await gateway.post('/v1/chat/completions', ask());
  assert.equal(answer.status, 502);
  const {error} = await answer.json();
  assert.equal(error.code, 'upstream_unreachable');
  const reason = 'certificate of 127.0.0.1: IP address mismatch: certificate is for other.example';
  assert.ok(error.message.includes(reason), error.message);
  await eventually(() => gateway.errors.includes(reason), 'the reason in the log');
});

test('a provider of an unknown authority is not asked', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const mock = await startMock(t, tls.mockArgs('127.0.0.1'));
  const stranger = await authority(t, []);
  const gateway = await startGateway(t, {accounts: [account(mock, {ca_file: stranger.ca})]});
  const answer = await gateway.post('/v1/chat/completions', ask());
  assert.equal(answer.status, 502);
  const {error} = await answer.json();
  assert.match(error.message,
    /certificate of 127\.0\.0\.1: issued by an authority that is not trusted/);
});

test('clients over TLS, by the server name that they ask for', async (t) => {
  const tls = await authority(t, ['localhost', 'gateway.example']);
  const mock = await startMock(t);
  const gateway = await startGateway(t, {
    accounts: [account(mock)],
    tls: ['localhost', 'gateway.example'].map(
      (host) => ({certificate: tls.certificate(host), key: tls.key(host)})),
  });
  const ca = await readFile(tls.ca);
  const {port} = new URL(gateway.url);
  for (const servername of ['localhost', 'gateway.example']) {
    const status = await new Promise((resolve, reject) => {
      const request = https.request({host: '127.0.0.1', port, servername, ca, method: 'GET',
        path: '/v1/models', headers: {authorization: `Bearer ${CLIENT_KEY}`}}, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      request.on('error', reject).end();
    });
    assert.equal(status, 200, servername);
  }
});

test('a reload brings the first provider over TLS, on a machine without a store', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const mock = await startMock(t, tls.mockArgs('127.0.0.1'));
  const plain = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(plain, {models: {old: 'mock-large'}})]},
    {env: {...process.env, SSL_CERT_FILE: '/nonexistent'}});
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  config.accounts = [account(mock, {ca_file: tls.ca})];
  await writeFile(gateway.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(() => /reloaded/.test(gateway.errors), 'the reload');
  assert.equal((await gateway.post('/v1/chat/completions', ask())).status, 200);
});

test('a provider over TLS that refuses a body before it has come is heard at once', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const identity = {cert: await readFile(tls.certificate('127.0.0.1')),
    key: await readFile(tls.key('127.0.0.1'))};
  for (const interim of ['', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n']) {
    const provider = nodeTls.createServer(identity, (connection) => {
      connection.on('error', () => {});
      connection.once('data', () => {  // and reads no more
        connection.pause();
        connection.write(`${interim}HTTP/1.1 413 Content Too Large\r\n` +
          'content-length: 2\r\nconnection: close\r\n\r\n{}');
      });
    });
    await new Promise((resolve) => provider.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => provider.close());
    const url = `https://127.0.0.1:${provider.address().port}`;
    const gateway = await startGateway(t, {accounts: [account({url}, {ca_file: tls.ca})]});
    const began = Date.now();
    const answer = await gateway.post('/v1/chat/completions',
      ask({messages: [{role: 'user', content: 'x'.repeat(16 << 20)}]}));
    assert.equal(answer.status, 413);
    assert.equal(await answer.text(), '{}');
    assert.ok(Date.now() - began < 20_000, `after ${Date.now() - began} ms`);
  }
});
