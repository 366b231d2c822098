// What requests have used, as it is stored: each attempt a row, and the sums of them.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {access, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import {account, ask, atEnd, CLIENT_KEY, eventually, Program, startMock} from './harness.mjs';
import {
  dumpChecked, dumpStore, eventuallyStored, makeSite, serve, storeDump,
} from './store.mjs';
import {rawClient, requestText} from './wire.mjs';

const CHAT = '/v1/chat/completions';
// Dollars for a million tokens: in nano-dollars for one.
const COST = {input: 2, output: 10, cached_read: 0.5};
const costOf = (prompt, cached, completion) =>
  2000 * (prompt - cached) + 500 * cached + 10_000 * completion;

// A provider, and a gateway on a data directory of its own whose accounts are asked in their order:
// team-a, team-b, ...; rules say what the provider does.
async function start(t, {rules = [], accounts = [{}, {}], ...config} = {}) {
  const mock = await startMock(t);
  await mock.script({defaults: {tokens: 5, 'prompt-tokens': 20}, rules});
  const site = await makeSite(t, {
    accounts: accounts.map((more, i) => account(mock, {
      name: `team-${'abc'[i]}`, api_key: `sk-test-${'abc'[i]}`, cost: COST, ...more})),
    routing: {strategy: 'ordered'}, shards: 1, ...config,
  });
  const gateway = await serve(t, site.file);
  const post = (id, body = {}, headers = {}) => fetch(`${gateway.url}${CHAT}`, {
    method: 'POST',
    headers: {authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
      'x-request-id': id, ...headers},
    body: JSON.stringify(ask(body)),
  });
  const send = async (id, body, headers) => {
    const answer = await post(id, body, headers);
    await answer.text();
    return answer.status;
  };
  return {mock, gateway, post, send, ...site};
}

const rowsOf = (dump, id) => dump.rows.filter((row) => row.request === id);
const pick = (row, ...names) => names.map((name) => row[name]);

test('a plain answer and a stream: the tokens as the provider counts, the cost', async (t) => {
  const {gateway, send, directory} = await start(t);
  const fault = {'x-mock-fault': 'prompt-tokens=40; cached-tokens=30; reasoning-tokens=2'};
  assert.equal(await send('plain', {}, fault), 200);
  assert.equal(await send('streamed', {stream: true}), 200);
  await gateway.stopCleanly();
  const dump = await dumpChecked(directory);
  assert.equal(dump.rows.length, 2);
  const [plain] = rowsOf(dump, 'plain');
  assert.deepEqual(
    pick(plain, 'outcome', 'status', 'attempt', 'account', 'pool', 'client_key', 'model'),
    ['ended', 200, 1, 'team-a', 'primary', 'e2e', 'mock-large']);
  assert.deepEqual(plain.flags, ['last', 'cost_known', 'own_price']);
  // Those for reasoning are among the completion's.
  assert.deepEqual(pick(plain, 'prompt_tokens', 'cached_read_tokens', 'completion_tokens',
    'reasoning_tokens', 'total_tokens', 'cost_nano_dollars'),
  [40, 30, 7, 2, 47, costOf(40, 30, 7)]);
  const [streamed] = rowsOf(dump, 'streamed');
  assert.deepEqual(streamed.flags, ['last', 'streamed', 'cost_known', 'own_price']);
  assert.deepEqual(pick(streamed, 'prompt_tokens', 'completion_tokens', 'cost_nano_dollars'),
    [20, 5, costOf(20, 0, 5)]);
  assert.ok(streamed.first_token_us > 0 && streamed.first_token_us <= streamed.latency_us);
  const names = ['requests', 'errors', 'attempts', 'total_tokens', 'cost_nano_dollars'];
  const sums = [2, 0, 2, 72, costOf(40, 30, 7) + costOf(20, 0, 5)];
  assert.deepEqual(pick(dump.total, ...names), sums);
  assert.deepEqual(pick(dump.accounts['team-a'], ...names), sums);
  assert.deepEqual(pick(dump.clients.e2e, ...names), sums);
  assert.deepEqual(pick(dump.models['mock-large'], ...names), sums);
});

