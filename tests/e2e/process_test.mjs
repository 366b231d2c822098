// The program as an operator meets it: signals, reload, exit codes.
import assert from 'node:assert/strict';
import {readdir, readFile, writeFile} from 'node:fs/promises';
import test from 'node:test';
import {
  accessLines, account, ask, eventually, program, Program, run, startGateway, startMock,
  temporaryFolder, writeConfig,
} from './harness.mjs';

test('SIGTERM lets a stream end and refuses new connections', async (t) => {
  const mock = await startMock(t, ['--tokens', '10', '--behaviour', 'gap=500ms']);
  const gateway = await startGateway(t, {accounts: [account(mock)]});
  const stream = await gateway.openai().chat.completions.create(ask({stream: true}));
  let events = 0;
  let words = 0;
  for await (const chunk of stream) {
    words += chunk.choices[0].delta.content ? 1 : 0;
    if (++events > 1) continue;
    gateway.signal('SIGTERM');
    await eventually(() => fetch(`${gateway.url}/health`).then(() => false, () => true),
      'that it listens no more');
    assert.equal(gateway.status, undefined, 'the stream is under way');
  }
  assert.equal(words, 10);
  const {code} = await gateway.exited;
  assert.equal(code, 0, gateway.errors);
});

test('a second SIGTERM does not wait for the stream, and tells its client', async (t) => {
  const mock = await startMock(t, ['--tokens', '1000', '--behaviour', 'gap=100ms']);
  const gateway = await startGateway(t, {accounts: [account(mock)], log: {format: 'json'}});
  const answer = await gateway.post('/v1/chat/completions', ask({stream: true}));
  let text = '';
  let signals = 0;
  await assert.rejects(async () => {
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (++signals > 2) continue;
      gateway.signal('SIGTERM');
      if (signals === 1) await eventually(() => /"draining"/.test(gateway.errors), 'the drain');
    }
  });
  const event = JSON.parse(text.trimEnd().split('\n\n').at(-1).slice('data: '.length));
  assert.equal(event.error.code, 'gateway_shutdown');
  const {code} = await gateway.exited;
  assert.equal(code, 0, gateway.errors);
  const [line] = accessLines(gateway);
  assert.equal(line.ended, undefined);
  assert.match(line.error, /drain/);
});

test('a shard has its CPU to itself where there are more CPUs than shards', async (t) => {
  const cpusOf = async (process) => {
    const list = /^Cpus_allowed_list:\s+(.*)$/m.exec(
      await readFile(`/proc/${process}/status`, 'utf8'))[1];
    return list.split(',').flatMap((range) => {
      const [from, to = from] = range.split('-').map(Number);
      return Array.from({length: to - from + 1}, (_, i) => from + i);
    });
  };
  const cpus = await cpusOf('self');
  const gateway = await startGateway(t, {shards: 1, accounts: []});
  const threads = new Map();
  for (const id of await readdir(`/proc/${gateway.child.pid}/task`)) {
    const thread = `${gateway.child.pid}/task/${id}`;
    const name = await readFile(`/proc/${thread}/comm`, 'utf8').catch(() => 'ended');
    // Those named otherwise are the kernel's, which come and go with what a ring cannot do at once.
    if (!name.startsWith('sluice')) continue;
    const allowed = await cpusOf(thread).catch((error) => {
      if (!['ENOENT', 'ESRCH'].includes(error.code)) throw error;  // else it has ended meanwhile
    });
    if (allowed) threads.set(`${name.trim()} ${id}`, allowed);
  }
  assert.ok(threads.size > 5, [...threads.keys()].join());
  for (const [name, allowed] of threads) {
    const ofOthers = cpus.length > 1 ? cpus.slice(1) : cpus;
    assert.deepEqual(allowed, name.startsWith('sluice-shard0 ') ? [cpus[0]] : ofOthers, name);
  }
});

