// The gateway dies at any moment (kill -9), again and again, on one data directory: what it has
// stored is what the provider has seen.
//
// CRASH_CYCLES says how often it dies (50), CRASH_SEED repeats a run.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import {account, ask, CLIENT_KEY, eventually, startMock} from './harness.mjs';
import {beginGateway, dumpChecked, makeSite, serve} from './store.mjs';

const CYCLES = Number(process.env.CRASH_CYCLES ?? 50);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 6;
const LOAD_MS_MAX = 400;      // how long a gateway lives under load
const START_MS_MAX = 60;      // and one that dies while it starts: about as long as a start takes
const DIES_STARTING = 0.15;   // of the cycles
// The median of restarts, whatever other work delays one of them: at most so long, or on a slow
// machine so many times what a start on nothing takes.
const RESTART_MS_MAX = 2000;
const RESTART_TIMES_MAX = 5;
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Numbers in [0, 1) that a seed repeats (mulberry32).
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// One request over `agent`: {status, whole}; status 0 when no head came.
function send(agent, url, {id, prompt, tokens, stream}) {
  const body = JSON.stringify(ask({
    messages: [{role: 'user', content: 'x'.repeat(prompt)}], max_tokens: tokens, stream,
  }));
  return new Promise((resolve) => {
    const request = http.request(`${url}/v1/chat/completions`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${CLIENT_KEY}`,
        'content-type': 'application/json',
        'content-length': body.length,
        'x-request-id': id,
      },
    });
    request.on('error', () => resolve({status: 0, whole: false}));
    request.on('response', (answer) => {
      answer.resume().on('error', () => {});
      answer.on('close', () => resolve({status: answer.statusCode, whole: answer.complete}));
    });
    request.end(body);
  });
}

// Sends one request after the other over one connection, until the gateway is gone: so at most one
// of them has not ended when it dies.
async function sendUntilGone(url, name, random, sent) {
  const agent = new http.Agent({keepAlive: true, maxSockets: 1});
  for (let i = 0; ; ++i) {
    const request = {
      id: `${name}-${i}`,
      client: name,
      prompt: 1 + Math.floor(random() * 200),
      tokens: 1 + Math.floor(random() * 12),
      stream: random() < 0.5,
    };
    sent.set(request.id, request);
    Object.assign(request, await send(agent, url, request));
    if (!request.whole) break;
  }
  agent.destroy();
}

// What the provider does: each account well, but one that fails often and one that breaks off.
const RULES = [
  {match: {key: 'sk-test-b', probability: 0.3}, do: {status: 500}},
  {match: {key: 'sk-test-c', stream: true, probability: 0.3},
    do: {abort: 'rst', 'abort-at': 'event:2'}},
  {match: {key: 'sk-test-c', probability: 0.1}, do: {abort: 'rst', 'abort-at': 'head'}},
];

const grouped = (list, key) => {
  const groups = new Map();
  for (const one of list) {
    if (!groups.has(key(one))) groups.set(key(one), []);
    groups.get(key(one)).push(one);
  }
  return groups;
};

// What reached the provider has exactly one row for each time; what has a row and did not reach it
// was on its way when the gateway died, or got no answer.
function compareAttempts(allRows, ledger) {
  const rows = allRows.filter((row) => row.outcome !== 'refused');
  const arrived = grouped(ledger, (entry) => `${entry.request_id} ${entry.key.at(-1)}`);
  const stored = grouped(rows, (row) => `${row.request} ${row.account.at(-1)}`);
  for (const [attempt, entries] of arrived)
    assert.ok((stored.get(attempt) ?? []).length >= entries.length, `lost: ${attempt}`);
  for (const [attempt, list] of stored) {
    const more = list.length - (arrived.get(attempt) ?? []).length;
    const unseen = list.filter((row) => row.status === 0).length;
    assert.ok(more <= unseen, `stored and never asked for: ${attempt} ${JSON.stringify(list)}`);
  }
  for (const [attempt, list] of grouped(rows, (row) => `${row.request} ${row.attempt}`))
    assert.equal(list.length, 1, `twice: ${attempt} ${JSON.stringify(list)}`);
  return {arrived, stored};
}

// Tokens are the provider's wherever it has sent its whole answer and the gateway lived to see it.
function compareTokens(arrived, stored, sent) {
  let compared = 0;
  for (const [attempt, entries] of arrived) {
    const rows = stored.get(attempt);
    if (entries.length !== 1 || rows.length !== 1) continue;
    const [[entry], [row]] = [entries, rows];
    const whole = entry.complete && !entry.client_left && entry.status === 200;
    if (row.outcome !== 'ended' || !whole) continue;
    if (row.flags.includes('hedged') && !row.flags.includes('last')) continue;  // called off
    const {prompt, tokens, stream} = sent.get(entry.request_id);
    assert.deepEqual(
      [row.status, row.prompt_tokens, row.completion_tokens, row.flags.includes('streamed')],
      [200, Math.ceil(prompt / 4), tokens, stream], `${attempt} ${JSON.stringify(row)}`);
    ++compared;
  }
  return compared;
}

// Unknown is only what had not ended when the gateway died: one for each client and cycle, and the
// attempt that hedged it.
function compareUnknown(rows, sent) {
  const unknown = grouped(rows.filter((row) => row.outcome === 'unknown'), (row) => row.request);
  const clients = new Map();
  for (const [id, list] of unknown) {
    assert.ok(list.filter((row) => !row.flags.includes('hedged')).length <= 1, id);
    assert.ok(list.filter((row) => row.flags.includes('hedged')).length <= 1, id);
    const {client} = sent.get(id);
    assert.ok(!clients.has(client), `two of one client: ${id} and ${clients.get(client)}`);
    clients.set(client, id);
  }
  return unknown.size;
}

// A request that its client saw end has one row that says so. But where the answer came from no
// attempt, that row is written when the client has it: the gateway may die between the two.
function compareRequests(rows, sent) {
  const stored = grouped(rows, (row) => row.request);
  for (const [id, {whole, status}] of sent) {
    const list = stored.get(id) ?? [];
    const ends = list.filter((row) => row.flags.includes('last') || row.outcome === 'refused' ||
      (row.outcome === 'unknown' && !row.flags.includes('hedged')));
    assert.ok(ends.length <= 1, `ended twice: ${id} ${JSON.stringify(list)}`);
    if (!whole) continue;
    const [, client, number] = /^(.*)-(\d+)$/.exec(id);
    const followed = sent.get(`${client}-${Number(number) + 1}`)?.whole;
    if (!followed && status >= 500 && list.length > 0) continue;
    // A hedge had the answer, after the first had failed: it has no end, and is no request.
    if (ends.length === 0 && list.some((row) => row.outcome === 'unknown')) continue;
    assert.equal(ends.length, 1, `ended and not stored: ${id} ${status} ${JSON.stringify(list)}`);
    if (ends[0].outcome !== 'unknown') assert.equal(ends[0].status, status, id);
  }
}

// A slow account, and another that is asked as well.
const HEDGED = {
  config: {hedge: {after: '10ms', percent: 100}, routing: {strategy: 'ordered'}},
  rules: [{match: {key: 'sk-test-a', probability: 0.5}, do: {latency: '60ms'}}],
};

for (const [what, {config = {}, rules = []}] of [['', {}], [', with hedges', HEDGED]]) {
  test(`nothing is lost nor booked twice in ${CYCLES} deaths${what}`, async (t) => {
    t.diagnostic(`CRASH_SEED=${SEED} CRASH_CYCLES=${CYCLES}`);
    const random = randomFrom(SEED);
    const mock = await startMock(t);
    await mock.script({seed: SEED, defaults: {latency: '3ms', tokens: 50, gap: '1ms'},
      rules: [...rules, ...RULES]});
    const site = await makeSite(t, {
      accounts: ['a', 'b', 'c'].map((letter) => account(mock, {
        name: `team-${letter}`, api_key: `sk-test-${letter}`, rpm_limit: 1_000_000,
      })),
      log: {level: 'warning', format: 'json'}, ...config,
    });
    const sent = new Map();
    const restarts = [];
    const beforeEmpty = performance.now();
    const empty = await serve(t, (await makeSite(t, {accounts: [account(mock)]})).file);
    const emptyMs = performance.now() - beforeEmpty;
    await empty.stopCleanly();
    for (let cycle = 0; cycle < CYCLES; ++cycle) {
      const began = performance.now();
      if (random() < DIES_STARTING) {
        const starting = beginGateway(t, site.file);
        await delay(random() * START_MS_MAX);
        await starting.stop('SIGKILL');
        continue;
      }
      const gateway = await serve(t, site.file);
      restarts.push(performance.now() - began);
      const clients = Array.from({length: CLIENTS},
        (_, i) => sendUntilGone(gateway.url, `${cycle}-${i}`, random, sent));
      if (restarts.length === 1)
        await eventually(() => [...sent.values()].some((one) => one.whole), 'a first answer');
      await delay(random() * LOAD_MS_MAX);
      await gateway.stop('SIGKILL');
      await Promise.all(clients);
      assert.doesNotMatch(gateway.errors, /usage records lost|invariant does not hold/);
    }
    const last = await serve(t, site.file);
    await last.stopCleanly();
    assert.doesNotMatch(last.errors, /usage records lost/);
    await eventually(async () => (await mock.count()).in_flight === 0, 'the end of all requests');

    const {rows, open} = await dumpChecked(site.directory);
    const ledger = await mock.requests();
    assert.equal(open, 0);
    const {arrived, stored} = compareAttempts(rows, ledger);
    const compared = compareTokens(arrived, stored, sent);
    const unknown = compareUnknown(rows, sent);
    const median = restarts.sort((a, b) => a - b)[restarts.length >> 1];
    t.diagnostic(`${sent.size} requests, ${ledger.length} at the provider, ${rows.length} rows, ` +
      `${unknown} unknown, tokens of ${compared} compared`);
    const hedges = rows.filter((row) => row.flags.includes('hedged'));
    const cut = hedges.filter((row) => row.outcome === 'unknown').length;
    t.diagnostic(`${hedges.length} attempts hedged, ${cut} of them unknown`);
    assert.equal(hedges.length > 0, what !== '');
    t.diagnostic(`restart: median ${median.toFixed(0)} ms, most ${restarts.at(-1).toFixed(0)} ms`);
    compareRequests(rows, sent);
    assert.ok(median < Math.max(RESTART_MS_MAX, RESTART_TIMES_MAX * emptyMs),
      `${median} ms, ${emptyMs} ms on nothing`);
    assert.ok(compared > 0);
  });
}
