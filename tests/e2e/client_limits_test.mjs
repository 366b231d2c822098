// What a client key may use, and what it is told of that.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import test from 'node:test';
import OpenAI from 'openai';
import {ask, CLIENT_KEY, eventually, startBoth} from './harness.mjs';

const CHAT = '/v1/chat/completions';
const FREE = 'sk-test-free-0123456789';
const clients = (limits) => [
  {name: 'limited', key: CLIENT_KEY, ...limits}, {name: 'free', key: FREE}];
const free = {authorization: `Bearer ${FREE}`};

function limitsOf(answer) {
  const entries = [...answer.headers].filter(([name]) => name.startsWith('x-ratelimit-'));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(12), value]));
}

test('rpm_limit: each answer says what is left, over all shards', async (t) => {
  const {mock, gateway} = await startBoth(t, {clients: clients({rpm_limit: 3})});
  const began = performance.now();
  const leastS = () => 60 - Math.ceil((performance.now() - began) / 1000);
  for (const left of ['2', '1', '0']) {
    const answer = await gateway.post(CHAT, ask());
    assert.equal(answer.status, 200);
    const said = limitsOf(answer);
    assert.deepEqual([said['limit-requests'], said['remaining-requests']], ['3', left]);
    const [, reset] = /^(1m0|\d\d)s$/.exec(said['reset-requests']);
    assert.ok(reset === '1m0' || (reset < 60 && reset >= leastS()), `${reset} s`);
    assert.equal(said['limit-tokens'], undefined);
    await answer.text();
  }
  const refused = await gateway.post(CHAT, ask());
  assert.equal(refused.status, 429);
  const {error} = await refused.json();
  assert.deepEqual([error.type, error.code], ['requests', 'rate_limit_exceeded']);
  assert.match(error.message, /3 requests per minute/);
  assert.equal(refused.headers.get('x-sluice-error-source'), 'gateway');
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait >= leastS() && wait <= 60, `${wait}`);
  assert.equal(Math.ceil(Number(refused.headers.get('retry-after-ms')) / 1000), wait);
  assert.equal(limitsOf(refused)['remaining-requests'], '0');
  assert.equal(limitsOf(await fetch(`${gateway.url}/v1/models`,
    {headers: {authorization: `Bearer ${CLIENT_KEY}`}}))['limit-requests'], '3');
  assert.equal((await gateway.post(CHAT, ask(), free)).status, 200);
  assert.equal((await mock.count()).requests, 4);
  const openai = new OpenAI({apiKey: CLIENT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0});
  await assert.rejects(openai.chat.completions.create(ask()), OpenAI.RateLimitError);
});

test('a key without limits is told those of the provider', async (t) => {
  const header = ['x-ratelimit-limit-requests: 77', 'x-ratelimit-remaining-requests: 70'];
  const {gateway} = await startBoth(t,
    {clients: clients({rpm_limit: 3}), rules: [{do: {header}}]});
  assert.deepEqual(limitsOf(await gateway.post(CHAT, ask(), free)),
    {'limit-requests': '77', 'remaining-requests': '70'});
  assert.equal(limitsOf(await gateway.post(CHAT, ask()))['limit-requests'], '3');
});

test('tpm_limit: reserved, and settled with what was used', async (t) => {
  const {gateway} = await startBoth(t, {
    clients: clients({tpm_limit: 1000}), rules: [{do: {'prompt-tokens': 50, tokens: 10}}],
  });
  const post = (max_tokens) => gateway.post(CHAT, ask({max_tokens}));
  const first = await post(800);
  assert.equal(first.status, 200);
  assert.equal(limitsOf(first)['limit-tokens'], '1000');
  assert.ok(Number(limitsOf(first)['remaining-tokens']) < 200);
  await first.text();
  // Settled: 60.
  await eventually(async () => (await post(800)).status === 200, 'the tokens given back');
  const refused = await post(950);
  assert.equal(refused.status, 429);
  assert.deepEqual((({type, code}) => [type, code])((await refused.json()).error),
    ['tokens', 'rate_limit_exceeded']);
});

test('concurrent_limit: one too many is told so at once', async (t) => {
  const {mock, gateway} = await startBoth(t, {
    clients: clients({concurrent_limit: 2}), rules: [{do: {latency: '6s'}}],
  });
  const running = [gateway.post(CHAT, ask()), gateway.post(CHAT, ask())];
  await eventually(async () => (await mock.count()).requests === 2, 'two of them there');
  const third = await gateway.post(CHAT, ask());
  assert.equal(third.status, 429);
  assert.equal(third.headers.get('retry-after'), '1');
  for (const answer of running) assert.equal((await answer).status, 200);
  await eventually(async () => (await gateway.post(CHAT, ask())).status === 200, 'room again');
});

test('a reload gives nobody a second helping', async (t) => {
  const {gateway} = await startBoth(t, {clients: clients({rpm_limit: 2})});
  const status = async () => (await gateway.post(CHAT, ask())).status;
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  config.clients[0].rpm_limit = 3;
  await writeFile(gateway.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(() => /reloaded/.test(gateway.errors), 'the reload');
  await eventually(async () => (await status()) === 200, 'one more');
  assert.equal(await status(), 429);
});
