// Every operation of admin/openapi.json, asked of a real gateway: the status and the shape are
// those of the document, and none is left out.
import assert from 'node:assert/strict';
import test from 'node:test';
import {backend, start, TOKEN} from './admin_site.mjs';
import {check, document, pathOf, response} from './contract.mjs';
import {ask as chat, CLIENT_KEY, eventually} from './harness.mjs';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const all = Object.entries(document.paths).flatMap(([path, item]) => METHODS
  .filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`));

// Asks with the administrator's token, holds the answer against the document, and notes what was
// asked: {ask, asked}.
function asker(gateway) {
  const asked = new Set();
  async function ask(method, target, json, {status = 200, token = TOKEN} = {}) {
    const answer = await fetch(gateway.url + target, {
      method,
      redirect: 'manual',
      headers: {authorization: `Bearer ${token}`,
        ...(json === undefined ? {} : {'content-type': 'application/json'})},
      ...(json === undefined ? {} : {body: JSON.stringify(json)}),
    });
    const text = await answer.text();
    const name = `${method} ${pathOf(target)}`;
    assert.equal(answer.status, status, `${name}: ${text}`);
    asked.add(name);
    const {described} = response(method, target, status);
    const [type] = (answer.headers.get('content-type') ?? '').split(';');
    if (!described.content) {
      assert.equal(text, '', `${name}: no body is described`);
      return answer.headers;
    }
    assert.ok(type in described.content, `${name}: ${type} is not described`);
    if (type !== 'application/json') return text;
    const body = JSON.parse(text);
    check(method, target, status, body);
    return body;
  }
  return {ask, asked};
}

// Of a stream the first event.
async function firstEvent(gateway, target, asked) {
  const off = new AbortController();
  const answer = await fetch(gateway.url + target,
    {headers: {authorization: `Bearer ${TOKEN}`}, signal: off.signal});
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
  let text = '';
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes('\n\n')) break;
  }
  off.abort();
  check('GET', target, 200, JSON.parse(text.slice('data: '.length, text.indexOf('\n\n'))));
  asked.add(`GET ${pathOf(target)}`);
}

async function askAccounts(ask, mock) {
  const {id} = await ask('POST', '/api/admin/backends', backend(mock));
  assert.ok((await ask('GET', '/api/admin/backends')).some((one) => one.id === id));
  await ask('GET', `/api/admin/backends/${id}`);
  assert.equal((await ask('PUT', `/api/admin/backends/${id}`, {rpm_limit: 77})).rpm_limit, 77);
  await ask('POST', `/api/admin/backends/${id}/test`);
  await ask('POST', `/api/admin/backends/${id}/drain`);
  await ask('POST', `/api/admin/backends/${id}/enable`);
  await ask('GET', '/api/admin/backends/export');
  await ask('POST', '/api/admin/backends/export', {keys: 'masked'});
  await ask('GET', '/api/admin/pools');
  await ask('DELETE', `/api/admin/backends/${id}`);
  await ask('GET', `/api/admin/backends/${id}`, undefined, {status: 404});
  await ask('POST', '/api/v2/providers', {providers: [
    {account: 'imported', endpoint_url: `${mock.url}/v1`, api_key: 'sk-test-imported-0123456'}]});
}

async function askClientsAndPrices(ask) {
  await ask('POST', '/api/admin/clients', {name: 'somebody'});
  await ask('GET', '/api/admin/clients');
  await ask('GET', '/api/admin/clients/somebody');
  await ask('PATCH', '/api/admin/clients/somebody', {rpm_limit: 5});
  await ask('DELETE', '/api/admin/clients/somebody');
  await ask('POST', '/api/admin/clients', {name: 'somebody/else'});
  await ask('DELETE', '/api/admin/clients?name=somebody%2Felse');
  const at = '2026-01-01T00:00:00.000Z';
  await ask('PUT', '/api/admin/prices',
    {model: 'file-model', valid_from: at, input_per_million: 1, output_per_million: 2});
  await ask('GET', '/api/admin/prices');
  await ask('POST', '/api/admin/prices/recompute', {from: at});
  await ask('DELETE', `/api/admin/prices?model=file-model&valid_from=${at}`);
}

async function askSettings(ask) {
  await ask('GET', '/api/admin/settings');
  await ask('POST', '/api/admin/config', {'queue.capacity': 77});
  await ask('PUT', '/api/admin/config/queue.capacity', {value: 78});
  await ask('GET', '/api/admin/config');
  await ask('GET', '/api/admin/config/queue.capacity');
  await ask('DELETE', '/api/admin/config/queue.capacity');
  await ask('POST', '/api/admin/reload');
  await ask('GET', '/api/admin/version');
}

async function askProxy(ask, gateway) {
  const client = {token: CLIENT_KEY};
  await ask('POST', '/v1/chat/completions', chat({model: 'file-model'}), client);
  await ask('POST', '/v1/completions', {model: 'file-model', prompt: 'Say something.'}, client);
  await ask('POST', '/v1/embeddings', {model: 'file-model', input: 'something'}, client);
  await ask('GET', '/v1/models', undefined, client);
  await ask('GET', '/v1/models/file-model', undefined, client);
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST', body: JSON.stringify(chat({model: 'file-model'})),
    headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
      'x-request-id': 'to-be-explained'}});
  assert.equal(answer.status, 200);
  await answer.text();
  // It is kept when it is over, which its client may know before.
  const explain = '/api/admin/explain/to-be-explained';
  await eventually(async () => (await fetch(gateway.url + explain,
    {headers: {authorization: `Bearer ${TOKEN}`}})).status === 200, 'that it is kept');
  await ask('GET', explain);
  await ask('GET', '/api/admin/explain?request_id=to-be-explained');
}

async function askStatistics(ask) {
  await eventually(async () =>
    (await ask('GET', '/api/admin/stats/total')).total_requests === 4, 'four requests, booked');
  for (const target of ['/api/admin/stats/hourly', '/api/admin/stats/daily',
    '/api/admin/stats/cooldown', '/api/admin/usage', '/api/admin/usage?format=csv',
    '/api/admin/requests', '/api/admin/queue', '/api/admin/history', '/api/admin/events',
    '/status', '/stats', '/metrics', '/health', '/health/ready', '/livez', '/readyz',
    '/readyz?verbose'])
    await ask('GET', target);
}

test('every operation of the document answers as it says', async (t) => {
  const {gateway, mock} = await start(t);
  const {ask, asked} = asker(gateway);
  await askAccounts(ask, mock);
  await askClientsAndPrices(ask);
  await askSettings(ask);
  await askProxy(ask, gateway);
  await askStatistics(ask);
  for (const target of ['/dashboard', '/api/dashboard', '/dashboard/assets/app.js',
    '/api/openapi.json'])
    await ask('GET', target);
  const moved = await ask('GET', '/dashboard/', undefined, {status: 308});
  assert.equal(moved.get('location'), '/dashboard');
  for (const target of ['/dashboard/sse', '/api/dashboard/stream'])
    await firstEvent(gateway, target, asked);
  await ask('POST', '/api/admin/login', {token: TOKEN});
  assert.equal((await ask('GET', '/api/admin/login')).access, 'full');
  await ask('POST', '/api/admin/logout');
  await ask('POST', '/api/admin/drain', undefined, {status: 202});
  assert.deepEqual([...asked].sort(), [...all].sort());
});

test('a drain over the API: what runs is finished, nothing new is taken', async (t) => {
  const {gateway, mock} = await start(t, {drain: {delay: '0s', grace: '20s'}});
  await mock.script({rules: [{do: {latency: '2s'}}]});
  const running = gateway.post('file-model');
  await eventually(async () => (await mock.count()).requests === 1, 'the request at the provider');
  assert.equal((await gateway.ask('POST', '/api/admin/drain', undefined, {token: 'wrong'})).status,
    401);
  const {status, body} = await gateway.ask('POST', '/api/admin/drain');
  assert.deepEqual([status, body],
    [202, {status: 'draining', delay_seconds: 0, grace_seconds: 20}]);
  await eventually(async () => {
    const answer = await fetch(`${gateway.url}/livez`).catch(() => undefined);
    return answer === undefined;
  }, 'no new connections');
  assert.equal(await running, 200, 'what ran before');
  assert.equal((await gateway.exited).code, 0, gateway.errors);
  assert.match(gateway.errors, /draining signal=/);
});
