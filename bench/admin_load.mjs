#!/usr/bin/env node
// What a busy administrator costs the proxy: the latency of requests with and without 200 listeners
// of the live stream, scrapes in a loop and the list of 1,000 accounts in a loop, in one run. The
// shard, its clients and its provider have one core, the administration and its programs another,
// as where fewer shards are configured than there are cores. Without the administrator, a loop that
// does nothing keeps that other core busy: what a virtual machine loses by keeping two cores busy
// instead of one is not the administrator's.
//
// usage: bench/admin_load.mjs [--rounds 200] [--seconds 1] [--rate 1000] [--listeners 200]
//          [--accounts 1000] [--bound 1.05] [--json]
//
// A round measures without and then with, the next one with and then without, so that what else the
// machine does hits both alike, and ends with 2 when the administrator was not served as he
// should be: each listener with snapshots, each loop with answers. Prints p50 and p99 of each,
// medians over the rounds, and the ratio of the medians. A round is short and there are many: the
// p99 of one second varies by a factor of two on a virtual machine, and one long pause in a long
// round would decide it. Exit status: 0 when the ratio of p99 is at most the bound, 1 when it is
// above, 2 on wrong use and when something failed. Needs two cores and build/release (or
// SLUICE=path). Loopback only; ends what it has started.
import {execFileSync, spawn} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {readArguments} from './arguments.mjs';

const root = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const sluice = process.env.SLUICE ?? path.join(root, 'build/release/engine/cli/sluice');
const values = readArguments(import.meta.url, {
  rounds: {type: 'string', default: '200', least: 1},
  rate: {type: 'string', default: '1000', least: 1},
  seconds: {type: 'string', default: '1', least: 1},
  listeners: {type: 'string', default: '200', least: 0},
  accounts: {type: 'string', default: '1000', least: 1},
  bound: {type: 'string', default: '1.05', least: 1}, json: {type: 'boolean'},
});
const SHARDS_CORE = '0';
const ADMIN_CORE = '1';
const TOKEN = 'sk-test-admin-bench-0123456789';
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-admin-load-'));
const running = [];

