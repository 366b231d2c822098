#!/usr/bin/env node
// How much of many keys' limits is used, and what is refused: sluice and nginx (round robin, no
// limits) side by side, each before a mock provider of its own that counts and answers 429, under
// the same requests at the same instants.
//
// usage: bench/admission.mjs [--minutes 5] [--accounts 11] [--rpm 40] [--offered 600]
//                            [--urgent 0.05] [--seed 1] [--json]
//
// Needs build/release (or SLUICE=path) and nginx. Loopback only; ends what it has started.
import {spawn} from 'node:child_process';
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {readArguments} from './arguments.mjs';

const root = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const sluice = process.env.SLUICE ?? path.join(root, 'build/release/engine/cli/sluice');
const number = (otherwise) => ({type: 'string', default: `${otherwise}`, least: 0});
const values = readArguments(import.meta.url, {
  minutes: number(5), accounts: number(11), rpm: number(40), offered: number(600),
  urgent: number(0.05), seed: number(1), json: {type: 'boolean'},
});
const {minutes, accounts, rpm, offered, urgent: urgentShare} = values;

const running = [];
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-admission-'));
await chmod(folder, 0o755);  // nginx's workers may be somebody else
const key = (i) => `sk-test-admission-${String(i).padStart(2, '0')}`;
const keys = Array.from({length: accounts}, (_, i) => key(i));