test('SIGHUP takes a new configuration, and a wrong one changes nothing', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(mock, {models: {a: 'mock-large'}})]});
  const client = gateway.openai();
  const ids = async () => (await client.models.list()).data.map((model) => model.id).join();
  assert.equal(await ids(), 'a');

  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  config.accounts[0].models = {b: 'mock-large'};
  await writeFile(gateway.file, JSON.stringify(config));
  gateway.signal('SIGHUP');
  await eventually(async () => (await ids()) === 'b', 'the new model');

  await writeFile(gateway.file, '{"accounts": 7}');
  gateway.signal('SIGHUP');
  await eventually(() => /reload refused/.test(gateway.errors), 'the refusal in the log');
  assert.equal(await ids(), 'b');
});

test('localhost is the loopback of both families', async (t) => {
  const mock = await startMock(t, [], 'localhost:0');
  const gateway = await startGateway(t, {accounts: [account(mock)], listen: ['localhost:0']});
  await eventually(() => /: listening on .*\n.*: listening on .*\n/.test(gateway.output), 'both');
  const urls = [...gateway.output.matchAll(/listening on (\S+)/g)].map((match) => match[1]);
  assert.match(urls.join(' '), /^http:\/\/127\.0\.0\.1:\d+ http:\/\/\[::1\]:\d+$/);
  const port = new URL(mock.url).port;
  for (const url of urls) assert.equal((await fetch(`${url}/health`)).status, 200, url);
  for (const host of ['127.0.0.1', '[::1]'])
    assert.equal((await fetch(`http://${host}:${port}/mock/count`)).status, 200, host);
});

test('a port that somebody listens on is not shared: exit code 71', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(mock)]});
  const {host} = new URL(gateway.url);
  const file = await writeConfig(t, {listen: [host], accounts: [account(mock)]});
  for (const [listen, args] of [
    [host, ['serve', '-c', file]],
    [host, ['demo', '--listen', host]],
    [host, ['mock', '--listen', host]],
    [`127.0.0.1:${new URL(mock.url).port}`, ['mock', '--listen', new URL(mock.url).host]],
  ]) {
    const second = new Program(program, args);
    // One that does listen must not stay.
    const shared = second.says(/listening on/).then(() => second.stop(), () => {});
    const {code} = await second.exited;
    await shared;
    assert.equal(code, 71, `${args.join(' ')}: ${second.errors}`);
    const refusal = `cannot listen on ${listen}: the port is taken`;
    assert.ok(second.errors.includes(refusal), second.errors);
    assert.match(second.errors, /ss -ltnp/);
  }
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
});

test('a configuration is checked whole: each fault with its line, exit code 78', async (t) => {
  const folder = await temporaryFolder();
  const file = `${folder}/sluice.yaml`;
  await writeFile(file, 'listen: nowhere\naccounts:\n  - name: a\n    rpm_limit: abc\n');
  const {code, errors} = await run(program, ['check-config', '-c', file]);
  assert.equal(code, 78, errors);
  for (const place of ['sluice.yaml:1:', 'sluice.yaml:4:', 'base_url', 'api_key']) {
    assert.ok(errors.includes(place), `${place} in:\n${errors}`);
  }
});

test('a sound configuration is told so, and shown without its keys', async (t) => {
  const file = await writeConfig(t, {accounts: [
    {name: 'a', base_url: 'https://api.example.com/v1', api_key: 'sk-test-0123456789abcdef'}]});
  const checked = await run(program, ['check-config', '-c', file]);
  assert.equal(checked.code, 0, checked.errors);
  const shown = await run(program, ['config', 'show', '-c', file]);
  assert.equal(shown.code, 0, shown.errors);
  assert.ok(shown.output.includes('api.example.com'));
  assert.ok(!shown.output.includes('sk-test-0123456789abcdef'));
});

test('a wrong command line is exit code 64, a missing file 66', async () => {
  assert.equal((await run(program, ['serve', '--lisetn', 'x'])).code, 64);
  assert.equal((await run(program, ['serve', '-c', '/nonexistent/sluice.yaml'])).code, 66);
});

test('keys are in no log line', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {accounts: [account(mock)], log: {level: 'debug'}});
  await gateway.openai().chat.completions.create(ask());
  await eventually(() => /team-a/.test(gateway.errors), 'the access line');
  assert.doesNotMatch(gateway.errors + gateway.output, /sk-test-/);
});