test('a second attempt: each is a row, the request is one', async (t) => {
  const {gateway, send, directory} = await start(t,
    {rules: [{match: {key: 'sk-test-a'}, do: {status: 500}}]});
  assert.equal(await send('retried'), 200);
  await gateway.stopCleanly();
  const dump = await dumpChecked(directory);
  const rows = rowsOf(dump, 'retried').sort((a, b) => a.attempt - b.attempt);
  assert.deepEqual(rows.map((row) => pick(row, 'attempt', 'account', 'status', 'total_tokens')),
    [[1, 'team-a', 500, 0], [2, 'team-b', 200, 25]]);
  assert.deepEqual(rows.map((row) => row.flags.includes('last')), [false, true]);
  assert.deepEqual(pick(dump.total, 'requests', 'errors', 'attempts', 'failed_attempts'),
    [1, 0, 2, 1]);
});

test('a request that fails is an error once, and the answer to it is the client\'s', async (t) => {
  const {gateway, send, directory} = await start(t, {
    accounts: [{}],
    rules: [{match: {header: {'x-request-id': 'refused-by-provider'}}, do: {status: 400}},
      {match: {header: {'x-request-id': 'broken'}}, do: {abort: 'rst', 'abort-at': 'start'}}],
  });
  assert.equal(await send('refused-by-provider'), 400);
  assert.equal(await send('broken'), 502);
  await gateway.stopCleanly();
  const dump = await dumpChecked(directory);
  const [refused] = rowsOf(dump, 'refused-by-provider');
  assert.deepEqual(pick(refused, 'outcome', 'status', 'account'), ['ended', 400, 'team-a']);
  const broken = rowsOf(dump, 'broken');
  assert.deepEqual(broken.map((row) => pick(row, 'outcome', 'status', 'account')).sort(),
    [['ended', 0, 'team-a'], ['refused', 502, 'team-a']], JSON.stringify(broken));
  assert.deepEqual(pick(dump.total, 'requests', 'errors', 'attempts', 'failed_attempts'),
    [2, 2, 2, 2]);
});

test('an error that is the client\'s in the end is booked with the account that gave it',
  async (t) => {
    const {gateway, send, directory} = await start(t, {
      accounts: [{}, {}],
      routing: {strategy: 'ordered'},
      rules: [{match: {header: {'x-request-id': 'both-fail'}}, do: {status: 503}},
        {match: {header: {'x-request-id': 'forbidden'}}, do: {status: 403}, times: 1},
        {match: {header: {'x-request-id': 'forbidden'}}, do: {abort: 'rst', 'abort-at': 'start'}}],
    });
    assert.equal(await send('both-fail'), 503);
    assert.equal(await send('forbidden'), 502);
    await gateway.stopCleanly();
    const dump = await dumpChecked(directory);
    const told = (id) => rowsOf(dump, id).sort((a, b) => a.attempt - b.attempt).map((row) =>
      [row.outcome, row.status, row.account, row.flags.includes('last')]);
    const [first, second, answer] = told('both-fail').sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual([first, second].sort(),
      [['ended', 503, 'team-a', false], ['ended', 503, 'team-b', false]]);
    assert.deepEqual(answer, ['refused', 503, 'team-b', false]);
    assert.deepEqual(told('forbidden').sort(),
      [['ended', 0, 'team-b', false], ['ended', 403, 'team-a', false],
        ['refused', 502, 'team-b', false]]);
    assert.equal(dump.accounts['team-b'].requests, 2);
    assert.deepEqual(pick(dump.total, 'requests', 'errors', 'attempts'), [2, 2, 4]);
  });

test('requests that no account was asked for: no attempt, one error each', async (t) => {
  const {gateway, send, directory, mock} = await start(t, {
    accounts: [{rpm_limit: 1}],
    queue: {capacity: 1, overflow: 'reject', wait: {normal: '100ms'}},
  });
  assert.equal(await send('served'), 200);
  const refused = ['one', 'two', 'three'];
  for (const status of await Promise.all(refused.map((id) => send(id)))) assert.ok(status >= 429);
  await gateway.stopCleanly();
  assert.equal((await mock.count()).requests, 1);
  const dump = await dumpChecked(directory);
  for (const id of refused) {
    const rows = rowsOf(dump, id);
    assert.equal(rows.length, 1, id);
    assert.deepEqual(pick(rows[0], 'outcome', 'account', 'total_tokens'), ['refused', '', 0]);
    assert.ok(rows[0].status >= 429, `${rows[0].status}`);
  }
  assert.deepEqual(pick(dump.total, 'requests', 'errors', 'attempts'), [4, 3, 1]);
});

