// `sluice bench` against the mock, whose ledger tells what really arrived, and against a gateway.
// Machines stall: what is asserted of times holds however late everything is.
import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import {authority} from './authority.mjs';
import {
  account, CLIENT_KEY, eventually, Program, program, run, startBoth, startGateway, startMock,
  temporaryFolder,
} from './harness.mjs';

const MODEL = ['--model', 'mock-large'];
const KEY = {env: {...process.env, SLUICE_BENCH_KEY: CLIENT_KEY}};

// Runs it to its end; result: what --json printed.
async function bench(url, args, options = {}) {
  const done = await run(program, ['bench', url, '--json', ...args], options);
  assert.equal(done.code, 0, done.errors);
  return {...done, result: JSON.parse(done.output)};
}

async function refused(args, code, pattern, options) {
  const done = await run(program, ['bench', ...args], options);
  assert.equal(done.code, code, `${args.join(' ')}: ${done.errors}${done.output}`);
  assert.match(done.errors, pattern, args.join(' '));
  assert.equal(done.output, '');
  return done;
}

test('counts are those of the provider\'s ledger', async (t) => {
  const mock = await startMock(t, ['--tokens', '5']);
  await mock.script({
    defaults: {tokens: 5},
    rules: [{match: {every: 5}, do: {status: 429, 'retry-after': 7}}],
  });
  const {result} = await bench(`${mock.url}/v1`,
    [...MODEL, '--rate', '100/s', '--duration', '1s', '--arrivals', 'even']);
  assert.equal(result.requests.due, 100);
  const {requests, by_status} = await mock.count();
  assert.equal(requests, 100);
  assert.deepEqual(result.statuses, by_status);
  assert.deepEqual(result.statuses, {200: 80, 429: 20});
  assert.deepEqual(result.retry_after, {count: 20, least_s: 7, most_s: 7});
  assert.equal(result.latency_s.count, 80);
  assert.equal(result.other_statuses_s.count, 20);
  assert.equal(result.streams, 80);
  assert.equal(result.content_events, 80 * 5);
  assert.equal(result.tokens.out, 80 * 5);
  assert.equal(result.tokens.by, 'usage');
  const arrived = await mock.requests();
  assert.equal(new Set(arrived.map((one) => one.request_id)).size, 100, 'each has its own id');
});

test('a stream tells the time to its first token and the gaps between tokens', async (t) => {
  const mock = await startMock(t,
    ['--behaviour', 'tokens=6;gap=40ms;latency=150ms;usage=none', '--tokens-per-second', '0']);
  const {result} = await bench(`${mock.url}/v1`, [...MODEL, '--rate', '20/s', '--duration', '1s']);
  const streams = result.streams;
  assert.equal(result.gap_s.count, streams * 5);
  const {p50: first} = result.first_content_s;
  assert.ok(first > 0.14, `first content after ${first} s, told were 0.15`);
  assert.ok(first < result.latency_s.p50);
  const {mean, p50} = result.gap_s;
  assert.ok(mean > 0.025 && p50 < 0.4, `gaps of ${mean} s, half of them ${p50}, told were 0.04`);
  assert.ok(result.latency_s.p50 > 0.14 + 5 * 0.03, `latency ${result.latency_s.p50}`);
  assert.equal(result.tokens.by, 'events');
  assert.equal(result.tokens.out, streams * 6);
});

test('a stall is in the latency of all that were due, and in one service time', async (t) => {
  const mock = await startMock(t, ['--tokens', '1']);
  await mock.script({
    defaults: {tokens: 1},
    rules: [{match: {nth: '20'}, do: {stall: '1500ms', 'stall-at': 'start'}}],
  });
  const {result} = await bench(`${mock.url}/v1`, [...MODEL, '--rate', '40/s', '--duration', '3s',
    '--arrivals', 'even', '--connections-max', '1', '--no-stream']);
  assert.equal(result.statuses[200], 120);
  const {latency_s: latency, service_s: service, held_s: held} = result;
  assert.ok(latency.p99 > 1.4, `p99 of the latency ${latency.p99}`);
  assert.ok(latency.p90 > 0.7, `p90 of the latency ${latency.p90}`);
  assert.ok(service.max > 1.4, `the stall itself ${service.max}`);
  assert.ok(service.p90 < 0.7, `p90 of the service time ${service.p90}`);
  assert.ok(held.count >= 50, `${held.count} requests found the connection in use`);
  assert.ok(held.max > 1.3 && held.max < latency.max + 0.01, `held for ${held.max}`);
  assert.equal(result.connecting_s.count, 1, 'one connection for all requests');
});

test('through a gateway it tells queue, overhead and accounts, and keeps the key', async (t) => {
  const {mock, gateway} = await startBoth(t, {accounts: [{}, {}]});
  const done = await bench(gateway.url,
    [...MODEL, '--rate', '60/s', '--duration', '1s', '--arrivals', 'even', '--priority', 'high'],
    KEY);
  const {result} = done;
  assert.deepEqual(result.statuses, {200: 60});
  const {by_key} = await mock.count();
  assert.deepEqual(result.gateway.accounts,
    {'team-a': by_key['sk-test-a'], 'team-b': by_key['sk-test-b']});
  assert.equal(result.gateway.overhead_s.count, 60);
  assert.equal(result.gateway.queue_s.count, 60);
  assert.equal(result.gateway.attempts, 60);
  assert.ok(!(done.output + done.errors).includes(CLIENT_KEY), 'the key was printed');
});

