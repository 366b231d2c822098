// Clients: the keys of those who use the gateway, their limits and budgets.
import * as api from './api.js';
import * as catalog from './catalog.js';
import {button, clear, h, setHidden, setText} from './dom.js';
import {confirmed, openDialog, openForm} from './form.js';
import * as f from './format.js';
import {t, word} from './i18n.js';
import {forWriters, live} from './live.js';
import {notify} from './notices.js';
import {busy, chip, levelBar, longText, panel} from './parts.js';
import {Reading} from './reading.js';
import {searchField, Table} from './table.js';

const PRIORITIES = ['urgent', 'high', 'normal', 'low'];
const PERIODS = ['day', 'month', 'total'];
// A name that browsers take out of every path; of before such names were refused.
const isDots = ({name}) => name === '.' || name === '..';
const path = (client) => isDots(client) ? api.target('/api/admin/clients', {name: client.name})
  : `/api/admin/clients/${encodeURIComponent(client.name)}`;

// The key, this once: whoever closes the dialog without it has to make another.
function showKey(client) {
  const field = h('input', {type: 'text', readonly: true, value: client.key, class: 'code',
    'aria-label': t('client.key')});
  const copy = button(t('copy'), {name: 'copy', kind: 'primary', click: async () => {
    try {
      await navigator.clipboard.writeText(client.key);
      setText(copy.querySelector('span'), t('copied'));
    } catch {
      field.select();  // no clipboard without TLS: the reader copies it
    }
  }});
  const node = openDialog(t('client.key.title', {name: client.name}), {
    body: [h('p', {text: t('client.key.text')}), h('div', {class: 'row'}, field, copy)],
    foot: [button(t('client.key.kept'), {click: () => node.close()})],
  });
  field.select();
}

// `match`: the tag that the client was read with.
function editClient(client, {match} = {}) {
  const readOnly = client && !client.editable;
  const number = (name, more = {}) => ({name, label: t(`client.${name}`), kind: 'number', min: '0',
    size: 'third', ...more});
  const ranks = PRIORITIES.map((id) => [id, word('priority', id)]);
  openForm({
    title: client ? t(readOnly ? 'client.view' : 'client.edit', {name: client.name})
      : t('client.add'),
    intro: client?.source === 'file' ? h('p', {text: t('client.from.file')}) : null,
    readOnly,
    whole: !client,
    action: client ? t('save') : t('client.add'),
    values: client ?? {priority: 'normal', priority_max: 'urgent', rpm_limit: 0, tpm_limit: 0,
      concurrent_limit: 0, budget_usd: 0, budget_period: 'month', models: []},
    sections: [
      {fields: [
        ...(client ? [] : [{name: 'name', label: t('client.name'), required: true}]),
        {name: 'models', label: t('client.models'), kind: 'lines', list: true,
          hint: t('client.models.hint')},
        {name: 'priority', label: t('client.priority'), kind: 'select', options: ranks,
          size: 'half'},
        {name: 'priority_max', label: t('client.priority_max'), kind: 'select', options: ranks,
          size: 'half'},
      ]},
      {legend: t('client.limits'), fields: [number('rpm_limit'), number('tpm_limit'),
        number('concurrent_limit')]},
      {legend: t('client.budget'), fields: [number('budget_usd', {step: 'any', size: 'half'}),
        {name: 'budget_period', label: t('client.budget_period'), kind: 'select', size: 'half',
          options: PERIODS.map((id) => [id, t(`period.${id}`)])}]},
    ],
    send: (changes, all) => client ? api.patch(path(client), changes, {match})
      : api.post('/api/admin/clients', all),
    done: (answer) => {
      catalog.forget();
      if (answer.key) showKey(answer);
      else notify(t('client.saved', {name: answer.name}));
    },
  });
}

async function change(client, control) {
  const whole = await busy(control, () => api.getTagged(path(client)));
  if (whole) editClient(whole.value, {match: whole.tag});
}

// Whoever changed it meanwhile: a key that has leaked is revoked.
async function revoke(client, control) {
  if (!await confirmed({title: t('client.revoke.title', {name: client.name}),
    text: t('client.revoke.text'), action: t('client.revoke')})) return;
  if (!await busy(control, () => api.remove(path(client)))) return;
  notify(t('client.revoked', {name: client.name}));
  catalog.forget();
}

function nameCell(cell) {
  const set = longText(cell);
  const models = h('span', {class: 'label cut'});
  cell.append(models);
  return (c) => {
    set(c.name);
    setText(models, c.models.length ? c.models.join(', ') : t('client.models.all'));
    models.title = c.models.join('\n');
  };
}

// What is left of requests and tokens in this minute; of what has no limit, nothing is said.
function limitsCell(cell) {
  const none = h('span', {class: 'faint', text: t('unlimited')});
  const bars = [['requests_remaining', 'rpm_limit', 'unit.requests'],
    ['tokens_remaining', 'tpm_limit', 'unit.tokens']].map(([left, limit, unit]) => {
    const level = levelBar('', t(unit));
    cell.append(level.node);
    return (c) => {
      setHidden(level.node, !c[limit]);
      if (c[limit]) level.set(c.level[left] ?? c[limit], c[limit]);
    };
  });
  cell.append(none);
  return (c) => {
    for (const update of bars) update(c);
    setHidden(none, Boolean(c.rpm_limit || c.tpm_limit));
  };
}

