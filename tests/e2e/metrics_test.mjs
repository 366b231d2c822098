// A real Prometheus scrapes the gateway under load, and its queries and our rules answer.
// METRICS_SECONDS: how long, 6 unless told. A full minute, where SLUICE is the program:
//   METRICS_SECONDS=60 node --test tests/e2e/metrics_test.mjs
import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import path from 'node:path';
import test from 'node:test';
import {
  account, ask, atEnd, CLIENT_KEY, eventually, Program, run, startGateway, startMock,
  temporaryFolder,
} from './harness.mjs';

const SECONDS = Number(process.env.METRICS_SECONDS ?? 6);
const TOKEN = 'sk-test-admin-0d9c8b7a6f5e4d3c';
const RULES = new URL('../../packaging/prometheus/alerts.yml', import.meta.url).pathname;

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const {port} = server.address();
    server.close(() => resolve(port));
  });
});

async function startPrometheus(t, target) {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'prometheus.yml');
  await writeFile(file, JSON.stringify({
    global: {scrape_interval: '1s', evaluation_interval: '1s'},
    rule_files: [RULES],
    scrape_configs: [{job_name: 'sluice', static_configs: [{targets: [target]}]}],
  }));
  const address = `127.0.0.1:${await freePort()}`;
  const prometheus = new Program('prometheus', [`--config.file=${file}`,
    `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`]);
  atEnd(t, () => prometheus.stop('SIGTERM'));
  const api = async (route) => {
    const answer = await fetch(`http://${address}/api/v1/${route}`).catch(() => undefined);
    return answer?.ok ? (await answer.json()).data : undefined;
  };
  await eventually(() => api('status/buildinfo'), 'Prometheus', 60_000);
  return async (query) => {
    const {result} = await api(`query?query=${encodeURIComponent(query)}`);
    return result.map(({metric, value}) => ({...metric, value: Number(value[1])}));
  };
}

async function startScraped(t) {
  const mock = await startMock(t);
  const gateway = await startGateway(t, {
    accounts: ['a', 'b'].map((name) => account(mock, {
      name: `team-${name}`, api_key: `sk-test-${name}`, rpm_limit: 1_000_000,
      cost: {input: 2, output: 8}, models: {'mock-large': 'mock-large'}})),
    metrics: {listen: ['127.0.0.1:0']},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const [, url] = await eventually(
    () => /listening on its own.*url=(\S+)/.exec(gateway.errors), 'the listener for metrics');
  return {mock, gateway, url};
}

async function load(gateway, until) {
  let sent = 0;
  const worker = async () => {
    while (Date.now() < until) {
      const answer = await gateway.post('/v1/chat/completions', ask({stream: sent % 3 === 0}));
      await answer.text();
      assert.equal(answer.status, 200);
      ++sent;
    }
  };
  await Promise.all(Array.from({length: 4}, worker));
  return sent;
}

test('Prometheus scrapes under load; what it knows is what the provider has seen', async (t) => {
  const {mock, gateway, url} = await startScraped(t);
  const query = await startPrometheus(t, new URL(url).host);
  const sent = await load(gateway, Date.now() + SECONDS * 1000);
  const {requests} = await mock.count();
  assert.equal(requests, sent);
  await eventually(async () => {
    const [sum] = await query('sum(sluice_requests_total{code="200"})');
    return sum?.value === sent;
  }, `${sent} requests in Prometheus`);
  const by = await query('sum by (account, model) (sluice_requests_total)');
  assert.deepEqual(by.map(({account: name, model}) => `${name} ${model}`).sort(),
    ['team-a mock-large', 'team-b mock-large']);
  // Over all that there is, however long ago the load was.
  const [rate] = await query('sum(rate(sluice_requests_total[1h]))');
  assert.ok(rate.value > 0);
  const [p99] = await query(
    'histogram_quantile(0.99, sum by (le) (rate(sluice_request_duration_seconds_bucket[1h])))');
  assert.ok(p99.value > 0 && p99.value < 60, `${p99.value}`);
  await eventually(async () => (await query('up == 1')).length === 1, 'a scrape in time');
  await eventually(async () => (await query('sluice_cost_usd_total'))[0]?.value > 0, 'the cost');
  assert.equal((await query('ALERTS{alertstate="firing"}')).length, 0);
});

test('both formats pass promtool; on the proxy\'s port the token is needed', async (t) => {
  const {gateway, url} = await startScraped(t);
  await load(gateway, Date.now() + 300);
  const text = await (await fetch(`${url}/metrics`)).text();
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'metrics'), text);
  const {code, output, errors} =
    await run('sh', ['-c', `promtool check metrics < ${folder}/metrics`]);
  assert.equal(code, 0, output + errors);
  const accept = {accept: 'application/openmetrics-text; version=1.0.0'};
  const open = await fetch(`${url}/metrics`, {headers: accept});
  assert.match(open.headers.get('content-type'), /^application\/openmetrics-text/);
  assert.ok((await open.text()).endsWith('# EOF\n'));
  assert.equal((await fetch(`${gateway.url}/metrics`)).status, 401);
  const headers = {authorization: `Bearer ${TOKEN}`};
  const own = await (await fetch(`${gateway.url}/metrics`, {headers})).text();
  assert.match(own, /^sluice_build_info\{/m);
  for (const secret of [CLIENT_KEY, 'sk-test-a', TOKEN]) assert.ok(!own.includes(secret), secret);
});
