// Accounts: how full each is, what it rests from, and what can be done about it.
import * as api from './api.js';
import {editAccount, readDefaults} from './account_form.js';
import {exportAccounts, importAccounts} from './account_files.js';
import * as catalog from './catalog.js';
import {backIn, faultAgo, isUsable, rankOf, restOf, stateOf, STATES,
  stateText} from './account_state.js';
import {button, clear, h, icon, setHidden, setText} from './dom.js';
import {confirmed} from './form.js';
import * as f from './format.js';
import {t, word} from './i18n.js';
import {forWriters, gatewayNow, live} from './live.js';
import {notify} from './notices.js';
import {busy, chip, levelBar, longText, panel, stateChip} from './parts.js';
import {Reading} from './reading.js';
import {choice, searchField, select, Table} from './table.js';

function nameCell(cell) {
  const name = h('span', {class: 'name cut'});
  const lock = h('span', {class: 'locked', hidden: true}, icon('lock'));
  const label = h('span', {class: 'label cut'});
  cell.append(h('span', {class: 'namerow'}, name, lock), label);
  return (a) => {
    setText(name, a.name);
    name.title = a.name;
    setText(label, a.label);
    label.title = a.label;
    setHidden(label, !a.label);
    setHidden(lock, a.editable !== false);
    if (a.editable === false) lock.title = t(`account.from.${a.source}`);
  };
}

function stateCell(cell) {
  const state = stateChip();
  const left = h('span', {class: 'left'});
  cell.append(h('span', {class: 'chips'}, state.node, left));
  return (a) => {
    state.set(stateOf(a), stateText(a));
    const back = backIn(a, gatewayNow());
    setText(left, back);
    const {until, held} = restOf(a);
    state.node.title = stateOf(a) === 'cooling' && held
      ? t('attention.held_over', {at: f.clock(Date.parse(until))}) : '';
    left.title = back === t('failing.next') ? t('attention.probe') : '';
  };
}

// Retreat, health, cooldowns in a row: only what is not as it should be. That nobody has probed
// yet is nothing of the kind.
function remarksCell(cell) {
  let shown = '';
  return (a) => {
    const parts = [];
    if (a.retreat) parts.push(['retreat', t('remark.retreat', {now: a.retreat.effective_rpm,
      of: a.rpm_limit}), 'warn', 'down']);
    if (a.health && a.health !== 'unknown') parts.push(['health', word('health', a.health),
      a.health === 'down' ? 'bad' : 'warn', a.health === 'down' ? 'error' : 'info']);
    if (a.consecutive_429_count > 1)
      parts.push(['count', t('remark.count', {n: a.consecutive_429_count}), 'cool', 'cooling']);
    const text = JSON.stringify(parts);
    if (text === shown) return;
    shown = text;
    clear(cell, h('span', {class: 'chips small'}, parts.map(([, words, kind, name]) =>
      chip(words, kind, name))));
  };
}

function levelCell(cell) {
  const level = levelBar('level.title');
  const tokens = levelBar('level.tokens.title');
  tokens.node.classList.add('second');
  cell.append(level.node, tokens.node);
  return (a) => {
    level.set(a.rate_limiter.tokens, a.rate_limiter.capacity);
    cell.classList.toggle('idle', !isUsable(a));
    setHidden(tokens.node, !a.token_limiter);
    if (a.token_limiter) tokens.set(a.token_limiter.tokens, a.token_limiter.capacity);
  };
}

function errorCell(cell) {
  const set = longText(cell, 'lines');
  return (a) => set(faultAgo(a.last_error, gatewayNow()));
}

async function test(account, control) {
  const result = await busy(control, () => api.post(`/api/admin/backends/${account.id}/test`));
  if (!result) return;
  notify(t(`tested.${result.status}`, {name: account.name, text: result.text,
    status: result.status_code ?? t('error.none'), took: f.milliseconds(result.latency_ms)}),
  result.status === 'accepted' ? 'good' : 'bad');
}

async function turn(account, control) {
  const on = !account.enabled;
  if (!on && !await confirmed({title: t('account.drain.title', {name: account.name}),
    text: t('account.drain.text'), action: t('account.drain')})) return;
  const answer = await busy(control, () =>
    api.post(`/api/admin/backends/${account.id}/${on ? 'enable' : 'drain'}`));
  if (!answer) return;
  notify(t(on ? 'account.enabled.done' : 'account.drained', {name: account.name}));
  catalog.forget();
}

async function removeAccount(account, control) {
  if (!await confirmed({title: t('account.delete.title', {name: account.name}),
    text: t('account.delete.text'), action: t('delete')})) return;
  const answer = await busy(control, () => api.remove(`/api/admin/backends/${account.id}`));
  if (!answer) return;
  notify(t('account.deleted', {name: account.name}));
  catalog.forget();
}

async function edit(account, control) {
  const whole = await busy(control, () => api.getTagged(`/api/admin/backends/${account.id}`));
  if (whole) editAccount(whole.value, {match: whole.tag});
}

