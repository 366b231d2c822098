// A disk that does not answer for a while, under load: no request waits for it, none is refused,
// and nothing of the usage is lost. STALL_SECONDS (default 30) says for how long at least.
import assert from 'node:assert/strict';
import {readdir, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import {setTimeout as delay} from 'node:timers/promises';
import {account, CLIENT_KEY, eventually, startMock} from './harness.mjs';
import {dumpChecked, eventuallyStored, logLines, makeSite, serve} from './store.mjs';

const STALL_SECONDS = Number(process.env.STALL_SECONDS ?? 30);
// A journal has a few segments of 8,192 slots when the stall begins. These requests, with names
// that are all new, take at least 15 slots each; those behind them two, as ordinary ones do. At
// this pace 30 s take some 30 of the 64 MiB that a journal may have in memory, on any machine.
const STALL_REQUESTS = 8_000;
const REQUESTS_PER_S_MAX = 2_000;
const CONNECTIONS = 16;
const agent = new http.Agent({keepAlive: true, maxSockets: CONNECTIONS});

let sent = 0;
function send(url, ordinary) {
  const number = String(sent++);
  const body = JSON.stringify({model: ordinary ? 'm' : number.padStart(250, 'm'),
    messages: [{role: 'user', content: 'x'}]});
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/v1/chat/completions`, {method: 'POST', agent, headers: {
      authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json',
      'content-length': body.length, 'x-request-id': number.padStart(ordinary ? 0 : 128, 'i'),
    }}, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Requests on all connections until `enough(count)`; how many milliseconds 99 of 100 took at most.
async function load(url, enough) {
  const took = [];
  const msEach = 1000 * CONNECTIONS / REQUESTS_PER_S_MAX;
  await Promise.all(Array.from({length: CONNECTIONS}, async () => {
    for (let next = performance.now(); !enough(took.length); next += msEach) {
      const early = next - performance.now();
      if (early > 1) await delay(early);
      const begin = performance.now();
      assert.equal(await send(url, took.length > STALL_REQUESTS), 200);
      took.push(performance.now() - begin);
    }
  }));
  took.sort((a, b) => a - b);
  return {p99: took[Math.floor(took.length * 0.99)], worst: took.at(-1), count: took.length};
}

async function stall(t, switches) {
  const mock = await startMock(t, ['--tokens', '2']);
  const {file, directory} = await makeSite(t, {
    accounts: [account(mock, {rpm_limit: 1_000_000})], shards: 1, log: {format: 'json'},
  });
  const folder = path.dirname(file);
  const env = {...process.env, LD_PRELOAD: process.env.STALLED_DISK,
    STALL_SYNCS: path.join(folder, 'stall-syncs'), STALL_FILES: path.join(folder, 'stall-files')};
  const gateway = await serve(t, file, {env});
  await load(gateway.url, (count) => count >= 1000);  // warm
  const before = await load(gateway.url, (count) => count >= 2000);
  const end = performance.now() + STALL_SECONDS * 1000;
  const files = () => readdir(path.join(directory, 'journal', 'shard-00'));
  for (const name of switches) await writeFile(env[name], '');
  const filesBefore = await files();
  const during = await load(gateway.url,
    (count) => count >= STALL_REQUESTS && performance.now() > end);
  const grown = (await files()).length - filesBefore.length;
  for (const name of switches) await rm(env[name]);
  const after = await load(gateway.url, (count) => count >= 2000);
  t.diagnostic(`p99 ${before.p99.toFixed(1)} ms before, ${during.p99.toFixed(1)} ms during the ` +
    `stall, ${after.p99.toFixed(1)} after; worst ${before.worst.toFixed(1)}, ` +
    `${during.worst.toFixed(1)}`);
  // No effect, but for a machine that is busy with something else, then or since: one that waited
  // for the disk would have taken seconds.
  const usual = Math.max(before.p99, after.p99);
  assert.ok(during.p99 < 3 * usual + 20, `p99 ${before.p99} -> ${during.p99} -> ${after.p99}`);
  assert.ok(during.worst < STALL_SECONDS * 1000 / 2, `worst ${during.worst}`);
  const requests = 5000 + during.count;
  await eventuallyStored(directory, (now) => now.total.requests >= requests, 'the requests');
  await gateway.stopCleanly();
  const {total} = await dumpChecked(directory);
  assert.deepEqual([total.unknown, total.errors], [0, 0]);
  return {gateway, grown};
}

test('syncs that hang: the journal grows by files', async (t) => {
  const {grown} = await stall(t, ['STALL_SYNCS']);
  assert.ok(grown >= 2, `${grown}`);
});

test('a disk that hangs altogether: the journal goes on in memory', async (t) => {
  const {gateway, grown} = await stall(t, ['STALL_SYNCS', 'STALL_FILES']);
  assert.ok(grown <= 1, `${grown}`);  // one had been begun
  const times = (pattern) => logLines(gateway).filter((line) => pattern.test(line.message)).length;
  assert.equal(times(/the disk does not answer/), 1);
  await eventually(() => times(/the disk answers the usage journals again/) === 1, 'its end');
});