test('the key of a file, and a table for people', async (t) => {
  const {gateway} = await startBoth(t);
  const file = path.join(await temporaryFolder(), 'key');
  await writeFile(file, `${CLIENT_KEY}\n`, {mode: 0o600});
  const told = await run(program, ['bench', `${gateway.url}/v1`, ...MODEL, '--rate', '20/s',
    '--duration', '500ms', '--arrivals', 'even', '--key-file', file]);
  assert.equal(told.code, 0, told.errors);
  assert.match(told.output, /^ {2}200 +10 +100\.00 %$/m);
  assert.match(told.output, /^latency .* from when a request was due$/m);
  assert.match(told.output, /^ {2}team-a +10 /m);
  assert.ok(!(told.output + told.errors).includes(CLIENT_KEY), 'the key was printed');
  // A wrong key is an answer: the run has its result.
  await writeFile(file, 'sk-test-wrong-key-9876543210');
  const {result, output} = await bench(gateway.url, [...MODEL, '--rate', '20/s', '--duration',
    '500ms', '--arrivals', 'even', '--key-file', file]);
  assert.deepEqual(result.statuses, {401: 10});
  assert.ok(!output.includes('9876543210'));
});

test('errors are told by their kind', async (t) => {
  const mock = await startMock(t);
  const kinds = {
    'reset before the head': ['closed', {abort: 'rst'}],
    'ended within a stream': ['cut', {abort: 'fin', 'abort-at': 'event:2'}],
    'a stream without its end': ['cut', {'sse-no-done': true, 'sse-no-finish': true}],
    'an error event': ['error_event', {'sse-error': 1}],
    'no HTTP': ['broken', {malformed: 'status-line'}],
    'silence': ['timeout', {hang: true}],
  };
  for (const [what, [kind, directives]] of Object.entries(kinds)) {
    await mock.script({defaults: {tokens: 4}, rules: [{match: {every: 2}, do: directives}]});
    const timeout = kind === 'timeout' ? '8s' : '60s';  // what is answered is so before
    const {result} = await bench(mock.url, [...MODEL, '--rate', '20/s', '--duration', '500ms',
      '--arrivals', 'even', '--timeout', timeout]);
    assert.deepEqual(result.statuses, {200: 5}, what);
    assert.equal(result.errors[kind]?.count, 5, `${what}: ${JSON.stringify(result.errors)}`);
    assert.equal(result.requests.errors, 5, what);
    assert.ok(result.errors[kind].first.length > 0, what);
  }
});

test('requests that never got a connection are told, and bound the run', async (t) => {
  const mock = await startMock(t, ['--behaviour', 'hang']);
  const done = await run(program, ['bench', mock.url, '--json', ...MODEL, '--rate', '10000/s',
    '--duration', '5ms', '--arrivals', 'even', '--timeout', '2s', '--connections-max', '2']);
  assert.equal(done.code, 69, 'no answer came');
  const result = JSON.parse(done.output);
  const {timeout, not_sent: notSent} = result.errors;
  assert.equal(timeout.count + notSent.count, 50);
  assert.ok(timeout.count >= 2 && notSent.count >= 1, `${timeout.count}, ${notSent.count}`);
  assert.equal(result.latency_s.count, 50);
  assert.ok(result.latency_s.p50 > 1.99, 'they count with the time that they had');
});

test('a generator that stood still itself says that it is not to be trusted', async (t) => {
  const mock = await startMock(t, ['--tokens', '1']);
  const running = new Program(program, ['bench', mock.url, '--json', ...MODEL, '--rate', '10/s',
    '--duration', '10s', '--arrivals', 'even']);
  await eventually(async () => (await mock.count()).requests >= 3, 'three requests');
  running.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 3000));
  running.signal('SIGCONT');
  assert.equal((await running.exited).code, 0, running.errors);
  const result = JSON.parse(running.output);
  assert.equal(result.requests.answered, 100);
  assert.equal(result.trustworthy, false);
  assert.match(result.doubts[0], /the generator did not keep up/);
  assert.ok(result.generator_lag_s.max > 0.4, `its lag ${result.generator_lag_s.max}`);
  assert.ok(result.latency_s.max > 0.4, 'what was due meanwhile counts from then');
});

test('Ctrl-C ends it with the report so far', async (t) => {
  const mock = await startMock(t, ['--tokens', '1']);
  await mock.script({defaults: {tokens: 1}, rules: [{match: {nth: '3'}, do: {hang: true}}]});
  const running = new Program(program, ['bench', mock.url, '--json', ...MODEL, '--rate', '20/s',
    '--duration', '1h', '--arrivals', 'even']);
  // One that was sent behind the answers to ten: the generator has seen these.
  await eventually(async () => {
    const all = await mock.requests();
    return all.filter((one) => one.answered_at_ms < all.at(-1).head_at_ms &&
      one.answered_at_ms).length >= 10;
  }, 'ten answers');
  assert.equal((await running.stop('SIGINT')).code, 0, running.errors);
  const result = JSON.parse(running.output);
  assert.equal(result.interrupted, true);
  assert.ok(result.requests.answered >= 8);
  assert.ok(result.requests.interrupted >= 1, 'the one that hangs');
  assert.equal(result.requests.errors, 0);
});

