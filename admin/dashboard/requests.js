// Requests: the latest as they end, and why each went where it went.
import * as api from './api.js';
import * as catalog from './catalog.js';
import {button, clear, h, setAttribute, setHidden, setText} from './dom.js';
import {explain, timeLabel} from './explain.js';
import * as f from './format.js';
import {t, word} from './i18n.js';
import {live} from './live.js';
import {busy, chip, longText, panel} from './parts.js';
import {Reading} from './reading.js';
import {Table} from './table.js';

const TAIL_MS = 2000;
const PAGE = 100;
const ROWS_MAX = 1000;  // of a tail that runs for long; the oldest fall off
const NO_ANSWER = 0;   // the API's status of a request that its client left before it had one
const STATUSES = [200, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, NO_ANSWER];

const kindOf = ({status, outcome}) => status === null ? 'off'
  : status >= 500 || outcome === 'broken_off' ? 'bad' : status < 400 ? 'good' : 'warn';

function statusCell(cell) {
  let shown = '';
  return (r) => {
    const text = r.status === null ? t('requests.gone') : String(r.status);
    if (text === shown) return;
    shown = text;
    clear(cell, h('span', {class: `code ${kindOf(r)}`, text}));
  };
}

function timeCell(cell, first) {
  const open = h('button', {type: 'button', class: 'link', text: f.clock(Date.parse(first.at)),
    title: f.moment(first.at), 'aria-label': t('explain.of', {id: first.request_id}),
    on: {click: () => explain(first)}});
  cell.append(open);
}

function flagsCell(cell, r) {
  const flags = [r.outcome === 'broken_off' && ['broken_off', 'bad'], r.streamed && ['stream'],
    r.degraded && [r.degraded, 'warn'], r.hedged && ['hedged', 'cool'],
    r.client_gone && ['gone', 'warn'], r.attempt > 1 && ['attempts', 'warn'],
    r.tokens_estimated && ['estimated']].filter(Boolean);
  const named = flags.map(([id, kind]) =>
    [id === 'attempts' ? t('flag.attempts', {n: r.attempt}) : word('flag', id), kind]);
  cell.append(h('span', {class: 'chips', title: named.map(([text]) => text).join(', ')},
    named.map(([text, kind]) => chip(text, kind))));
}

// A retried request took longer than its last attempt.
const time = (label, member) => (cell) => (r) => {
  const name = timeLabel(r, label);
  const took = f.milliseconds(r[member]);
  const over = name !== t(label) && r[member] !== null;
  setText(cell, over ? t('cost.over', {sum: took}) : took);
  setAttribute(cell, 'title', over ? name : null);
};

const cut = (member) => (cell) => {
  const set = longText(cell);
  return (r) => set(r[member] || f.NONE);
};

function columns() {
  return [
    {id: 'at', width: 106, label: t('requests.at'), sort: (r) => r.at, down: true, head: true,
      make: timeCell},
    {id: 'status', width: 62, label: t('requests.status'), sort: (r) => r.status, make: statusCell},
    {id: 'model', width: 140, label: t('models.model'), sort: (r) => r.model, make: cut('model'),
      class: 'wide'},
    {id: 'account', width: 124, label: t('usage.account'), sort: (r) => r.account,
      make: cut('account')},
    {id: 'client', width: 112, label: t('usage.client'), sort: (r) => r.client,
      make: cut('client')},
    {id: 'tokens', width: 60, label: t('usage.total_tokens'), number: true, down: true,
      sort: (r) => r.total_tokens, text: (r) => f.whole(r.total_tokens)},
    {id: 'cost', width: 92, label: t('usage.cost'), number: true, down: true, sort: (r) => r.cost,
      text: (r) => f.money(r.cost)},
    {id: 'latency', width: 78, label: t('requests.latency'), number: true, down: true,
      sort: (r) => r.latency_ms, make: time('requests.latency', 'latency_ms')},
    {id: 'ttft', width: 84, label: t('requests.ttft'), number: true, down: true,
      sort: (r) => r.ttft_ms, make: time('requests.ttft', 'ttft_ms')},
    {id: 'queue', width: 62, label: t('requests.queue'), number: true, down: true,
      sort: (r) => r.queue_ms, text: (r) => r.queue_ms ? f.milliseconds(r.queue_ms) : f.NONE},
    {id: 'flags', width: 136, label: t('requests.flags'), make: flagsCell},
  ];
}

