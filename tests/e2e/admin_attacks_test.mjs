// Whoever guesses the admin token: from one address, and from everywhere at once.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import {ask as asks} from './contract.mjs';
import {account, eventually, startGateway, startMock} from './harness.mjs';

const TOKEN = 'sk-test-admin-6f1d2c3b4a596877';
const ADDRESSES = 1100;  // more than there are events
const AT_ONCE = 50;
const REFUSED_AFTER = 100;  // wrong tokens of all addresses together

// A request from that address of this machine, each of which counts as another client.
const askFrom = (url, localAddress, token) => new Promise((resolve, reject) => {
  http.get(`${url}/api/admin/version`,
    {localAddress, agent: false, headers: {authorization: `Bearer ${token}`}}, (answer) =>
      answer.resume().on('end', () => resolve(answer))).on('error', reject);
});
const address = (i) => `127.1.${i >> 8}.${i & 255}`;

test('a thousand addresses guess: the owner gets in, and the events stay', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(mock)]},
    {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const events = async () =>
    (await asks(gateway.url, 'GET', '/api/admin/events?limit=1000', {token: TOKEN})).body.events;
  const kinds = async () => (await events()).map((one) => one.kind);
  await eventually(async () => (await kinds()).includes('started'), 'the first event');
  const began = performance.now();
  const statuses = [];
  for (let i = 0; i < ADDRESSES; i += AT_ONCE)
    statuses.push(...await Promise.all(Array.from({length: AT_ONCE}, (_, j) =>
      askFrom(gateway.url, address(i + j), `guess-${i + j}`))));
  const of = (status) => statuses.filter((one) => one.statusCode === status);
  // Each minute counts for itself; on nearly all machines all of it is one.
  const minutes = 1 + Math.floor((performance.now() - began) / 60_000);
  assert.ok(of(401).length >= REFUSED_AFTER && of(401).length <= minutes * REFUSED_AFTER,
    `${of(401).length} in ${minutes} minutes`);
  assert.equal(of(401).length + of(429).length, ADDRESSES);
  assert.ok(of(429).every((one) => Number(one.headers['retry-after']) > 0));
  // The owner: from an address of his own, also from one that was wrong once.
  for (const from of ['127.2.0.1', address(7)])
    assert.equal((await askFrom(gateway.url, from, TOKEN)).statusCode, 200, from);
  const told = await kinds();
  assert.ok(told.includes('started'), `${told}`);
  const failed = told.filter((kind) => kind === 'login_failed').length;
  const most = 2 + Math.ceil((performance.now() - began) / 60_000);  // the first, and one a minute
  assert.ok(failed >= 1 && failed <= most, `${failed} events of wrong tokens`);
});
