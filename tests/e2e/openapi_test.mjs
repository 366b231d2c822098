// admin/openapi.json is an OpenAPI document, names all routes that the predecessor had, and says
// of every operation what it may answer.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Validator} from '@seriousme/openapi-schema-validator';
import {check, document, pathOf} from './contract.mjs';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const operations = Object.entries(document.paths).flatMap(([path, item]) => METHODS
  .filter((method) => item[method])
  .map((method) => ({path, method, item, operation: item[method]})));

function* parts(value) {
  if (value === null || typeof value !== 'object') return;
  yield value;
  for (const part of Object.values(value)) yield* parts(part);
}

test('the document is OpenAPI 3.1', async () => {
  const {valid, errors} = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.match(document.openapi, /^3\.1\./);
});

test('every reference leads somewhere, and every component is referred to', () => {
  const wanted = new Set();
  for (const {$ref} of parts(document)) {
    if ($ref === undefined) continue;
    const found = $ref.slice(2).split('/').reduce((at, name) => at?.[name], document);
    assert.ok(found, $ref);
    wanted.add($ref);
  }
  for (const kind of ['schemas', 'responses'])
    for (const name of Object.keys(document.components[kind]))
      assert.ok(wanted.has(`#/components/${kind}/${name}`), `${kind}/${name} is of no use`);
});

test('what is required is described', () => {
  for (const {required, properties, type} of parts(document))
    if (Array.isArray(required) && type === 'object')
      for (const name of required) assert.ok(properties[name], name);
});

test('operations have names of their own, and parameters for what stands in their paths', () => {
  const names = operations.map(({operation}) => operation.operationId);
  assert.deepEqual(names, [...new Set(names)]);
  for (const {path, item, operation} of operations) {
    const told = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
      .filter((parameter) => parameter.in === 'path').map(({name}) => name);
    assert.deepEqual([...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]), told, path);
  }
});

test('whatever wants a token says what happens without', () => {
  for (const {path, method, operation} of operations)
    if (!operation.security) assert.ok(operation.responses[401], `${method} ${path}`);
});

// docs/COMPAT.md, and what the predecessor's scripts call.
const PREDECESSOR = [
  'POST /v1/chat/completions', 'POST /v1/completions', 'POST /v1/embeddings', 'GET /v1/models',
  'GET /v1/models/m', 'GET /health', 'GET /health/ready', 'GET /status', 'GET /metrics',
  'GET /dashboard', 'GET /api/dashboard', 'GET /dashboard/sse', 'GET /api/dashboard/stream',
  'GET /api/admin/backends', 'GET /api/admin/backends/bkd_0123456789ab', 'POST /api/admin/backends',
  'PUT /api/admin/backends/bkd_0123456789ab', 'DELETE /api/admin/backends/bkd_0123456789ab',
  'POST /api/v2/providers', 'GET /api/admin/pools', 'GET /api/admin/stats/total',
  'GET /api/admin/stats/hourly', 'GET /api/admin/stats/daily', 'GET /api/admin/stats/cooldown',
  'GET /api/admin/config', 'GET /api/admin/config/rate_rpm', 'PUT /api/admin/config/rate_rpm',
  'DELETE /api/admin/config/rate_rpm', 'POST /api/admin/config',
];

test('the predecessor\'s routes are there', () => {
  for (const route of PREDECESSOR) {
    const [method, target] = route.split(' ');
    assert.ok(document.paths[pathOf(target)]?.[method.toLowerCase()], route);
  }
});

const PROPER = {status: 'ok', version: '1', uptime_seconds: 1};
const HEALTH_ROWS = [
  ['a proper answer', 200, PROPER, true],
  ['a member is missing', 200, {status: 'ok', version: '1'}, false],
  ['a member has another type', 200, {...PROPER, uptime_seconds: '1'}, false],
  ['a member is not described', 200, {...PROPER, more: 1}, false],
  ['a status is not described', 418, PROPER, false],
];

test('an answer that is not as described is a fault', () => {
  for (const [what, status, body, fine] of HEALTH_ROWS) {
    const checked = () => check('GET', '/health', status, body);
    if (fine) checked();
    else assert.throws(checked, assert.AssertionError, what);
  }
});