async function addAccount(control) {
  const defaults = await busy(control, readDefaults);
  if (defaults) editAccount(null, {defaults});
}

function actionsCell(cell, first, item) {
  const act = (key, name, call) => {
    const one = button(t(key, {name: first.name}), {name, bare: true,
      click: () => call(item(), one)});
    return one;
  };
  const pause = act('account.drain.of', 'pause', turn);
  const play = act('account.enable.of', 'play', turn);
  const change = act('account.edit', 'edit', edit);
  const view = act('account.view', 'eye', edit);
  const gone = act('account.delete.of', 'trash', removeAccount);
  cell.append(h('span', {class: 'actions'},
    forWriters(act('account.test.of', 'test', test)), pause, play, change, view, gone));
  return (a) => {
    const fixed = a.editable === false || !live.mayWrite;
    // A refused key may be tried again; one that does not open has to be given anew.
    const refused = a.status === 'error' && a.last_error?.kind !== 'unopened';
    setHidden(pause, fixed || !a.enabled || refused);
    setHidden(play, fixed || (a.enabled && !refused));
    setHidden(change, fixed);
    setHidden(view, !fixed);
    setHidden(gone, fixed);
  };
}

function columns() {
  return [
    {id: 'name', width: 19, label: t('account.name'), sort: (a) => a.name, head: true,
      make: nameCell},
    {id: 'state', width: 15, label: t('account.state'), sort: rankOf, make: stateCell},
    {id: 'pool', width: 8, label: t('account.pool'), sort: (a) => a.pool,
      text: (a) => t(`pool.${a.pool}`)},
    {id: 'level', width: 15, label: t('account.level'), make: levelCell, class: 'levels',
      sort: (a) => a.rate_limiter.capacity ? a.rate_limiter.tokens / a.rate_limiter.capacity : 0},
    {id: 'inflight', width: 7, label: t('account.inflight'), number: true, down: true,
      sort: (a) => a.inflight, text: (a) => f.whole(a.inflight)},
    {id: 'remarks', width: 12, label: t('account.remarks'), make: remarksCell},
    {id: 'error', width: 21, label: t('account.last_error'), down: true,
      sort: (a) => a.last_error?.at ?? null, make: errorCell},
    {id: 'actions', width: 14, label: t('actions'), unseen: true, make: actionsCell, class: 'last'},
  ];
}

function matches(account, filter) {
  return (!filter.pool || account.pool === filter.pool) &&
    (!filter.state || stateOf(account) === filter.state) &&
    (!filter.text || `${account.name} ${account.label}`.toLowerCase().includes(filter.text));
}

export function create({query}) {
  const wanted = query.get('state');
  const filter = {text: (query.get('q') ?? '').toLowerCase(), pool: '',
    state: STATES.includes(wanted) ? wanted : ''};
  const table = new Table({columns: columns(), key: (a) => a.id, caption: t('accounts.title'),
    empty: 'accounts.none', twoLines: true, sort: {id: 'name', down: false}});
  const count = h('span', {class: 'count', role: 'status'});
  let settings = new Map();

  function show(snapshot) {
    if (!snapshot) return;
    const all = snapshot.backends.map((account) => ({...account,
      ...settings.get(account.id)}));
    const shown = all.filter((account) => matches(account, filter));
    table.emptyKey = all.length ? 'accounts.no_match' : 'accounts.none';
    table.show(shown);
    setText(count, shown.length === all.length ? t('accounts.count', {n: f.whole(all.length)})
      : t('accounts.of', {n: f.whole(shown.length), all: f.whole(all.length)}));
  }
  const refilter = (change) => {
    Object.assign(filter, change);
    show(live.snapshot);
  };
  // What the stream does not tell: where an account comes from.
  const reading = new Reading(async (current) => {
    const accounts = await catalog.read('accounts');
    if (!current()) return;
    settings = new Map(accounts.map(({id, source, editable}) => [id, {source, editable}]));
    show(live.snapshot);
  });
  const search = searchField(t('accounts.search'), (text) => refilter({text}));
  search.value = query.get('q') ?? '';
  const more = button(t('account.add'), {name: 'plus', kind: 'primary',
    click: () => addAccount(more)});
  const bar = h('div', {class: 'toolbar'}, search,
    choice(t('account.pool'), [['', t('all')], ['primary', t('pool.primary')],
      ['fallback', t('pool.fallback')]], '', (pool) => refilter({pool})),
    select(t('account.state'), [['', t('accounts.any')], ...STATES.map((state) =>
      [state, word('status', state)])], filter.state, (state) => refilter({state})),
    count, h('span', {class: 'grow'}),
    forWriters(button(t('import'), {name: 'upload',
      click: () => importAccounts(catalog.forget)})),
    button(t('export'), {name: 'download', click: exportAccounts}),
    forWriters(more));
  const off = catalog.onChange(() => reading.soon());
  reading.again();
  return {
    node: h('div', {class: 'stack'}, bar, panel(t('accounts.title'), {kind: 'bare'}, table.node)),
    snapshot: show,
    stop() {
      reading.stop();
      off();
    },
  };
}