async function start(cores, args) {
  const child = spawn('taskset', ['-c', cores, sluice, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'], env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  running.push(child);
  let output = '';
  for await (const bytes of child.stdout) {
    output += bytes;
    const url = /listening on (\S+)/.exec(output)?.[1];
    if (url) return url;
  }
  throw new Error(`${args[0]} ended: ${output}`);
}

async function startGateway(provider) {
  const file = path.join(folder, 'sluice.yaml');
  const accounts = Array.from({length: values.accounts}, (_, i) => ({
    name: `team-${i}`, base_url: `${provider}/v1`, api_key: `sk-test-${i}`, rpm_limit: 1000}));
  await writeFile(file, JSON.stringify({
    listen: '127.0.0.1:0', shards: 1, log: {level: 'warning'}, metrics: {listen: []},
    store: {directory: path.join(folder, 'data')}, accounts,
    clients: [{name: 'bench', key: 'sk-test-bench-0123'}]}));
  return start(`${SHARDS_CORE},${ADMIN_CORE}`, ['serve', '-c', file]);
}

// Milliseconds, from when each request was due: an open loop that leaves the machine room, so that
// what is seen is the administrator, and not a machine that has too much to do.
async function measure(url) {
  const bench = spawn('taskset', ['-c', SHARDS_CORE, sluice, 'bench', `${url}/v1`, '--model', 'm',
    '--no-stream', '--rate', `${values.rate}/s`, '--duration', `${values.seconds}s`, '--json'],
  {stdio: ['ignore', 'pipe', 'inherit'],
    env: {...process.env, SLUICE_BENCH_KEY: 'sk-test-bench-0123'}});
  let output = '';
  for await (const bytes of bench.stdout) output += bytes;
  const told = JSON.parse(output);
  if (told.statuses['200'] !== told.requests.due) throw new Error(output);
  return {p50: told.latency_s.p50 * 1000, p99: told.latency_s.p99 * 1000,
    rate: told.answered_per_second};
}

// The administrator's load until stop() is called, which tells what he got, and throws when that is
// not what he asked for.
function burden(url) {
  let on = true;
  const heard = new Array(values.listeners).fill(0); // events of each listener
  const answers = {'/metrics': 0, '/api/admin/backends': 0};
  const faults = [];
  const headers = {authorization: `Bearer ${TOKEN}`};
  const streams = heard.map((_, i) =>
    http.get(`${url}/dashboard/sse`, {headers, agent: false}, (answer) => {
      if (answer.statusCode !== 200) faults.push(`a listener: ${answer.statusCode}`);
      answer.setEncoding('latin1')
        .on('data', (text) => (heard[i] += text.split('\n\n').length - 1));
    }).on('error', (error) => on && faults.push(`a listener: ${error.message}`)));
  const loop = async (route) => {
    while (on) {
      const answer = await fetch(url + route, {headers});
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${route}: ${answer.status}`);
      ++answers[route];
    }
  };
  const loops = Object.keys(answers).map((route) =>
    loop(route).catch((error) => faults.push(`${route}: ${error.message}`)));
  return async () => {
    on = false;
    for (const stream of streams) stream.destroy();
    await Promise.all(loops);
    const deaf = heard.filter((events) => events < 1).length;
    if (deaf > 0) faults.push(`${deaf} listeners without a snapshot`);
    for (const [route, count] of Object.entries(answers))
      if (count === 0) faults.push(`${route}: no answer`);
    if (faults.length > 0) throw new Error(`the administrator: ${faults.slice(0, 5).join('; ')}`);
    return {snapshots: heard.reduce((sum, events) => sum + events, 0),
      answers: Object.values(answers).reduce((sum, count) => sum + count, 0)};
  };
}

// Measures while the administrator is away.
async function measureWithout(url) {
  const idler = spawn('taskset', ['-c', ADMIN_CORE, process.execPath, '-e', 'for (;;);'],
    {stdio: 'ignore'});
  try {
    return await measure(url);
  } finally {
    idler.kill('SIGKILL');
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

try {
  const url = await startGateway(await start(SHARDS_CORE, ['mock', '--listen', '127.0.0.1:0']));
  execFileSync('taskset', ['-a', '-c', '-p', ADMIN_CORE, `${process.pid}`], {stdio: 'pipe'});
  await measure(url);
  const rounds = {without: [], with: []};
  const done = {snapshots: 0, answers: 0};
  const measureWith = async () => {
    const stop = burden(url);
    let one;
    const measured = await measure(url).finally(async () => (one = await stop()));
    rounds.with.push(measured);
    done.snapshots += one.snapshots;
    done.answers += one.answers;
  };
  for (let round = 0; round < values.rounds; ++round) {
    if (round % 2 === 1) await measureWith();
    rounds.without.push(await measureWithout(url));
    if (round % 2 === 0) await measureWith();
  }
  const result = {administrator: done};
  for (const [name, list] of Object.entries(rounds))
    result[name] = Object.fromEntries(
      ['p50', 'p99', 'rate'].map((key) => [key, median(list.map((one) => one[key]))]));
  for (const key of ['p50', 'p99']) result[`${key}_ratio`] = result.with[key] / result.without[key];
  result.bound = values.bound;
  if (values.json) console.log(JSON.stringify(result, null, 2));
  else {
    console.table({without: result.without, with: result.with});
    console.log(`with / without: p50 ${result.p50_ratio.toFixed(3)}, p99 ` +
      `${result.p99_ratio.toFixed(3)}; meanwhile the administrator had ${done.answers} answers ` +
      `and ${done.snapshots} snapshots`);
  }
  if (result.p99_ratio > result.bound) {
    console.error(`above the bound of ${values.bound}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
} finally {
  for (const child of running) child.kill('SIGTERM');
  await rm(folder, {recursive: true, force: true});
}