function budgetCell(cell) {
  const bar = levelBar();
  bar.node.classList.add('bare');
  bar.node.querySelector('.of').remove();
  const text = h('span', {class: 'label'});
  cell.append(bar.node, text);
  return (c) => {
    setHidden(bar.node, !c.budget_usd);
    if (c.budget_usd) bar.set(Math.max(0, c.budget_usd - c.spent_usd), c.budget_usd);
    setText(text, c.budget_usd ? t('client.spent', {spent: f.money(c.spent_usd),
      of: f.setMoney(c.budget_usd), period: t(`period.${c.budget_period}`)}) : t('none'));
  };
}

function statusCell(cell) {
  const state = h('span');
  const since = h('span', {class: 'label'});
  let shown = '';
  cell.append(state, since);
  return (c) => {
    setText(since, c.source === 'file' ? t('client.of_file')
      : t('client.since', {day: f.day(c.created_at)}));
    if (shown === c.status) return;
    shown = c.status;
    clear(state, chip(word('client.status', c.status), c.status === 'active' ? 'healthy'
      : 'disabled', c.status === 'active' ? 'healthy' : 'open'));
  };
}

function actionsCell(cell, first, item) {
  const edit = button(t('client.edit', {name: first.name}), {name: 'edit', bare: true,
    click: () => change(item(), edit)});
  const view = button(t('client.view', {name: first.name}), {name: 'eye', bare: true,
    click: () => editClient({...item(), editable: false})});
  const gone = button(t('client.revoke.of', {name: first.name}), {name: 'trash', bare: true,
    click: () => revoke(item(), gone)});
  cell.append(h('span', {class: 'actions'}, edit, view, gone));
  return (c) => {
    const fixed = !c.editable || c.status === 'revoked' || !live.mayWrite;
    setHidden(edit, fixed || isDots(c));
    setHidden(view, !fixed && !isDots(c));
    setHidden(gone, fixed);
  };
}

function columns() {
  return [
    {id: 'name', label: t('client.name'), sort: (c) => c.name, head: true, class: 'wide',
      make: nameCell},
    {id: 'status', label: t('account.state'), sort: (c) => c.status, make: statusCell},
    {id: 'priority', label: t('client.priority'), sort: (c) => PRIORITIES.indexOf(c.priority),
      text: (c) => word('priority', c.priority)},
    {id: 'limits', label: t('client.left'), sort: (c) => c.rpm_limit || null, class: 'levels',
      make: limitsCell},
    {id: 'inflight', label: t('account.inflight'), number: true, sort: (c) => c.level.inflight,
      text: (c) => f.whole(c.level.inflight) +
        (c.concurrent_limit ? ` / ${f.whole(c.concurrent_limit)}` : '')},
    {id: 'budget', label: t('client.budget'), sort: (c) => c.budget_usd || null, class: 'levels',
      make: budgetCell},
    {id: 'requests', label: t('models.requests'), number: true, down: true,
      sort: (c) => c.usage?.requests ?? 0,
      text: (c) => live.stored ? f.compact(c.usage?.requests ?? 0) : f.NONE},
    {id: 'cost', label: t('clients.cost'), number: true, down: true,
      sort: (c) => c.usage?.cost ?? 0, text: (c) => live.stored ? f.cost(c.usage ?? {}) : f.NONE},
    {id: 'actions', label: t('actions'), unseen: true, class: 'last', make: actionsCell},
  ];
}

export function create() {
  const table = new Table({columns: columns(), key: (c) => c.name, caption: t('clients.title'),
    empty: 'clients.none', twoLines: true});
  let all = [];
  let used = new Map();
  let text = '';
  const show = () => {
    table.emptyKey = all.length ? 'clients.no_match' : 'clients.none';
    table.show(all.filter((c) => c.name.toLowerCase().includes(text))
      .map((c) => ({...c, usage: used.get(c.name)})));
  };
  // What is left of limits, with what was used.
  const reading = new Reading(async (current) => {
    const [list, usage] = await Promise.all([api.get('/api/admin/clients'),
      live.stored ? api.get('/api/admin/usage?group_by=client') : null]);
    if (!current()) return;
    all = list;
    used = new Map((usage?.rows ?? []).map((row) => [row.client, row]));
    show();
  }, {repeats: true});
  const off = catalog.onChange(() => reading.soon());
  reading.again();
  const bar = h('div', {class: 'toolbar'}, searchField(t('clients.search'), (given) => {
    text = given;
    show();
  }), h('span', {class: 'grow'}), forWriters(button(t('client.add'), {name: 'plus', kind: 'primary',
    click: () => editClient(null)})));
  return {
    node: h('div', {class: 'stack'}, bar, panel(t('clients.title'),
      live.stored ? {kind: 'bare'} : {note: t('stored.not')}, table.node)),
    stop() {
      reading.stop();
      off();
    },
  };
}
