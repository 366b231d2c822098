// Probes of the accounts' health: providers that hang hold up no others.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import {account, atEnd, eventually, startGateway, startMock} from './harness.mjs';

const HANGING = 40;

test('forty providers that never answer take no turn from the one that does', async (t) => {
  const held = new Set();
  let most = 0;
  const silent = net.createServer((socket) => {
    held.add(socket);
    most = Math.max(most, held.size);
    socket.on('error', () => {}).on('close', () => held.delete(socket)).resume();
  });
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    silent.close();
    for (const socket of held) socket.destroy();
  });
  const base = `http://127.0.0.1:${silent.address().port}/v1`;
  const mock = await startMock(t);
  const hanging = Array.from({length: HANGING}, (_, i) =>
    account(mock, {name: `silent-${i}`, base_url: base, api_key: `sk-test-silent-${i}`}));
  await startGateway(t, {accounts: [...hanging, account(mock, {name: 'answers'})],
    health: {interval: '2s'}});
  const probes = async () => (await mock.count()).requests;
  await eventually(() => held.size > 32, 'more than 32 that hang');
  const before = await probes();
  // Before the first of those that hang is given up, after 15 s.
  await eventually(async () => await probes() >= before + 2, 'two more probes');
  assert.ok(held.size > 32, `${held.size} still hang`);
  assert.ok(most <= HANGING, `${most} probes of ${HANGING} accounts at once`);
});

// One begun in 100 ms made 12 s of a round of these.
test('many accounts are asked once in each interval', async (t) => {
  const MANY = 120;
  const INTERVAL_MS = 2000;
  const mock = await startMock(t);
  const accounts = Array.from({length: MANY}, (_, i) =>
    account(mock, {name: `a-${i}`, api_key: `sk-test-${i}`}));
  await startGateway(t, {accounts, health: {interval: `${INTERVAL_MS}ms`}});
  const probes = async () => (await mock.count()).requests;
  await eventually(async () => await probes() >= MANY, 'a round');
  const began = performance.now();
  const before = await probes();
  await eventually(async () => await probes() >= before + 3 * MANY, 'three rounds', 30_000);
  const took = performance.now() - began;
  assert.ok(took < 3.6 * INTERVAL_MS, `${took} ms for three rounds`);
  assert.ok(took > 2.4 * INTERVAL_MS, `${took} ms: more often than that`);
});