test('over TLS the certificate is verified', async (t) => {
  const tls = await authority(t, ['127.0.0.1']);
  const mock = await startMock(t, tls.mockArgs('127.0.0.1'));
  const load = [...MODEL, '--rate', '20/s', '--duration', '500ms', '--arrivals', 'even'];
  const {result} = await bench(mock.url, [...load, '--ca-file', tls.ca]);
  assert.deepEqual(result.statuses, {200: 10});
  const stranger = await authority(t, []);
  await refused([mock.url, ...load, '--ca-file', stranger.ca], 69,
    /cannot reach https:.*issued by an authority that is not trusted/);
  await refused([mock.url, ...load, '--ca-file', '/nonexistent.pem'], 66, /nonexistent\.pem/);
});

test('a request of the user\'s own goes as it is', async (t) => {
  const mock = await startMock(t);
  const file = path.join(await temporaryFolder(), 'request.json');
  const body = '{"model": "mock-large", "messages": [], "max_tokens": 3}';
  await writeFile(file, body);
  const {result} = await bench(`${mock.url}/v1/chat/completions`,
    ['--body', file, '--rate', '20/s', '--duration', '250ms', '--arrivals', 'even']);
  assert.deepEqual(result.statuses, {200: 5});
  assert.equal(result.tokens.out, 15);
  assert.equal((await mock.last())[0].body, body);
  await writeFile(file, '{"model": ');
  await refused([mock.url, '--body', file], 65, /--body: .* at byte/);
  await refused([mock.url, '--body', `${file}.none`], 66, /--body: cannot read .*No such file/);
  await refused([mock.url, '--body', file, ...MODEL], 64, /do not go together/);
});

test('what is wrong on the command line is said before anything is sent', async () => {
  const url = 'http://127.0.0.1:9';
  const rows = [
    [[], /url is required/],
    [[url], /--model NAME is needed/],
    [['127.0.0.1:9190', ...MODEL], /expected a URL like http:/],
    [[`${url}/other/path`, ...MODEL], /no body is known for this path/],
    [[url, ...MODEL, '--rate', 'fast'], /--rate: "fast" is wrong; expected a rate like 50\/s/],
    [[url, ...MODEL, '--duration', '-1s'], /--duration: "-1s" is wrong/],
    [[url, ...MODEL, '--timeout', '0s'], /--timeout: "0s" is wrong/],
    [[url, ...MODEL, '--arrivals', 'odd'], /--arrivals: "odd" is wrong; expected poisson or even/],
    [[url, ...MODEL, '--connections-max', '0'], /--connections-max: "0" is wrong/],
    [[url, ...MODEL, '--prompt-bytes', '1 ton'], /--prompt-bytes: "1 ton" is wrong/],
    [[url, ...MODEL, '--max-tokens', '0'], /--max-tokens: "0" is wrong/],
    [[url, ...MODEL, '--priority', 'vip'], /--priority: "vip" is wrong; expected urgent, high/],
    [[url, ...MODEL, '--stream', '--no-stream'], /do not go together/],
    [[url, ...MODEL, '--key', 'sk-test-on-the-command-line'], /unknown option/],
    [['https://api.example.com/v1', ...MODEL], /about 1500 requests to api\.example\.com.*--i-may/],
  ];
  for (const [args, pattern] of rows) await refused(args, 64, pattern);
  const env = {...process.env, SLUICE_BENCH_KEY: 'sk-test-two words'};
  const done = await refused([url, ...MODEL], 65, /SLUICE_BENCH_KEY: no key/, {env});
  assert.ok(!done.errors.includes('two words'), 'the key was printed');
});

test('a host that cannot be reached is told at once', async () => {
  const free = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const {port} = free.address();
  await new Promise((resolve) => free.close(resolve));
  await refused([`http://127.0.0.1:${port}`, ...MODEL], 69,
    /cannot reach http:.*chat\/completions: .*Connection refused/);
  await refused(['http://nowhere.invalid', ...MODEL, '--rate', '1/s'], 69,
    /cannot reach http:\/\/nowhere\.invalid/);
});

test('what a gateway refuses is counted, and not tried again', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {
    accounts: [account(mock)],
    clients: [{name: 'e2e', key: CLIENT_KEY, rpm_limit: 5}],
  });
  const {result} = await bench(gateway.url,
    [...MODEL, '--rate', '40/s', '--duration', '500ms', '--arrivals', 'even'], KEY);
  assert.equal(result.statuses[200], 5);
  assert.equal(result.statuses[429], 15);
  assert.equal(result.retry_after.count, 15);
  assert.equal((await mock.count()).requests, 5);
});
