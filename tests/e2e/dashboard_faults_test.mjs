// That the Chinese page has Chinese words for the whole of each fault that the gateway finds in an
// account, a client, a price, a setting or an import.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as contract from './contract.mjs';
import {logIn, openDashboard, TOKEN} from './dashboard_page.mjs';
import {account, startGateway, startMock, temporaryFolder} from './harness.mjs';

const LONG = 'x'.repeat(5000);
const URL_V1 = 'https://api.example.com/v1';
const ACCOUNT = {name: 'new', api_base_url: URL_V1, api_key: 'sk-test-new'};
const KINDS = [null, true, 1, -1, 1.5, 'x', '', [1], {x: 1}];

const accounts = [
  {}, {name: 'in-file'}, {name: 'in-store'}, {name: 'a b'}, {name: ''}, {name: LONG},
  ...['ftp://x', 'https://', 'https://x//y', 'https://x?y', 'https://x#y', 'https://x y',
    'https://u:p@x/v1', 'https://x:99999', 'https://127.1/v1', 'http://169.254.169.254/v1',
    'http://127.0.0.1/v1', 'http://1.1.1.1/v1'].map((api_base_url) => ({api_base_url})),
  {api_key: ''}, {api_key: 'k\u00e9y'}, {api_key: LONG}, {strange: 1}, {weigth: 1},
  {timeouts: {strange: 1}}, {timeouts: {connect: 0}, timeout_seconds: 0}, {window_seconds: 0.0001},
  {label: LONG, email: '\u0001', notes: '\u0001'}, {pool: 'x', api: 'x', bucket: 'x'},
  {rpm_limit: 0, tpm_limit: -1, rpd_limit: 1e10, concurrent_limit: 1.5, weight: 0},
  {model_prefix: LONG}, {model_prefix: '\u0001'}, {model_mappings: {'\u0001': {}, '': {}}},
  {model_mappings: {m: {native_id: LONG}, n: {native_id: ''}, o: {strange: 1}, p: null}},
  ...KINDS.flatMap((value) => [
    ...['name', 'api_base_url', 'api_key', 'api', 'label', 'email', 'notes', 'pool', 'enabled',
      'rpm_limit', 'tpm_limit', 'rpd_limit', 'concurrent_limit', 'bucket', 'window_seconds',
      'timeout_seconds', 'weight', 'learn_limits', 'emergency', 'model_prefix', 'timeouts',
      'model_mappings', 'metadata'].map((name) => ({[name]: value})),
    ...['connect', 'first_byte', 'first_token', 'idle', 'total']
      .map((name) => ({timeouts: {[name]: value}})),
    {model_mappings: {m: value}},
    ...['native_id', 'reasoning', 'reasoning_effort', 'input_modalities', 'cost', 'context_window',
      'max_tokens'].map((name) => ({model_mappings: {m: {[name]: value}}})),
    ...['input', 'cacheRead', 'strange'].map((name) => ({model_mappings: {m: {cost: {
      input: 1e-6, output: 1e-6, [name]: value}}}}))]),
].map((values, at) => ['POST', '/api/admin/backends', at ? {...ACCOUNT, ...values} : values]);

const clients = [
  {}, {name: 'app'}, {name: 'file-app'}, {name: '.'}, {name: '..'}, {name: 'a b'}, {name: ''},
  {name: LONG}, {models: ['m', 'm']}, {models: ['\u0001', 1, '', LONG]}, {strange: 1},
  {budget_usd: 1e-12}, {budget_usd: 1e9}, {rpm_limit: 1e9},
  {priority: 'urgent', priority_max: 'low'},
  ...KINDS.flatMap((value) => ['name', 'models', 'priority', 'priority_max', 'rpm_limit',
    'tpm_limit', 'concurrent_limit', 'budget_usd', 'budget_period']
    .map((name) => ({[name]: value}))),
].map((values, at) => ['POST', '/api/admin/clients', at ? {name: `c${at}`, ...values} : values]);
clients.push(['PATCH', '/api/admin/clients/app', {name: 'b'}],
  ['PATCH', '/api/admin/clients/app', {priority_max: 'low'}]);