class RequestsPage {
  constructor() {
    this.filter = {model: '', backend_id: '', client: '', status: ''};
    this.requests = [];
    this.next = null;
    this.reading = new Reading((current) => this.#load(current),
      {repeats: live.stored, everyMs: TAIL_MS});
    this.table = new Table({columns: columns(), key: (r) => r.id, caption: t('requests.title'),
      empty: live.stored ? 'requests.none' : 'stored.not.requests', sort: {id: 'at', down: true}});
    this.count = h('span', {class: 'count'});
    this.older = button(t('requests.older'), {name: 'down', hidden: true,
      click: () => busy(this.older, () => this.#loadOlder())});
    this.node = h('div', {class: 'stack'}, this.#toolbar(), panel(t('requests.title'),
      {kind: 'bare'}, this.table.node), h('div', {class: 'row centre'}, this.older));
    this.#offerNames();
    if (live.stored) this.reading.again();
    else this.#show();
  }

  #input(name, label) {
    const list = h('datalist', {id: `names-${name}`});
    const input = h('input', {type: 'search', placeholder: label, 'aria-label': label,
      list: list.id, spellcheck: 'false', autocomplete: 'off',
      on: {change: () => this.#set({[name]: input.value.trim()})}});
    return [input, list];
  }

  #toolbar() {
    const status = h('select', {'aria-label': t('requests.status'),
      on: {change: () => this.#set({status: status.value})}},
    h('option', {value: '', text: t('requests.any_status')}),
    STATUSES.map((code) => h('option', {value: String(code),
      text: code === NO_ANSWER ? t('requests.gone') : String(code)})));
    const tail = h('input', {type: 'checkbox', checked: live.stored,
      disabled: !live.stored, role: 'switch',
      on: {change: () => {
        this.reading.follow(tail.checked);
      }}});
    this.names = {model: this.#input('model', t('models.model')),
      backend_id: this.#input('backend_id', t('usage.account')),
      client: this.#input('client', t('usage.client'))};
    return h('div', {class: 'toolbar'}, Object.values(this.names), status, this.count,
      h('span', {class: 'grow'}), h('label', {class: 'switch'}, tail,
        h('span', {text: t('requests.tail')})));
  }

  async #offerNames() {
    try {
      const [accounts, clients] = await Promise.all([catalog.read('accounts'),
        catalog.read('clients')]);
      const models = new Set(accounts.flatMap((a) => Object.keys(a.model_mappings)));
      const names = {model: [...models].sort(), backend_id: accounts.map(({name}) => name),
        client: clients.map(({name}) => name)};
      for (const [name, values] of Object.entries(names))
        clear(this.names[name][1], values.map((value) => h('option', {value})));
    } catch {
      // names can be typed as well
    }
  }

  #set(change) {
    this.filter = {...this.filter, ...change};
    this.requests = [];
    this.next = null;
    if (live.stored) this.reading.again();
  }

  async #page(cursor) {
    return api.get(api.target('/api/admin/requests', {...this.filter, limit: PAGE, cursor}));
  }

  async #load(current) {
    const {requests, next} = await this.#page();
    if (!current()) return;
    const known = new Set(this.requests.map(({id}) => id));
    const fresh = requests.filter(({id}) => !known.has(id));
    // Nothing in common: more came than a page holds, so what is older follows the new page.
    const gap = fresh.length === requests.length;
    this.requests = gap ? requests : [...fresh, ...this.requests].slice(0, ROWS_MAX);
    if (gap || this.next === null) this.next = next;
    this.#show();
  }

  async #loadOlder() {
    this.reading.follow(false);
    this.node.querySelector('[role=switch]').checked = false;
    const {filter, next: cursor} = this;
    const {requests, next} = await this.#page(cursor);
    // Something else has been asked for since, or what it follows is no longer the last.
    if (filter !== this.filter || cursor !== this.next) return;
    this.requests = [...this.requests, ...requests];
    this.next = next;
    this.#show();
    if (next === null) this.table.scroller.focus({preventScroll: true});  // the button has gone
  }

  #show() {
    if (live.stored) this.table.emptyKey = Object.values(this.filter).some(Boolean)
      ? 'requests.no_match' : 'requests.none';
    this.table.show(this.requests);
    setText(this.count, live.stored ? t('requests.count', {n: this.requests.length}) : '');
    setHidden(this.older, this.next === null);
  }

  stop() {
    this.reading.stop();
  }
}

export const create = () => new RequestsPage();
