// The configuration as an operator meets it: what is told of it before and while it is served.
import assert from 'node:assert/strict';
import {readFile, writeFile} from 'node:fs/promises';
import test from 'node:test';
import {authority} from './authority.mjs';
import {
  accessLines, account, ask, eventually, program, run, startBoth, startGateway, startMock,
  writeConfig,
} from './harness.mjs';
import {rawClient, requestText} from './wire.mjs';

const remote = (more = {}) =>
  ({name: 'a', base_url: 'https://api.example.com/v1', api_key: 'sk-test-a', ...more});

async function reload(gateway, change) {
  const config = JSON.parse(await readFile(gateway.file, 'utf8'));
  change(config);
  await writeFile(gateway.file, JSON.stringify(config));
  const before = gateway.errors.split('reloaded').length;
  gateway.signal('SIGHUP');
  await eventually(() => gateway.errors.split('reloaded').length > before, 'the reload');
}

test('check-config refuses the files that serve refuses, in the same words', async (t) => {
  const tls = await authority(t, ['one.example', 'two.example']);
  const pair = (certificate, key) =>
    ({certificate: tls.certificate(certificate), key: tls.key(key)});
  const refusals = [
    ['a key of another certificate', {accounts: [remote({ca_file: tls.ca})],
      tls: [pair('one.example', 'one.example'), pair('two.example', 'one.example')]},
    /sluice\.yaml:1:\d+: tls\[1\]\.key: .*one\.example\.key: .* not belong .*two\.example\.pem/],
    ['a ca_file without a certificate', {accounts: [remote({ca_file: tls.key('one.example')})]},
      /sluice\.yaml:1:\d+: accounts\[0\]\.ca_file: .*one\.example\.key: no certificate/],
  ];
  for (const [rule, config, message] of refusals) {
    const file = await writeConfig(t, config);
    const checked = await run(program, ['check-config', '-c', file]);
    assert.equal(checked.code, 78, `${rule}: ${checked.output}`);
    assert.match(checked.errors, message, rule);
    assert.equal(checked.output, '', rule);
    const served = await run(program, ['serve', '-c', file]);
    assert.equal(served.code, 78, rule);
    assert.equal(served.errors.replace(/^sluice serve: /, ''),
      checked.errors.replace(/^sluice check-config: /, ''), rule);
  }
  const file = await writeConfig(t, {accounts: [remote({ca_file: tls.ca})],
    tls: [pair('one.example', 'one.example')]});
  assert.equal((await run(program, ['check-config', '-c', file])).code, 0);
});

test('a flag that cannot be read is a wrong command line: 64', async (t) => {
  const file = await writeConfig(t, {accounts: [remote()]});
  for (const flags of [['--listen', 'foo'], ['--shards', 'abc'], ['--log-level', 'loud']]) {
    for (const command of ['serve', 'check-config']) {
      const {code, errors} = await run(program, [command, '-c', file, ...flags]);
      assert.equal(code, 64, `${command} ${flags.join(' ')}: ${errors}`);
      assert.ok(errors.startsWith(flags[0]), errors);
    }
  }
  for (const command of ['mock', 'demo']) {
    const {code, errors} = await run(program, [command, '--listen', '127.0.0.1:99999']);
    assert.equal(code, 64, `${command}: ${errors}`);
    assert.ok(errors.startsWith(`sluice ${command}: --listen: "127.0.0.1:99999"`), errors);
  }
});

test('an account that is renamed keeps what it has spent', async (t) => {
  const {mock, gateway} = await startBoth(t,
    {accounts: [{rpm_limit: 2, window: '60s'}]});
  const status = async () => (await gateway.post('/v1/chat/completions', ask())).status;
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 503]);
  // Each change brings a model with it, which shows when it is in force.
  const change = async (marker, changes) => {
    const models = {'mock-large': 'mock-large', [marker]: 'mock-large'};
    await reload(gateway, ({accounts}) => Object.assign(accounts[0], changes, {models}));
    await eventually(async () => {
      const {data} = await gateway.openai().models.list();
      return data.some(({id}) => id === marker);
    }, marker);
  };
  await change('m1', {name: 'renamed'});
  assert.equal(await status(), 503);
  await change('m2', {api_key: 'sk-test-new'});
  await eventually(async () => (await status()) === 200, 'the budget of the new key');
  assert.equal((await mock.count()).requests, 3);
});

test('a reload sets the level of the log', async (t) => {
  const mock = await startMock(t);
  const gateway = await startGateway(t,
    {accounts: [account(mock)], log: {level: 'error', format: 'json'}});
  const say = async () => (await gateway.post('/v1/chat/completions', ask())).text();
  // Behind the answer to a second request on its connection the first one is over.
  const client = rawClient(t, gateway.url);
  await client.send(requestText('/v1/chat/completions', JSON.stringify(ask())));
  await client.receives(/"service_tier"/);
  await client.send(requestText('/livez', '', {}, 'GET'));
  await client.receives(/"service_tier"[^]*HTTP\/1\.1 200 /);
  await reload(gateway, (config) => (config.log.level = 'info'));
  assert.equal(accessLines(gateway).length, 0);
  await eventually(async () => {
    await say();
    return accessLines(gateway).length > 0;
  }, 'an access line');
});

test('a long path does not push the rest out of the access line', async (t) => {
  const {gateway} = await startBoth(t, {log: {format: 'json'}});
  const answer = await gateway.post(`/v1/echo/${'x'.repeat(3000)}`, ask());
  await answer.text();
  const [line] = await eventually(() => accessLines(gateway).length && accessLines(gateway), 'it');
  assert.equal(line.path, `/v1/echo/${'x'.repeat(256 - 9 - 3)}...`);
  assert.deepEqual([line.status, line.client, line.account, line.cut],
    [answer.status, 'e2e', 'team-a', undefined]);
  assert.ok(line.total_us > 0);
});

test('simulate says what it met, and what of the configuration it does not know', async (t) => {
  const file = await writeConfig(t, {
    accounts: [remote({rpm_limit: 40, tpm_limit: 20000, cost: {input: 2, output: 10}})],
    clients: [{name: 'agent', key: 'sk-test-client', rpm_limit: 10}], hedge: {after: '2s'},
  });
  const ask = ['simulate', '-c', file, '--duration', '1h', '--traffic', 'rate=60rpm'];
  const shown = await run(program, ask);
  assert.equal(shown.code, 0, shown.errors);
  assert.match(shown.output, /not simulated.*: limits of clients, hedge$/m);
  const told = JSON.parse((await run(program, [...ask, '--json'])).output);
  assert.deepEqual(told.not_simulated, ['limits of clients', 'hedge']);
  assert.ok(told.sluice.cost_dollars > 0);
  // About 1,250 tokens a request: the tokens are the tighter limit, and the provider counts them.
  assert.ok(told.sluice.endings.served < 60 * 20, `${told.sluice.endings.served} served`);
  // How long an answer gets nobody can know before: few 429s, not none.
  const met = [told.sluice.rate_limited, told.round_robin.rate_limited];
  assert.ok(met[1] > 60 * 30 && met[0] < met[1] / 20, `${met} 429s`);
  const refused = await run(program, ['simulate', '-c', file, '--traffic', 'rate=fast']);
  assert.equal(refused.code, 64);
  assert.match(refused.errors, /rate: "fast"/);
});
