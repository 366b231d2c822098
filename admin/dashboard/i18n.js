// What the page says, in the language that the reader has chosen.
import en from './en.js';
import zh from './zh.js';
import * as zhFaults from './zh_faults.js';

const KEY = 'sluice.language';
const TEXTS = {en, zh};
const FAULTS = {zh: zhFaults};  // the gateway's own words are English
export const LANGUAGES = Object.keys(TEXTS);

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;  // storage is forbidden here: the browser's language then
  }
}

let current = LANGUAGES.find((code) => code === remembered()) ??
  ((navigator.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en');
let plurals = new Intl.PluralRules(current);

export const language = () => current;

export function setLanguage(code) {
  if (!TEXTS[code]) return;
  current = code;
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code === 'zh' ? 'zh-Hans' : code;
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // not remembered, then
  }
}

const form = (number, one, others) => plurals.select(Number(number)) === 'one' ? one : others;

// t('accounts.count', {n: 3}): "{n} account|{n} accounts" has a form for one and one for others,
// and "{all#account#accounts}" is a word that goes by another number than {n}.
// A text that nobody has written is its own key, which tests/e2e/dashboard_files_test.mjs forbids.
export function t(key, values = {}) {
  let text = TEXTS[current][key] ?? TEXTS.en[key] ?? key;
  const forms = text.split('|');
  if (forms.length > 1) text = form(values.n, ...forms);
  text = text.replace(/\{(\w+)#(\w+)#(\w+)\}/g, (whole, name, one, others) =>
    form(values[name], one, others));
  return text.replace(/\{(\w+)\}/g, (whole, name) => name in values ? String(values[name]) : whole);
}

// The same, or nothing where nobody has written it or a value is missing.
export function said(key, values) {
  const text = TEXTS[current][key];
  if (text === undefined) return undefined;
  const all = [...text.matchAll(/\{(\w+)\}/g)].every(([, name]) => name in values);
  return all ? t(key, values) : undefined;
}

// For words of the gateway that may be newer than this page: shown as they are.
export const word = (group, value) => TEXTS[current][`${group}.${value}`] ?? String(value ?? '');

// What the gateway says in its own words of a value that it does not take (`kind` 'problems') or of
// how to mend it ('mends'), in the page's language; nothing where nobody has written it.
export function told(kind, text) {
  if (!FAULTS[current]) return text;
  for (const [pattern, words] of FAULTS[current][kind]) {
    const found = pattern.exec(text);
    if (found) return words.replace(/\{(\w+)\}/g, (whole, name) => found.groups?.[name] ?? whole);
  }
  return undefined;
}