function start(command, args) {
  const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
  running.push(child);
  let text = '';
  child.listening = new Promise((resolve, reject) => {
    const more = (bytes) => {
      text = (text + bytes).slice(-20_000);
      const found = /listening on (?:address=)?(\S*?)([0-9.]+:[0-9]+)/.exec(text);
      if (found) resolve(`http://${found[2]}`);
    };
    child.stdout.on('data', more);
    child.stderr.on('data', more);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command} ended (${code}): ${text}`)));
  });
  child.listening.catch(() => {});
  return child;
}

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const {port} = server.address();
    server.close(() => resolve(port));
  });
});

async function startMock(fixed) {
  const limit = `${rpm}/60s${fixed ? '/fixed' : ''}`;
  const limits = keys.flatMap((one) => ['--key-limit', `${one}=${limit}`]);
  return start(sluice, ['mock', '--tokens', '8', '--latency', '300ms', ...limits]).listening;
}

async function startSluice(mock) {
  const file = path.join(folder, `${new URL(mock).port}.yaml`);
  await writeFile(file, JSON.stringify({
    listen: ['127.0.0.1:0'],
    auth: {open: true},
    log: {level: 'error'},
    accounts: keys.map((one, i) => (
      {name: `key-${i}`, base_url: `${mock}/v1`, api_key: one, rpm_limit: rpm})),
  }), {mode: 0o600});
  return start(sluice, ['serve', '-c', file]).listening;
}

// A server of its own for each key, and round robin over these.
async function startNginx(mock) {
  const name = path.join(folder, `nginx-${new URL(mock).port}`);
  const port = await freePort();
  const inner = keys.map((one, i) => `server {
    listen unix:${name}-${i}.sock;
    location / {
      proxy_pass ${mock};
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_set_header authorization "Bearer ${one}";
    } }`);
  await writeFile(`${name}.conf`, `daemon off; pid ${name}.pid; error_log ${name}.log;
    events {} http { access_log off;
    client_body_temp_path ${name}-b; proxy_temp_path ${name}-p; fastcgi_temp_path ${name}-f;
    uwsgi_temp_path ${name}-u; scgi_temp_path ${name}-s;
    upstream keys { ${keys.map((_, i) => `server unix:${name}-${i}.sock;`).join('\n')} }
    ${inner.join('\n')}
    server { listen 127.0.0.1:${port}; location / {
      proxy_next_upstream off;
      proxy_pass http://keys; proxy_http_version 1.1; proxy_set_header connection ""; } } }`);
  start('nginx', ['-c', `${name}.conf`, '-e', `${name}.log`]);
  for (let tries = 0; ; ++tries) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (open) return `http://127.0.0.1:${port}`;
    if (tries > 100) throw new Error('nginx does not listen');
    await new Promise((next) => setTimeout(next, 50));
  }
}

// The same numbers for the same seed (mulberry32).
let state = values.seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const agent = new http.Agent({keepAlive: true, maxSockets: 2000});
const body = JSON.stringify({model: 'mock-large', messages: [{role: 'user', content: 'Hello.'}]});

function ask(system, priority) {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (status) =>
      resolve({priority, status, waitedMs: performance.now() - began - 300});
    const request = http.request(`${system.url}/v1/chat/completions`, {
      agent, method: 'POST', headers: {'content-type': 'application/json', 'x-priority': priority,
        'content-length': Buffer.byteLength(body)},
    }, (answer) => answer.resume().on('end', () => done(answer.statusCode))
      .on('error', () => done(0)));
    request.on('error', () => done(0));
    request.end(body);
  });
}

async function offer(systems) {
  const began = performance.now();
  let at = 0;
  while (true) {
    at += -Math.log(1 - random()) * 60_000 / offered;
    if (at >= minutes * 60_000) break;
    const wait = began + at - performance.now();
    if (wait > 0) await new Promise((next) => setTimeout(next, wait));
    const priority = random() < urgentShare ? 'urgent' : 'normal';
    for (const system of systems) system.answers.push(ask(system, priority));
  }
}

const mean = (list) => list.reduce((sum, one) => sum + one, 0) / Math.max(list.length, 1);

async function resultOf(system) {
  const answers = await Promise.all(system.answers);
  const {requests} = await (await fetch(`${system.mock}/mock/ledger`)).json();
  const first = Math.min(...requests.map((request) => request.read_at_ms));
  const inTime = requests.filter((request) => request.read_at_ms < first + minutes * 60_000);
  const admitted = inTime.filter((request) => request.status === 200).length;
  const served = answers.filter((answer) => answer.status === 200);
  const waits = (priority) => mean(served.filter((answer) => answer.priority === priority)
    .map((answer) => Math.max(answer.waitedMs, 0))) / 1000;
  return {
    system: system.name,
    offered: answers.length,
    served: served.length,
    admitted,
    of_limit_percent: 100 * admitted / (minutes * accounts * rpm),
    met_429: requests.filter((request) => request.status === 429).length,
    told_429: answers.filter((answer) => answer.status === 429).length,
    other_errors: answers.filter((answer) => ![200, 429].includes(answer.status)).length,
    urgent_wait_s: waits('urgent'),
    normal_wait_s: waits('normal'),
  };
}

function print(results) {
  if (values.json) {
    return console.log(JSON.stringify({minutes, accounts, rpm, offered, results}));
  }
  console.log(`${accounts} keys of ${rpm} a minute, ${offered} a minute offered, ${minutes} min`);
  const columns = Object.keys(results[0]);
  const text = (value) => (Number.isInteger(value) || typeof value === 'string'
    ? `${value}` : value.toFixed(2));
  console.log(columns.map((name) => name.padStart(17)).join(''));
  for (const result of results) {
    console.log(columns.map((name) => text(result[name]).padStart(17)).join(''));
  }
}

try {
  const systems = [];
  for (const [counting, fixed] of [['rolling', false], ['minute', true]]) {
    for (const [name, startOne] of [['sluice', startSluice], ['nginx', startNginx]]) {
      const mock = await startMock(fixed);
      systems.push({name: `${name}/${counting}`, mock, url: await startOne(mock), answers: []});
    }
  }
  await offer(systems);
  const results = [];
  for (const system of systems) results.push(await resultOf(system));
  print(results);
} finally {
  agent.destroy();
  for (const child of running) child.kill();
  await Promise.all(running.map((child) => child.exitCode ?? new Promise((end) => {
    child.on('exit', end);
  })));
  await rm(folder, {recursive: true, force: true});
}
