// Starts the real programs for a test and stops them by their process id when it ends.
//
//   const mock = await startMock(t, ['--latency', '5ms']);
//   const gateway = await startGateway(t, {accounts: [account(mock)]});
//   const client = gateway.openai();
//
// SLUICE names the program (meson sets it). Ports are 0; the address comes from the first line
// that a program prints. A program that does not end with status 0, or says anything of a
// sanitizer or of a broken invariant, fails the test.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {rmSync} from 'node:fs';
import {mkdtemp, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import OpenAI from 'openai';

export const program = process.env.SLUICE ?? 'build/release/engine/cli/sluice';
export const CLIENT_KEY = 'sk-test-client-0123456789';
const START_MS_MAX = 60_000; // under a sanitizer, on a busy machine
const STOP_MS_MAX = 60_000;

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until `check` returns something true, and returns that. It looks once more behind the end:
// who has stood still himself has not looked for so long.
export async function eventually(check, what, msMax = 60_000) {
  const end = performance.now() + msMax;
  for (;;) {
    const late = performance.now() > end;
    const got = await check();
    if (got) return got;
    if (late) assert.fail(`not within ${msMax} ms: ${what}`);
    await delay(10);
  }
}

// For what is counted by the day or the month, in UTC: waits for the next where this one ends soon.
export async function awayFromMidnight() {
  const DAY_MS = 86_400_000, SOON_MS = 60_000;
  const left = DAY_MS - Date.now() % DAY_MS;
  if (left < SOON_MS) await delay(left + 100);
}

const endings = new WeakMap();

// Does `work` when the test has ended, what was begun last first: clients leave before the gateway
// stops, whose drain would wait for them.
export function atEnd(t, work) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      const faults = [];
      for (const each of endings.get(t).reverse()) {
        try {
          await each();
        } catch (fault) {
          faults.push(fault);
        }
      }
      if (faults.length > 0) throw faults[0];
    });
  }
  endings.get(t).push(work);
}

// A folder that is gone when the test has ended.
// Folders go when the process ends: what a test has started may write there until then.
const folders = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, {recursive: true, force: true, maxRetries: 5});
});
export async function temporaryFolder() {
  folders.push(await mkdtemp(path.join(tmpdir(), 'sluice-e2e-')));
  return folders.at(-1);
}

// A started program: `output` and `errors` grow as it prints.
export class Program {
  endsWith = 0; // the exit code that is right when it is stopped

  constructor(command, args, options = {}) {
    this.child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe'], ...options});
    this.output = '';
    this.errors = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.output += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve({code, signal}));
    });
    this.exited.then((status) => (this.status = status), (fault) => (this.fault = fault));
  }

  // The first match of `pattern` in what it prints.
  async says(pattern) {
    return eventually(() => {
      if (this.fault) throw this.fault;
      const match = pattern.exec(this.output);
      if (!match && this.status) assert.fail(`ended before ${pattern}: ${this.errors}`);
      return match;
    }, `${pattern} in ${this.output}${this.errors}`, START_MS_MAX);
  }

  signal(name) {
    this.child.kill(name);  // nothing when it has ended by itself
  }

  // Ends it and returns its exit status; SIGKILL if it does not end.
  async stop(name = 'SIGTERM') {
    if (!this.status && !this.fault) this.signal(name);
    const killer = setTimeout(() => this.signal('SIGKILL'), STOP_MS_MAX);
    const status = await this.exited;
    clearTimeout(killer);
    return status;
  }

  async stopCleanly() {
    const {code, signal} = await this.stop();
    const faults = /Sanitizer|runtime error:|invariant does not hold/.test(this.errors);
    assert.ok(code === this.endsWith && !faults,
      `exit ${code ?? signal}\n${this.output}${this.errors}`);
  }
}

// Runs a program to its end: {code, output, errors}.
export async function run(command, args, options = {}) {
  const done = new Program(command, args, options);
  const {code} = await done.exited;
  return {code, output: done.output, errors: done.errors};
}

async function startListening(t, args, options) {
  const {prefix = [], ...more} = options ?? {};  // a command that starts it
  const [command, ...all] = [...prefix, program, ...args];
  const started = new Program(command, all, more);
  atEnd(t, () => started.stopCleanly());
  started.url = (await started.says(/listening on (\S+)/))[1];
  return started;
}

// The mock provider, with its control interface: requests(), count(), script().
export async function startMock(t, args = [], listen = '127.0.0.1:0') {
  const mock = await startListening(t, ['mock', '--listen', listen, ...args]);
  const control = async (route, options) => {
    const answer = await fetch(`${mock.url}/mock/${route}`, options);
    assert.ok(answer.ok, `${route}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  };
  mock.requests = async () => (await control('ledger')).requests;
  mock.last = async (count = 1) => (await control(`last?count=${count}`)).requests;
  mock.count = () => control('count');
  mock.script = (script) => control('script', {method: 'POST', body: JSON.stringify(script)});
  return mock;
}

// An account at `mock`, for the configuration.
export const account = (mock, more = {}) => ({
  name: 'team-a',
  base_url: `${mock.url}/v1`,
  api_key: 'sk-test-a',
  rpm_limit: 1000,
  ...more,
});

// Writes a configuration (JSON is YAML) and returns its path.
export async function writeConfig(t, config) {
  const file = path.join(await temporaryFolder(), 'sluice.yaml');
  const whole = {
    listen: ['127.0.0.1:0'],
    shards: 2,
    metrics: {listen: []},
    clients: [{name: 'e2e', key: CLIENT_KEY}],
    health: {interval: '0s'},  // a mock counts what the test asks, however long that takes
    ...config,
  };
  await writeFile(file, JSON.stringify(whole), {mode: 0o600});
  return file;
}

// `sluice serve`; openai() gives an SDK client of it, post() a bare request.
export async function startGateway(t, config, options = {}) {
  const file = await writeConfig(t, config);
  const gateway = await startListening(t, ['serve', '-c', file], options);
  gateway.file = file;
  gateway.openai = (more = {}) =>
    new OpenAI({apiKey: CLIENT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0, ...more});
  gateway.post = (route, body, headers = {}) =>
    fetch(`${gateway.url}${route}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${CLIENT_KEY}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return gateway;
}

// A mock that answers by `rules`, and a gateway with an account at it for each of `accounts`:
// team-a with the key sk-test-a, team-b, ... The rest is the gateway's configuration.
export async function startBoth(t, {rules = [], accounts = [{}], mockArgs = [], ...config} = {}) {
  const mock = await startMock(t, ['--tokens', '2', ...mockArgs]);
  await mock.script({defaults: {tokens: 2}, rules});
  const gateway = await startGateway(t, {
    accounts: accounts.map((more, i) => account(mock,
      {name: `team-${'abc'[i]}`, api_key: `sk-test-${'abc'[i]}`, ...more})),
    ...config,
  });
  return {mock, gateway, client: gateway.openai()};
}

// The access lines of a gateway that logs as JSON, oldest first.
export const accessLines = (gateway) => gateway.errors.split('\n')
  .filter((line) => line.includes('"request"'))
  .map((line) => JSON.parse(line));

export const ask = (more = {}) => ({
  model: 'mock-large',
  messages: [{role: 'user', content: 'Say something.'}],
  ...more,
});
