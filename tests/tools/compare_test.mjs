// What bench/compare makes of what it has measured: wrk's words, quiet intervals, medians, ratios.
import assert from 'node:assert/strict';
import test from 'node:test';
import {prompt, wrkScript} from '../../bench/compare/loads.mjs';
import {median, summarize, table} from '../../bench/compare/report.mjs';
import {usage} from '../../bench/compare/sampling.mjs';
import {chosen, connectionsWithin} from '../../bench/compare/workloads.mjs';
import {microseconds, parseWrk} from '../../bench/compare/wrk_output.mjs';

const WRK = `Running 2s test @ http://127.0.0.1:40001/v1/chat/completions
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.12ms    2.01ms  40.01ms   97.12%
    Req/Sec    60.51k     3.20k   66.01k    70.00%
  Latency Distribution
     50%  812.00us
     75%    1.01ms
     90%    1.90ms
     99%   11.20ms${' '}
  120402 requests in 2.01s, 252.10MB read
Requests/sec:  59901.49
Transfer/sec:    125.42MB
`;

test('wrk\'s output: requests, duration and latencies in microseconds', () => {
  assert.deepEqual(parseWrk(WRK),
    {requests: 120402, seconds: 2.01, p50_us: 812, p99_us: 11200, errors: ''});
});

for (const [text, expected] of [['812.00us', 812], ['1.90ms', 1900], ['2.50s', 2500000],
  ['1.00m', 60000000]]) {
  test(`a duration of wrk's: ${text}`, () => assert.equal(microseconds(text), expected));
}

test('a duration without a unit is refused', () => {
  assert.throws(() => microseconds('812'), /no duration/);
});

test('wrk\'s output: answers that are no 2xx and broken sockets are errors', () => {
  const lines = '  Socket errors: connect 0, read 3, write 0, timeout 1\n' +
    '  Non-2xx or 3xx responses: 17\n';
  assert.equal(parseWrk(WRK.replace('Requests/sec', `${lines}Requests/sec`)).errors,
    'Non-2xx or 3xx responses: 17; Socket errors: connect 0, read 3, write 0, timeout 1');
});

test('output without latencies is refused', () => {
  assert.throws(() => parseWrk(WRK.replaceAll('%', '')), /not understood/);
});

test('a prompt has exactly its bytes, and is JSON', () => {
  for (const bytes of [1024, 60_000]) {
    assert.equal(prompt(bytes, false).length, bytes);
    assert.equal(JSON.parse(prompt(bytes, true)).stream, true);
  }
});

test('wrk\'s script has every header and sends the body', () => {
  const script = wrkScript('{"model":"m"}', {'x-test': '1'});
  assert.match(script, /wrk\.headers\["x-test"\] = "1"/);
  assert.match(script, /"POST", "\/v1\/chat\/completions", nil, '\{"model":"m"\}'/);
});

const MS = 1_000_000;
// `units` served in 400 ms for `cpu_ms`, a quarter of it user's, while others used `foreign_ms`.
function readingsOf(intervals) {
  const now = {at_ns: 5 * MS, units: 7, own_ns: 0, busy_ns: 100 * MS,
    cpu: {total_ns: 3 * MS, busiest_ns: 2 * MS, user_ticks: 9, system_ticks: 9}};
  const readings = [structuredClone(now)];
  for (const {units, cpu_ms, foreign_ms} of intervals) {
    now.at_ns += 400 * MS;
    now.units += units;
    now.own_ns += 2 * cpu_ms * MS;
    now.busy_ns += (2 * cpu_ms + foreign_ms) * MS;
    now.cpu.total_ns += cpu_ms * MS;
    now.cpu.busiest_ns += cpu_ms * MS / 2;
    now.cpu.user_ticks += cpu_ms / 4;
    now.cpu.system_ticks += cpu_ms * 3 / 4;
    readings.push(structuredClone(now));
  }
  return readings;
}

test('CPU for a unit is taken from quiet intervals', () => {
  const used = usage(readingsOf([
    {units: 20_000, cpu_ms: 300, foreign_ms: 0},
    {units: 10_000, cpu_ms: 300, foreign_ms: 100},
    {units: 20_000, cpu_ms: 300, foreign_ms: 47}]));
  assert.deepEqual(used, {units_per_s: 50_000, cpu_us: 15, busiest_us: 7.5, user_us: 3.75,
    system_us: 11.25, core_share: 0.75, intervals: 3, quiet: 2});
});

test('where no interval is quiet, all count, and it is said', () => {
  const used = usage(readingsOf([
    {units: 20_000, cpu_ms: 300, foreign_ms: 90}, {units: 10_000, cpu_ms: 300, foreign_ms: 90}]));
  assert.equal(used.quiet, 0);
  assert.equal(used.cpu_us, 20);
});

test('nothing served is no measurement', () => {
  assert.throws(() => usage(readingsOf([{units: 0, cpu_ms: 1, foreign_ms: 0}])), /nothing/);
});

for (const [numbers, expected] of [[[3, 1, 2], 2], [[4, 1, 3, 2], 2.5], [[7], 7], [[10, 9], 9.5]]) {
  test(`the median of ${numbers}`, () => assert.equal(median(numbers), expected));
}