test('a client that leaves in the middle of a stream: no error, what came is told', async (t) => {
  const {gateway, mock, directory} = await start(t,
    {rules: [{match: {}, do: {tokens: 1000, gap: '20ms'}}]});
  const client = await rawClient(t, gateway.url);
  client.send(requestText(CHAT, JSON.stringify(ask({stream: true})), {'x-request-id': 'left'}));
  await eventually(() => client.received.includes('token-3'), 'some tokens');
  client.socket.destroy();
  const dump = await eventuallyStored(directory, (now) => rowsOf(now, 'left').length > 0, 'a row');
  const [row] = rowsOf(dump, 'left');
  assert.ok(row.flags.includes('client_gone') && row.flags.includes('last'), `${row.flags}`);
  assert.equal(row.outcome, 'ended');
  assert.ok(row.completion_tokens > 0 && row.completion_tokens < 1000, `${row.completion_tokens}`);
  assert.deepEqual(pick(dump.total, 'requests', 'errors'), [1, 0]);
  await eventually(async () => (await mock.count()).in_flight === 0, 'the end at the provider');
  await gateway.stopCleanly();
});

test('somebody who reads for long disturbs neither requests nor booking', async (t) => {
  const {gateway, send, directory} = await start(t);
  assert.equal(await send('before'), 200);
  await eventuallyStored(directory, (now) => now.rows.length === 1, 'the first');
  const reader = new Program(storeDump, ['--hold', directory], {stdio: ['pipe', 'pipe', 'pipe']});
  atEnd(t, () => reader.stop('SIGKILL'));
  await reader.says(/holding/);
  for (let i = 0; i < 20; ++i) assert.equal(await send(`meanwhile-${i}`), 200);
  await eventuallyStored(directory, (now) => now.rows.length === 21, 'the others');
  reader.child.stdin.end();
  await once(reader.child, 'close');
  assert.equal(reader.status.code, 0, reader.errors);
  await gateway.stopCleanly();
  assert.equal((await dumpChecked(directory)).total.requests, 21);
  assert.doesNotMatch(gateway.errors, / error | warning .*(book|read)/);
});

test('store.directory none: nothing is stored, and the log says so', async (t) => {
  const {gateway, send, directory} = await start(t, {store: {directory: 'none'}});
  assert.equal(await send('unseen'), 200);
  await gateway.stopCleanly();
  assert.match(gateway.errors, /warning .*store\.directory is none/);
  await assert.rejects(access(directory));
  await assert.rejects(access(path.join(path.dirname(directory), 'none')));
});

test('another number of shards: what former ones left is booked, journals go', async (t) => {
  const {gateway, mock, post, directory, file} = await start(t,
    {shards: 4, rules: [{match: {stream: true}, do: {tokens: 1000, gap: '50ms'}}]});
  const answers = await Promise.all(Array.from({length: 24}, (_, i) => post(`whole-${i}`)));
  for (const answer of answers) await answer.text();
  const streams = await Promise.all(
    Array.from({length: 12}, (_, i) => post(`half-${i}`, {stream: true})));
  await gateway.stop('SIGKILL');
  await Promise.allSettled(streams.map((answer) => answer.text()));

  const config = JSON.parse(await readFile(file, 'utf8'));
  for (const shards of [1, 3]) {
    await writeFile(file, JSON.stringify({...config, shards}));
    const next = await serve(t, file);
    const dump = await eventuallyStored(directory,
      (now) => now.rows.length === 36 && now.open === 0, 'all of them');
    assert.equal(dump.rows.filter((row) => row.outcome === 'unknown').length, 12);
    await eventually(() => access(path.join(directory, 'journal', `shard-0${shards}`))
      .then(() => false, () => true), 'the end of the journals of former shards');
    await next.stopCleanly();
  }
  const dump = await dumpChecked(directory);
  assert.deepEqual(pick(dump.total, 'requests', 'unknown', 'errors'), [36, 12, 12]);
  assert.equal((await dumpStore(directory)).rows.length, 36);
  assert.equal((await mock.count()).requests, 36);
});

test('an error that tells no usage has used none', async (t) => {
  const {gateway, send, directory} = await start(t);
  for (const status of [400, 422])
    assert.equal(await send(`bad-${status}`, {}, {'x-mock-fault': `status=${status}`}), status);
  await gateway.stopCleanly();
  const dump = await dumpChecked(directory);
  for (const status of [400, 422]) {
    const [row] = rowsOf(dump, `bad-${status}`);
    assert.deepEqual(pick(row, 'status', 'prompt_tokens', 'completion_tokens', 'total_tokens',
      'cost_nano_dollars'), [status, 0, 0, 0, 0]);
    assert.ok(!row.flags.includes('tokens_guessed'), JSON.stringify(row.flags));
  }
});
