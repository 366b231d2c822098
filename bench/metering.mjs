#!/usr/bin/env node
// What metering costs: a gateway that records every request in its journal and database beside one
// that records nothing, under the same load in turns, each with one shard, before one upstream with
// a canned answer.
//
// usage: bench/metering.mjs [--rounds 60] [--seconds 1] [--connections 64] [--bound 1.02] [--json]
//
// The shard is on one core; the other threads of its process, the load and the upstream are on
// another one. A loop that does nothing takes half of the shard's core, so that the shard is what
// all others wait for, whether it records or not: it then has the same work to do at each turn. A
// shard that waits for its load does less at each turn, and so pays more for a request; the thread
// that books the records slows the load down, and would count twice.
//
// Prints CPU per request of the shard's thread and of the whole process, medians over the rounds,
// and their ratios. Ends with 1 when the shard's ratio is above the bound. Needs build/release with
// -Dbenchmarks=true (or SLUICE_BUILD=folder), wrk and two cores. Loopback only; ends what it has
// started.
import {execFile, spawn} from 'node:child_process';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import {readArguments} from './arguments.mjs';

const root = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const build = process.env.SLUICE_BUILD ?? path.join(root, 'build/release');
const sluice = path.join(build, 'engine/cli/sluice');
const values = readArguments(import.meta.url, {
  rounds: {type: 'string', default: '60', least: 1},
  seconds: {type: 'string', default: '1', least: 1},
  connections: {type: 'string', default: '64', least: 1},
  bound: {type: 'string', default: '1.02', least: 1}, json: {type: 'boolean'},
});
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-metering-'));
const running = [];

async function start(program, args) {
  const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'inherit']});
  running.push(child);
  let output = '';
  for await (const bytes of child.stdout) {
    output += bytes;
    const url = /listening on (\S+)/.exec(output)?.[1];
    if (url) return {pid: child.pid, url};
  }
  throw new Error(`${program} ended: ${output}`);
}

async function gateway(name, provider, store) {
  const file = path.join(folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify({
    listen: '127.0.0.1:0', shards: 1, store, log: {level: 'warning'},
    clients: [{name: 'bench', key: 'sk-test-bench-0123'}],
    accounts: [{name: 'a', base_url: `${provider}/v1`, api_key: 'sk-test-a', rpm_limit: 1000000,
      window: '1s', cost: {input: 2.5, output: 10}}],
  }));
  return {name, ...await start(sluice, ['serve', '-c', file])};
}

// Microseconds of CPU of each thread.
async function cpu(pid) {
  const threads = {};
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const [ns] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ');
    threads[thread] = Number(ns) / 1000;
  }
  return threads;
}

const run = promisify(execFile);
// A gateway with one shard of the two cores keeps its other threads off the first by itself.
const SHARDS_CORE = '0';
const OTHERS_CORE = '1';

async function shardOf({pid}) {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const name = await readFile(`/proc/${pid}/task/${thread}/comm`, 'utf8');
    if (name.trim() === 'sluice-shard0') return thread;
  }
  throw new Error(`process ${pid} has no shard`);
}

const script = path.join(folder, 'post.lua');
await writeFile(script, `wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-test-bench-0123"
wrk.body = '{"model":"m","messages":[{"role":"user","content":"${'x'.repeat(900)}"}]}'
`);

function wrk(url) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', OTHERS_CORE, 'wrk', '-t1', `-c${values.connections}`,
      `-d${values.seconds}s`, '-s', script, `${url}/v1/chat/completions`],
    {stdio: ['ignore', 'pipe', 'inherit']});
    running.push(child);
    let output = '';
    child.stdout.on('data', (bytes) => { output += bytes; });
    child.on('error', reject);
    child.on('close', () => {
      const requests = Number(/(\d+) requests in/.exec(output)?.[1]);
      const failed = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1];
      if (!requests || failed) reject(new Error(output));
      else resolve(requests);
    });
  });
}

async function round(one) {
  const before = await cpu(one.pid);
  const requests = await wrk(one.url);
  const after = await cpu(one.pid);
  const spent = (thread) => (after[thread] - (before[thread] ?? 0)) / requests;
  const process = Object.keys(after).reduce((sum, thread) => sum + spent(thread), 0);
  return {requests, shard: spent(one.shard), process};
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

try {
  const upstream = await start(path.join(build, 'bench/relay/canned_upstream'),
    ['--listen', '127.0.0.1:0']);
  const both = [await gateway('metered', upstream.url, {}),
    await gateway('unmetered', upstream.url, {directory: 'none'})];
  const rounds = {metered: [], unmetered: []};
  await run('taskset', ['-a', '-c', '-p', OTHERS_CORE, `${upstream.pid}`]);
  for (const one of both) {
    await wrk(one.url);  // warm
    one.shard = await shardOf(one);
  }
  running.push(spawn('taskset', ['-c', SHARDS_CORE, process.execPath, '-e', 'for (;;);'],
    {stdio: 'ignore'}));
  for (let i = 0; i < values.rounds; ++i) {
    // A B, then B A: what drifts favours neither.
    for (const one of i % 2 ? [...both].reverse() : both) rounds[one.name].push(await round(one));
  }
  const of = (name, what) => median(rounds[name].map((one) => one[what]));
  const result = {};
  for (const what of ['shard', 'process']) {
    result[what] = {metered_us: of('metered', what), unmetered_us: of('unmetered', what),
      ratio: median(rounds.metered.map((one, i) => one[what] / rounds.unmetered[i][what]))};
  }
  if (values.json) {
    console.log(JSON.stringify(result));
  } else {
    console.log('CPU us per request    metered  unmetered  ratio (median of rounds)');
    for (const [what, {metered_us: a, unmetered_us: b, ratio}] of Object.entries(result))
      console.log(`${what.padEnd(20)}${a.toFixed(2).padStart(9)}${b.toFixed(2).padStart(11)}` +
        `${ratio.toFixed(3).padStart(7)}`);
  }
  if (result.shard.ratio > values.bound) {
    console.error(`metering costs the shard ${result.shard.ratio.toFixed(3)} of its CPU without, ` +
      `more than ${values.bound}`);
    process.exitCode = 1;
  }
} finally {
  for (const child of running) child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await rm(folder, {recursive: true, force: true});
}
