// Holds answers of the administration API against admin/openapi.json.
//
//   contract.check('GET', '/api/admin/backends/bkd_0123456789ab', 200, body);
//
// A document, not a program, says what is right: a member that is missing or of another type, a
// status that is not listed, and a member that nobody has described are all faults.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {Ajv2020} from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const document = JSON.parse(
  readFileSync(new URL('../../admin/openapi.json', import.meta.url), 'utf8'));

// The schemas as written leave room for members to come; here nothing may be undescribed. Not
// within allOf, whose parts see each other's members.
function closed(schema, whole = true) {
  if (schema === null || typeof schema !== 'object') return schema;
  if (Array.isArray(schema)) return schema.map((part) => closed(part, whole));
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    const names = key === 'properties' || key === '$defs';
    if (names)
      out[key] = Object.fromEntries(Object.entries(value).map(([n, part]) => [n, closed(part)]));
    else out[key] = key === 'enum' ? value : closed(value, key !== 'allOf');
  }
  if (whole && out.properties && !('additionalProperties' in out) && !out.allOf)
    out.unevaluatedProperties = false;
  if (out.allOf) out.unevaluatedProperties = false;
  return out;
}

function resolve(part) {
  if (!part.$ref) return part;
  return part.$ref.slice(2).split('/').reduce((at, name) => at[name], document);
}

const ajv = new Ajv2020({strict: false, allErrors: true});
addFormats.default(ajv);

// allOf needs its parts open; they are closed from without.
const openParts = new Set();
for (const schema of Object.values(document.components.schemas))
  for (const part of schema.allOf ?? []) if (part.$ref) openParts.add(part.$ref.split('/').at(-1));
ajv.addSchema({
  $id: 'contract',
  components: {
    schemas: Object.fromEntries(Object.entries(document.components.schemas)
      .map(([name, schema]) => [name, openParts.has(name) ? schema : closed(schema)])),
  },
});

const compiled = new Map();
function validator(schema, key) {
  if (!compiled.has(key)) {
    const text = JSON.stringify(closed(schema))
      .replaceAll('"#/components/', '"contract#/components/');
    compiled.set(key, ajv.compile(JSON.parse(text)));
  }
  return compiled.get(key);
}

// The path of the document that `target` is, or undefined; what has no parameters comes first.
export function pathOf(target) {
  const asked = target.split('?')[0];
  if (document.paths[asked]) return asked;
  return Object.keys(document.paths).find((path) => new RegExp(
    `^${path.replace(/[.]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`).test(asked));
}

// What the document says of that answer. Fails when it says nothing.
export function response(method, target, status) {
  const path = pathOf(target);
  assert.ok(path, `${target} is not in the document`);
  const operation = document.paths[path][method.toLowerCase()];
  assert.ok(operation, `${method} ${path} is not in the document`);
  const found = operation.responses[status] ?? operation.responses.default;
  assert.ok(found, `${method} ${path}: no answer with status ${status} is described`);
  return {described: resolve(found), key: `${method} ${path} ${status}`};
}

export function check(method, target, status, body) {
  const {described, key} = response(method, target, status);
  const content = described.content?.['application/json'] ??
    described.content?.['text/event-stream'];
  assert.ok(content, `${key}: no JSON is described`);
  const validate = validator(content.schema, key);
  if (!validate(body))
    assert.fail(`${key}: ${ajv.errorsText(validate.errors, {separator: '\n  '})}`);
}

// Asks and checks: {status, body, headers}.
export async function ask(url, method, target, {token, json, headers = {}, ...more} = {}) {
  const answer = await fetch(url + target, {
    method,
    headers: {
      ...(token ? {authorization: `Bearer ${token}`} : {}),
      ...(json !== undefined ? {'content-type': 'application/json'} : {}),
      ...headers,
    },
    ...(json !== undefined ? {body: JSON.stringify(json)} : {}),
    ...more,
  });
  const text = await answer.text();
  if (!/^application\/json/.test(answer.headers.get('content-type') ?? '')) {
    response(method, target, answer.status);
    return {status: answer.status, body: text, headers: answer.headers};
  }
  const body = JSON.parse(text);
  check(method, target, answer.status, body);
  return {status: answer.status, body, headers: answer.headers};
}
