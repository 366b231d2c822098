// Adding, changing and looking at one account.
import * as api from './api.js';
import {forget} from './catalog.js';
import {h} from './dom.js';
import {openForm} from './form.js';
import {t} from './i18n.js';
import {live} from './live.js';
import {mappingsEditor} from './model_mappings.js';
import {notify} from './notices.js';

const number = (name, more = {}) => ({name, label: t(`account.${name}`), kind: 'number', min: '0',
  size: 'third', ...more});

function sections(account) {
  const pools = ['primary', 'fallback'].map((id) => [id, t(`pool.${id}`)]);
  return [
    {legend: t('account.who'), fields: [
      {name: 'name', label: t('account.name'), required: true, size: 'half'},
      {name: 'label', label: t('account.label'), size: 'half'},
      {name: 'pool', label: t('account.pool'), kind: 'select', options: pools, size: 'half'},
      {name: 'enabled', label: t('account.enabled'), kind: 'check', size: 'half'},
    ]},
    {legend: t('account.provider'), fields: [
      {name: 'api_base_url', label: t('account.url'), kind: 'url', required: true,
        placeholder: 'https://api.example.com/v1'},
      {name: 'api_key', label: t('account.key'), kind: 'password', required: !account, size: 'half',
        placeholder: account?.api_key, hint: account ? t('account.key.hint') : undefined},
      {name: 'api', label: t('account.api'), kind: 'select', size: 'half', options: [
        ['openai-completions', 'OpenAI'], ['anthropic', 'Anthropic']]},
      {name: 'model_prefix', label: t('account.prefix'), hint: t('account.prefix.hint'),
        placeholder: 'nvidia/', size: 'half'},
      {name: 'model_mappings', label: t('account.models'), hint: t('account.models.hint'),
        editor: mappingsEditor()},
    ]},
    {legend: t('account.limits'), fields: [
      number('rpm_limit', {min: '1'}), number('tpm_limit'), number('rpd_limit'),
      number('concurrent_limit'), number('window_seconds', {min: '1', step: 'any'}),
      number('weight', {min: '1'}),
      {name: 'bucket', label: t('account.bucket'), kind: 'select', size: 'third', options: [
        ['rolling', t('account.bucket.rolling')], ['steady', t('account.bucket.steady')]]},
      {name: 'learn_limits', label: t('account.learn'), kind: 'check', size: 'third'},
      {name: 'emergency', label: t('account.emergency'), kind: 'check', size: 'third'},
    ]},
    {legend: t('account.timeouts'), folded: true, fields:
      ['connect', 'first_byte', 'first_token', 'idle', 'total'].map((name) => ({
        name: `timeouts.${name}`, label: t(`timeout.${name}`), kind: 'number', step: 'any',
        min: '0', size: 'third', placeholder: t('account.inherited')}))},
    {legend: t('account.notes'), folded: true, fields: [
      {name: 'metadata.email', label: t('account.email'), kind: 'email', size: 'half'},
      {name: 'metadata.notes', label: t('account.notes'), kind: 'lines'}]},
  ];
}

const NESTED = ['timeouts', 'metadata'];
const FRESH = {pool: 'primary', enabled: true, api: 'openai-completions', weight: 1};
const REQUIRED = ['name', 'api_base_url', 'api_key'];  // they are sent though they are empty

const UNIT_SECONDS = {us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400};
function secondsOf(text) {
  const [, count, unit] = /^([\d.]+)([a-z]+)$/.exec(text);
  return +(Number(count) * UNIT_SECONDS[unit]).toPrecision(12);
}
// What a new account has of the settings unless it says otherwise: [setting, member, its value].
const DEFAULTS = [
  ...['rpm_limit', 'tpm_limit', 'rpd_limit', 'concurrent_limit'].map((id) => [id, id, Number]),
  ['window', 'window_seconds', secondsOf], ['bucket', 'bucket', String],
  ['learn_limits', 'learn_limits', (text) => text === 'true'],
];

// The values that the form of a new account starts from.
export async function readDefaults() {
  const {values} = await api.get('/api/admin/settings');
  const at = new Map(values.map(({path, value}) => [path, value]));
  return {...FRESH, ...Object.fromEntries(DEFAULTS.map(([setting, member, read]) =>
    [member, read(at.get(`account_defaults.${setting}`))]))};
}

function flattened(account) {
  const out = {...account};
  delete out.api_key;  // the form shows it as a placeholder
  for (const group of NESTED)
    for (const [name, value] of Object.entries(account[group] ?? {}))
      out[`${group}.${name}`] = value;
  return out;
}

// {'timeouts.idle': 3} becomes {timeouts: {...those that are, idle: 3}}; an empty one is inherited.
function nested(changes, account) {
  const out = {};
  for (const [path, value] of Object.entries(changes)) {
    const [group, name] = path.split('.');
    if (!NESTED.includes(group) || name === undefined) out[path] = value;
    else out[group] = {...account?.[group], ...out[group], [name]: value ?? null};
  }
  if (out.api_key === '') delete out.api_key;
  return out;
}

// `match`: the tag that the account was read with; `defaults`: what a new one starts from.
export function editAccount(account, {match, defaults} = {}) {
  const readOnly = account && !(account.editable && live.mayWrite);
  openForm({
    title: account ? t(readOnly ? 'account.view' : 'account.edit', {name: account.name})
      : t('account.add'),
    wide: true,
    readOnly,
    intro: account && !account.editable
      ? h('p', {text: t(`account.from.${account.source}`)}) : null,
    sections: sections(account),
    values: account ? flattened(account) : defaults,
    whole: !account,
    action: account ? t('save') : t('account.add'),
    send: (changes, all) => account
      ? api.put(`/api/admin/backends/${account.id}`, nested(changes, account), {match})
      : api.post('/api/admin/backends', nested(givenOf(changes, all))),
    done: (answer) => {
      notify(t(account ? 'account.saved' : 'account.added', {name: answer.name}));
      forget();
    },
  });
}

// A new account says nothing of what was left as it is, or was emptied, so that defaults hold.
const givenOf = (changes, all) => ({
  ...Object.fromEntries(Object.entries(changes).filter(([, value]) =>
    value !== null && value !== '')),
  ...Object.fromEntries(REQUIRED.map((name) => [name, all[name]]))});