const prices = [
  {}, {model: LONG}, {valid_from: '1960-01-01T00:00:00Z'}, {strange: 1}, {input_per_million: 1e-12},
  ...KINDS.flatMap((value) => ['model', 'valid_from', 'input_per_million', 'output_per_million',
    'cache_read_per_million', 'cache_write_per_million'].map((name) => ({[name]: value}))),
].map((values, at) => ['PUT', '/api/admin/prices',
  at ? {model: 'm', input_per_million: 1, output_per_million: 2, ...values} : values]);
prices.push(['DELETE', '/api/admin/prices'], ...[{}, {from: 1, strange: 1},
  {from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z'}]
  .map((body) => ['POST', '/api/admin/prices/recompute', body]));

// Of each setting that there is: values of any kind, and those that go with others. With a strange
// one beside them nothing is taken.
const settings = (names) => [
  ...[...KINDS, 'a\u0001b', LONG, '99999999999999', '1ms', '-1s', '0.5']
    .flatMap((value) => names.map((name) => ['POST', '/api/admin/config',
      {[name]: value, strange: 1}])),
  ['PUT', `/api/admin/config/${names[0]}`, {}],
  ['PUT', `/api/admin/config/${names[0]}`, {value: 1, description: 1, strange: 1}],
  ['POST', '/api/admin/config', {'queue.wait.low': '1s', queue_wait_low: '2s'}],
  ...[{'routing.cooldown.base': '20min', 'routing.cooldown.max': '1min'},
    {'routing.breaker.open': '20min', 'routing.breaker.open_max': '1min'},
    {'routing.retreat.calm_percent': 95, 'routing.retreat.percent': 60},
    {'routing.retreat.percent': 60, 'routing.retreat.percent_twice': 50},
    {'limits.body_bytes_max': '1GiB', 'limits.body_memory_max': '1MiB'},
    {'queue.comments': '500ms'}, {'routing.strategy': 'cheapest'},
    {'routing.default_model': 'of-nobody'}, {strange: 1}, {'store.directory': '/x'}]
    .map((values) => ['POST', '/api/admin/config', {...values, strange: 1}]),
];

const entry = (...lines) => `providers:\n  - ${['account: new', 'api_key: sk-test-new',
  `endpoint_url: ${URL_V1}`, ...lines].join('\n    ')}\n`;
const one = (name, key, url) =>
  `providers:\n  - {account: "${name}", api_key: "${key}", endpoint_url: "${url}"}\n`;
const imports = [
  '', '[]', 'x', 'providers:', 'providers: []', 'providers: x', 'providers: {a: b}', 'strange: 1',
  'providers:\n  - x\n  - [a]\n  -\n  - {}\n', entry('strange: 1'), entry('rpm_limt: 1'),
  entry('account: twice'), entry('rpm_limit:'), entry('rpm_limit: [1]'), entry('rpm_limit: {a: 1}'),
  entry('rpm_limit: abc', 'pool: x', 'enabled: x', 'weight: 0', 'window: soon', 'bucket: x'),
  entry('models: x'), entry('models: [m, m]'), entry('models: [[m]]'), entry("models: ['']"),
  entry('models: {m: [x]}'), entry('models: [m]', 'model_costs: [{model: n, input: 1, output: 1}]'),
  entry('models: [m]', 'model_costs: [{model: m, input: x}, {model: m}, {input: -1}]'),
  entry('models: [m]', 'model_costs: x'), entry('cost: x'), entry('cost: {input: 1.23456789}'),
  entry('timeouts: x'), entry('timeouts: {idle: soon, connect: 0s, first_token: 99d, total: 1}'),
  entry('notes: [x]', 'email: {a: b}'), entry(`notes: ${LONG}`), entry('ca_file: /no/such/file'),
  `providers:\n${`  - {account: a, api_key: sk-test-a, endpoint_url: ${URL_V1}}\n`.repeat(40)}`,
  ...['****', '${NAME}', '${SIDECAR_ADMIN_TOKEN}', 'k\u00e9y', '', LONG]
    .map((key) => one('a', key, URL_V1)),
  ...['in-file', 'in-store', 'a b', '', LONG].map((name) => one(name, 'sk-test-a', URL_V1)),
  ...['ftp://x', 'http://127.0.0.1/v1', 'http://169.254.169.254/v1', 'http://1.1.1.1']
    .map((url) => one('a', 'sk-test-a', url)),
  // No YAML, in one way and another.
  'providers: [', 'providers: {', 'providers: "x', "providers: 'x", 'a: b: c', 'a: b\n c: d\n- e\n',
  '- a\nb: c\n', '\tproviders: 1', 'providers:\n\t- a\n', '%YAML 3.0\n---\na: b\n', '&a', '*a',
  'a: &a [*a]', '--- a\n--- b\n', '{a: b', '[a, b', '[a]: b', 'a: !<x', 'a: &', '"\\q"', 'a: |x\n',
  '"\\xzz"', 'a: @b', 'a: `b', '? a\n: b\n c', 'a: *', 'a: ]', 'a: }', 'a: !!', '%', 'a: &a &b c',
  'a: !x !y c', '*a : b\n', 'a: *b c', 'a: >99\n x', 'a: >0\n x', '"\\uD800"', '"\\U00110000"',
  'providers: \0', 'a: \u0001', '['.repeat(200), '{a: '.repeat(100), '- '.repeat(100),
].map((text) => ['POST', '/api/v2/providers?dry_run=true', text]);

const CHINESE = /[一-鿿]/;
// What stands there as it was given, and what is written so in any language.
const VALUES = /"[^"]*"|“[^”]*”|(?<!\S)\/\S+|\{\.\.\.\}|[\w-]+(?:\.[\w-]+)+|\[[^\]]*\]/g;
const ENGLISH = new RegExp('\\b(?:a|an|and|are|as|at|by|bytes|cannot|empty|expected|fault|' +
  'for|from|give|has|have|in|into|is|it|leave|less|like|list|more|must|name|names|no|not|' +
  'nothing|number|of|one|or|out|stands|take|taken|than|text|that|the|these|to|too|unknown|valid|' +
  'value|with|wrong)\\b', 'i');

test('each fault is told in Chinese, and in Chinese alone', async (t) => {
  const mock = await startMock(t, ['--tokens', '2']);
  const gateway = await startGateway(t, {
    accounts: [account(mock, {name: 'in-file', models: ['m']})],
    clients: [{name: 'file-app', key: 'sk-test-client-0123456789'}],
    store: {directory: await temporaryFolder()},
  }, {env: {...process.env, SIDECAR_ADMIN_TOKEN: TOKEN}});
  const call = (method, target, json) =>
    contract.ask(gateway.url, method, target, {token: TOKEN, json});
  await call('POST', '/api/admin/backends', {...ACCOUNT, name: 'in-store'});
  await call('POST', '/api/admin/clients', {name: 'app', priority: 'high'});
  const names = (await call('GET', '/api/admin/settings')).body.values
    .filter((one) => one.changeable).map((one) => one.path);

  const faults = new Map();
  const asked = {accounts, clients, prices, settings: settings(names), imports};
  for (const [of, requests] of Object.entries(asked)) {
    let refused = 0;
    for (const [method, target, body] of requests) {
      const answer = typeof body === 'string'
        ? await fetch(`${gateway.url}${target}`, {method, body,
          headers: {authorization: `Bearer ${TOKEN}`, 'content-type': 'application/yaml'}})
          .then(async (one) => ({body: await one.json()}))
        : await call(method, target, body);
      for (const {problem, mend, code} of answer.body?.errors ?? []) {
        faults.set(`${problem}; ${mend}`, {problem, mend, code: code ?? 'invalid'});
        ++refused;
      }
    }
    assert.ok(refused > 10, `${of}: ${refused} faults`);
  }

  const {page} = await openDashboard(t, gateway.url, {language: 'zh-CN'});
  await logIn(page);
  const told = await page.evaluate(async (all) => {
    const {faultSentence} = await import('/dashboard/assets/parts.js');
    return all.map((fault) => [`${fault.problem}; ${fault.mend}`, faultSentence(fault)]);
  }, [...faults.values(), {problem: 'providers[1]: the moon is missing', mend: 'give a text'}]);
  // What has no words in Chinese stays whole.
  assert.deepEqual(told.pop()[1], 'providers[1]: the moon is missing; give a text');
  const mixed = told.filter(([, text]) => !CHINESE.test(text) ||
    ENGLISH.test(text.replace(VALUES, '')));
  assert.deepEqual(mixed, []);
});
