// What can be said of the dashboard's files without a browser: both languages say the same, nothing
// parses HTML or is forbidden by the page's Content-Security-Policy, nothing comes from elsewhere,
// and every text can be read on its ground.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {test} from 'node:test';

const FOLDER = new URL('../../admin/dashboard/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name !== 'meson.build').sort();
const read = (name) => readFileSync(new URL(name, FOLDER), 'utf8');
const scripts = FILES.filter((name) => name.endsWith('.js'));
const code = scripts.filter((name) => !['en.js', 'zh.js'].includes(name)).map(read).join('\n');
const [en, zh] = await Promise.all(['en.js', 'zh.js'].map(async (name) =>
  (await import(new URL(name, FOLDER))).default));

const valuesOf = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();

test('both languages have the same texts with the same values', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const [key, text] of Object.entries(en))
    assert.deepEqual(valuesOf(zh[key]), valuesOf(text), key);
});

test('a word beside a number has a form for one', () => {
  const nouns = 'account|attempt|candidate|client|key|request|row|token';
  const many = new RegExp(`\\{\\w+\\} (?:(?:more|wrong|admin) )*(?:${nouns})s\\b`);
  for (const [key, text] of Object.entries(en)) {
    const [one, others] = text.split('|');
    assert.doesNotMatch(one, many, key);
    if (others) assert.match(others, /\{n\}/, key);
  }
  for (const [key, text] of Object.entries(en))
    for (const [whole, name] of text.matchAll(/\{(\w+)#[^}]*\}/g)) {
      assert.match(whole, /^\{\w+#\w+#\w+\}$/, key);
      assert.ok(text.includes(`{${name}}`), `${key}: {${name}} itself is not told`);
    }
});

test('every text that the code names is written, and every written one is named', () => {
  const named = [...code.matchAll(/'([a-z_]+(?:\.[a-z_0-9]+)*)'/g)].map((match) => match[1]);
  const asked = [...code.matchAll(/\bt\('([^']+)'/g)].map((match) => match[1]);
  for (const key of asked) assert.ok(key in en, key);
  // `pool.${id}` and word('status', ...) name all that begin so.
  const groups = [...code.matchAll(/`([a-z_]+(?:\.[a-z_]+)*\.(?:no_)?)\$\{/g)].map((m) => m[1])
    .concat([...code.matchAll(/\bword\('([^']+)'/g)].map((match) => `${match[1]}.`));
  const titles = /^[a-z]+\.title$/;
  for (const key of Object.keys(en))
    assert.ok(named.includes(key) || titles.test(key) ||
      groups.some((group) => key.startsWith(group)), `${key} is of no use`);
});

test('every value of the API that has words here has them', () => {
  const {components: {schemas}} = JSON.parse(readFileSync(
    new URL('../../admin/openapi.json', import.meta.url), 'utf8'));
  const step = schemas.Explanation.properties.steps.items.properties;
  const rows = [
    ['event', schemas.Event.properties.kind], ['status', schemas.Backend.properties.status],
    ['verdict', schemas.Candidate.properties.verdict], ['outcome', step.outcome],
    ['level', step.level], ['step', step.kind], ['health', schemas.BackendLive.properties.health],
    ['origin', schemas.Setting.properties.origin_kind],
    ['client.status', schemas.Client.properties.status],
    ['priority', schemas.Client.properties.priority], ['pool', schemas.Backend.properties.pool],
    ['access', schemas.Version.properties.access], ['refused', schemas.Error.properties.code],
    ['field', schemas.FieldError.properties.code], ['why', step.reason],
    ['strategy', schemas.Explanation.properties.strategy],
    ['tested', schemas.TestResult.properties.status],
  ];
  for (const [group, schema] of rows)
    for (const value of schema.enum) assert.ok(`${group}.${value}` in en, `${group}.${value}`);
});

test('nothing makes markup of a text, and nothing is inline', () => {
  const forbidden = [/\b(?:(?:inner|outer)HTML|insertAdjacentHTML|DOMParser)\b/,
    /\bdocument\.write|\beval\(|new Function|setTimeout\('/, /setAttribute\(\s*'style'/,
    /\bstyle: '(?!currency|percent)/];
  for (const name of scripts)
    for (const pattern of forbidden) assert.ok(!pattern.test(read(name)), `${name}: ${pattern}`);
  const html = read('index.html');
  assert.doesNotMatch(html, /\sstyle=|<style|\son\w+=|javascript:/i);
  for (const [, attributes, content] of html.matchAll(/<script([^>]*)>([^<]*)/g)) {
    assert.match(attributes, /src="\/dashboard\/assets\//);
    assert.equal(content, '');
  }
});

test('nothing comes from another host', () => {
  for (const name of FILES) {
    const foreign = [...read(name).matchAll(/(?:https?:)?\/\/[a-z][\w.-]+\.[a-z]{2,}/g)]
      .map((match) => match[0])
      .filter((url) => !/w3\.org$|api\.example\.com$/.test(url));
    assert.deepEqual(foreign, [], name);
  }
});

test('every file is reached from the page, and what is asked for is there', () => {
  const reached = new Set(['index.html', 'chart.js']);  // chart.js is the distribution's
  const follow = (name) => {
    if (reached.has(name)) return;
    assert.ok(FILES.includes(name), `${name} is missing`);
    reached.add(name);
    if (!name.endsWith('.js')) return;
    for (const [, next] of read(name).matchAll(/(?:from|import) '\.\/([^']+)'/g)) follow(next);
  };
  for (const [, name] of read('index.html').matchAll(/\/dashboard\/assets\/([\w.]+)"/g))
    follow(name);
  assert.deepEqual([...reached].filter((name) => name !== 'chart.js').sort(), FILES);
});

// {name: colour} of each block of tokens in base.css: light, dark by the system, dark by choice.
const blocks = [...read('base.css').matchAll(/:root[^{]*\{([^}]*)\}/g)].map(([, body]) =>
  Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]])));

function luminance(colour) {
  const [r, g, b] = colour.slice(1).match(/../g).map((part) => {
    const share = parseInt(part, 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test('dark is the same, by the system and by choice', () => {
  assert.equal(blocks.length, 3);
  assert.deepEqual(blocks[1], blocks[2]);
  for (const name of Object.keys(blocks[1])) assert.ok(name in blocks[0], name);
});

test('texts have a contrast of 4.5, lines of charts and marks of 3', () => {
  for (const tokens of [blocks[0], {...blocks[0], ...blocks[1]}]) {
    const texts = ['text', 'text-2', 'text-3', 'accent-text', 'good', 'warn', 'bad', 'cool'];
    for (const name of texts)
      for (const ground of ['surface', 'ground', 'inset'])
        assert.ok(contrast(tokens[name], tokens[ground]) >= 4.5,
          `${name} on ${ground}: ${contrast(tokens[name], tokens[ground]).toFixed(2)}`);
    assert.ok(contrast(tokens['on-accent'], tokens.accent) >= 4.5, 'on-accent');
    for (let i = 0; i < 9; i++) {
      const found = contrast(tokens[`series-${i}`], tokens.surface);
      assert.ok(found >= 3, `series-${i}: ${found.toFixed(2)}`);
    }
  }
});

test('every colour that is used is defined', () => {
  const used = FILES.flatMap((name) => [...read(name).matchAll(/var\(--([\w-]+)/g)])
    .map((match) => match[1]);
  const defined = new Set([...read('base.css').matchAll(/--([\w-]+):/g)].map((m) => m[1]));
  for (const name of used) assert.ok(defined.has(name), name);
});