const run = (cpu_us, p50_us) =>
  ({cpu_us, p50_us, p99_us: 2 * p50_us, units_per_s: 1e6 / cpu_us, own_kib: 1024 * cpu_us});
const ROUNDS = [
  {'sluice': run(12, 300), 'nginx': run(16, 400), 'haproxy': run(15, 500),
    'relay-uring': run(10, 200),
    'direct': {p50_us: 100, p99_us: 150}},
  {'sluice': run(24, 600), 'nginx': run(32, 800), 'haproxy': run(40, 900),
    'relay-uring': run(20, 400),
    'direct': {p50_us: 200, p99_us: 300}},
  {'sluice': run(13, 300), 'nginx': run(16, 400), 'haproxy': run(17, 500),
    'relay-uring': run(10, 200),
    'direct': {p50_us: 100, p99_us: 150}},
];
const ORDER = ['sluice', 'nginx', 'haproxy', 'relay-uring', 'direct'];

test('ratios are taken within a round, so that a slow round changes none', () => {
  const {ratios, against} = summarize(ROUNDS, ORDER);
  assert.equal(against.better.cpu_us, 'nginx');
  assert.deepEqual(ratios.sluice.relay.cpu_us, {median: 1.2, min: 1.2, max: 1.3});
  assert.deepEqual(ratios.sluice.better.cpu_us, {median: 0.75, min: 0.75, max: 0.8125});
  assert.equal(ratios.nginx.better, undefined);
});

test('added latency is over the same round\'s direct one', () => {
  const {peers, ratios} = summarize(ROUNDS, ORDER);
  assert.deepEqual(peers.sluice.added_p50_us, {median: 200, min: 200, max: 400});
  assert.equal(peers.nginx.added_p99_us.median, 650);
  assert.equal(peers.direct.added_p50_us, undefined);
  assert.equal(ratios.sluice.better.added_p50_us.median, 2 / 3);
});

test('a run that failed is missing, not zero', () => {
  const {peers, ratios} = summarize([ROUNDS[0], {nginx: run(18, 1)}], ORDER);
  assert.equal(peers.sluice.runs, 1);
  assert.equal(peers.nginx.cpu_us.median, 17);
  assert.equal(ratios.sluice.better.cpu_us.max, 12 / 15);
});

test('idle connections are compared by their memory', () => {
  const {against} = summarize(
    [{nginx: {connection_bytes: 600}, haproxy: {connection_bytes: 500}}], ORDER);
  assert.deepEqual(against.better, {connection_bytes: 'haproxy'});
});

test('of each metric the better is the one that is better there', () => {
  const {ratios, against} = summarize([{
    sluice: {...run(10, 300), p99_us: 800, units_per_s: 100},
    nginx: {...run(20, 400), p99_us: 1600, units_per_s: 50},
    haproxy: {...run(16, 500), p99_us: 3200, units_per_s: 40}}], ORDER);
  assert.deepEqual(against.better, {cpu_us: 'haproxy', units_per_s: 'nginx', p50_us: 'nginx',
    p99_us: 'nginx', own_kib: 'haproxy'});
  assert.equal(ratios.sluice.better.cpu_us.median, 10 / 16);
  assert.equal(ratios.sluice.better.p99_us.median, 0.5);
  assert.equal(ratios.sluice.better.units_per_s.median, 2);
  assert.deepEqual(Object.keys(ratios.nginx.better), ['cpu_us', 'own_kib']);
});

test('without nginx, HAProxy and relay there are no ratios', () => {
  const {ratios, against} = summarize([{sluice: run(12, 300)}], ORDER);
  assert.equal(against.better, null);
  assert.deepEqual(ratios.sluice, {});
});

test('the table has a row for each peer, and ratios to both', () => {
  const lines = table('request', summarize(ROUNDS, ORDER));
  assert.match(lines[0], /^per request +CPU us/);
  assert.match(lines[1], /^sluice +13\.0 .* 12\.0\.\.24\.0$/);
  const relay = lines.indexOf(lines.find((line) => line.startsWith('/ relay-uring')));
  assert.match(lines[relay + 1], /^sluice +1\.20 +1\.20\.\.1\.30/);
  const best = lines.indexOf(lines.find((line) => line.startsWith('/ better')));
  assert.match(lines[best + 1], /^sluice +0\.75 +0\.75\.\.0\.81 +1\.33 +1\.23\.\.1\.33/);
  assert.match(lines[best], / own MiB +min\.\.max/);
});

test('names are taken as they are listed; an unknown one is refused', () => {
  assert.deepEqual(chosen('b, a,b', ['a', 'b', 'c'], '--peers'), ['b', 'a']);
  assert.throws(() => chosen('a,x', ['a', 'b'], '--peers'), /--peers: "x" is none of a, b/);
  assert.throws(() => chosen(' ,', ['a', 'b'], '--peers'), /names none/);
});

test('as many connections as there are descriptors for', () => {
  assert.equal(connectionsWithin(10_000, 65_536), 10_000);
  assert.equal(connectionsWithin(10_000, 20_000), 9_750);
  assert.equal(connectionsWithin(64, Infinity), 64);
});
