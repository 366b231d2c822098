// Models: who serves each, what it costs, what it was used for; and the prices.
import {isUsable} from './account_state.js';
import * as api from './api.js';
import * as catalog from './catalog.js';
import {button, h, setText} from './dom.js';
import {confirmed, openForm} from './form.js';
import * as f from './format.js';
import {t} from './i18n.js';
import {forWriters, live} from './live.js';
import {notify} from './notices.js';
import {busy, levelBar, longText, panel} from './parts.js';
import {Reading} from './reading.js';
import {searchField, Table} from './table.js';

const PRICES = ['input_per_million', 'output_per_million', 'cache_read_per_million',
  'cache_write_per_million'];

// What was used, where anybody knows.
const usedText = (write) => (row) => live.stored ? write(row.usage) : f.NONE;

// The price of each model that holds now, of a list that has the latest first.
function present(prices) {
  const now = Date.now();
  const out = new Map();
  for (const price of prices)
    if (Date.parse(price.valid_from) <= now && !out.has(price.model)) out.set(price.model, price);
  return out;
}

// What an account takes for a model, in dollars for a million tokens: its mapping's price, else its
// own; nothing where both are unknown (of zeros alone). Such a price goes before those set here.
function ownPrice(account, mapping) {
  const known = (cost) => cost && Object.values(cost).some((value) => value > 0);
  const cost = [mapping?.cost, account.cost].find(known);
  const perMillion = (value) => +((value ?? 0) * 1e6).toPrecision(12);
  return cost && {input: perMillion(cost.input), output: perMillion(cost.output)};
}

// The prices at which a model can be had, without those that are the same.
function pricesOf(row) {
  const set = row.price && {input: row.price.input_per_million,
    output: row.price.output_per_million};
  const all = row.own.length ? row.own.map((own) => own ?? set) : [set];
  return [...new Map(all.filter(Boolean).map((one) => [JSON.stringify(one), one])).values()];
}

// $2.50, or $0.80 – $2.50 where accounts differ.
function priceText(prices, name) {
  const values = prices.map((one) => one[name]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!values.length) return f.NONE;
  return low === high ? f.setMoney(low) : `${f.setMoney(low)} – ${f.setMoney(high)}`;
}

const servesAny = (account) => !Object.keys(account.model_mappings).length && !account.model_prefix;

// What an account's provider calls a model, as Account::native_model has it; undefined: the account
// does not serve it.
function nativeOf(account, model) {
  const {model_mappings: mappings, model_prefix: prefix} = account;
  if (Object.hasOwn(mappings, model)) return mappings[model].native_id;
  if (prefix) return model.startsWith(prefix) && model.slice(prefix.length) || undefined;
  return servesAny(account) ? model : undefined;
}

// A row for each model that an account maps, that has a price or was used today.
function rowsOf(accounts, prices, used) {
  const priceOf = present(prices);
  const usageOf = new Map(used.filter((sums) => sums.model).map((sums) => [sums.model, sums]));
  const models = new Set([...accounts.flatMap((account) => Object.keys(account.model_mappings)),
    ...priceOf.keys(), ...usageOf.keys()]);
  return [...models].map((model) => {
    const one = {model, accounts: [], own: [], natives: new Set(), window: null,
      price: priceOf.get(model), usage: usageOf.get(model)};
    for (const account of accounts) {
      const native = nativeOf(account, model);
      if (native === undefined) continue;
      const mapping = Object.hasOwn(account.model_mappings, model)
        ? account.model_mappings[model] : undefined;
      one.accounts.push(account.id);
      one.own.push(ownPrice(account, mapping));
      one.natives.add(native);
      one.window = Math.max(one.window ?? 0, mapping?.context_window ?? 0) || null;
    }
    return {...one, prices: pricesOf(one)};
  });
}

// Adds what the stream knows: how many of a model's accounts are usable, and what is left of them.
function withLevels(row, byId) {
  const mine = row.accounts.map((id) => byId.get(id)).filter(Boolean);
  const usable = mine.filter(isUsable);
  const sum = (name) => usable.reduce((all, a) => all + a.rate_limiter[name], 0);
  return {...row, usable: usable.length, tokens: sum('tokens'), capacity: sum('capacity')};
}

function columns() {
  return [
    {id: 'model', label: t('models.model'), sort: (r) => r.model, head: true, class: 'wide',
      make: (cell) => {
        const name = longText(cell);
        const native = h('span', {class: 'label cut'});
        cell.append(native);
        return (r) => {
          name(r.model);
          const others = [...r.natives].filter((id) => id !== r.model);
          setText(native, others.join(', '));
          native.title = others.join('\n');
        };
      }},
    {id: 'accounts', label: t('models.usable'), number: true, down: true, sort: (r) => r.usable,
      text: (r) => r.accounts.length ? `${f.whole(r.usable)} / ${f.whole(r.accounts.length)}`
        : f.whole(0)},
    {id: 'level', label: t('account.level'), sort: (r) => r.capacity ? r.tokens / r.capacity : null,
      class: 'levels', make: (cell) => {
        const level = levelBar('level.title');
        cell.append(level.node);
        return (r) => {
          level.node.hidden = r.capacity === 0;
          level.set(r.tokens, r.capacity);
        };
      }},
    {id: 'window', label: t('models.window'), number: true, down: true, sort: (r) => r.window,
      text: (r) => f.compact(r.window)},
    ...['input', 'output'].map((name) => ({id: name, label: t(`price.short.${name}`), number: true,
      sort: (r) => r.prices[0]?.[name] ?? null, text: (r) => priceText(r.prices, name)})),
    {id: 'requests', label: t('models.requests'), number: true, down: true,
      sort: (r) => r.usage?.requests ?? 0,
      text: usedText((used) => f.compact(used?.requests ?? 0))},
    {id: 'errors', label: t('usage.errors'), number: true, down: true,
      sort: (r) => r.usage?.requests ? r.usage.errors / r.usage.requests : 0,
      text: (r) => r.usage?.requests ? f.percent(r.usage.errors / r.usage.requests) : f.NONE},
    {id: 'tokens', label: t('usage.total_tokens'), number: true, down: true,
      sort: (r) => r.usage?.total_tokens ?? 0,
      text: usedText((used) => f.compact(used?.total_tokens ?? 0))},
    {id: 'cost', label: t('usage.cost'), number: true, down: true, sort: (r) => r.usage?.cost ?? 0,
      text: (r) => r.usage ? f.cost(r.usage) : f.NONE},
    {id: 'actions', label: t('actions'), unseen: true, class: 'last', make: (cell, first, item) => {
      if (live.mayWrite)
        cell.append(button(t('price.set.of', {name: first.model}), {name: 'edit', bare: true,
          click: () => editPrice({...item().price, model: item().model, valid_from: null})}));
    }},
  ];
}

// What setting a price of `model` from `from` on (ms) does to those that are there; `own`: the one
// that the form began with.
function effectOf(prices, model, from, own) {
  const all = prices.filter((one) => one.model === model).map((one) => Date.parse(one.valid_from));
  if (all.includes(from)) return t('price.replaces', {from: f.date(from)});
  const next = Math.min(...all.filter((at) => at > from));
  const adds = Number.isFinite(next) ? t('price.adds.until', {from: f.date(from), to: f.date(next)})
    : t('price.adds', {from: f.date(from)});
  const stays = own.model === model && own.valid_from
    ? t('price.stays', {old: f.date(own.valid_from)}) : '';
  return `${adds} ${stays}`.trim();
}

async function editPrice(price) {
  const known = Boolean(price.valid_from);
  const amount = (name, required) => ({name, label: t(`price.${name}`), kind: 'number', min: '0',
    step: 'any', size: 'half', required, hint: required ? undefined : t('price.as_input')});
  const begun = f.localInput(known ? Date.parse(price.valid_from) : Date.now());
  // The field shows minutes: a price that is not moved keeps its instant to the millisecond.
  const fromOf = (text) => known && text === begun ? price.valid_from : f.fromLocalInput(text);
  const prices = await catalog.read('prices').catch(() => []);
  const effect = h('p', {class: 'effect', role: 'status'});
  const node = openForm({
    title: t('price.set'), whole: true, intro: [h('p', {text: t('price.intro')}), effect],
    values: {...price, valid_from: begun},
    sections: [{fields: [
      {name: 'model', label: t('models.model'), required: true, size: 'half'},
      {name: 'valid_from', label: t('price.from'), kind: 'datetime-local', size: 'half'},
      amount(PRICES[0], true), amount(PRICES[1], true), amount(PRICES[2]), amount(PRICES[3]),
    ]}],
    send: (changes, all) => api.put('/api/admin/prices', {...all,
      valid_from: fromOf(all.valid_from)}),
    done: () => {
      notify(t('price.saved'));
      catalog.forget();
    },
  });
  const {model, valid_from: from} = node.querySelector('form').elements;
  const tell = () => setText(effect, effectOf(prices, model.value.trim(),
    from.value ? Date.parse(fromOf(from.value)) : Date.now(), price));
  for (const one of [model, from]) one.addEventListener('input', tell);
  tell();
}

async function removePrice(price, control) {
  if (!await confirmed({title: t('price.delete.title'), text: t('price.delete.text', {
    model: price.model, from: f.date(price.valid_from)}), action: t('delete')})) return;
  const {model, valid_from} = price;
  if (await busy(control, () => api.remove(api.target('/api/admin/prices', {model, valid_from}))))
    catalog.forget();
}

function priceColumns() {
  return [
    {id: 'model', label: t('models.model'), sort: (p) => p.model, head: true, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        return (p) => set(p.model);
      }},
    {id: 'from', label: t('price.from'), sort: (p) => p.valid_from, down: true,
      text: (p) => f.date(p.valid_from)},
    ...PRICES.map((name) => ({id: name, label: t(`price.${name}`), number: true,
      sort: (p) => p[name], text: (p) => f.setMoney(p[name])})),
    {id: 'actions', label: t('actions'), unseen: true, class: 'last', make: (cell, first, item) => {
      if (!live.mayWrite) return;
      const gone = button(t('price.delete.of', {name: first.model}), {name: 'trash', bare: true,
        click: () => removePrice(item(), gone)});
      cell.append(h('span', {class: 'actions'}, button(t('price.set.of', {name: first.model}),
        {name: 'edit', bare: true, click: () => editPrice(item())}), gone));
    }},
  ];
}

export function create() {
  const table = new Table({columns: columns(), key: (r) => r.model, caption: t('models.title'),
    empty: 'models.none', twoLines: true, sort: {id: 'requests', down: true}});
  const prices = new Table({columns: priceColumns(), empty: 'price.none',
    key: (p) => `${p.model}\n${p.valid_from}`, caption: t('price.title')});
  const open = h('p', {class: 'note'});
  const owned = h('p', {class: 'note'});
  let rows = [];
  let text = '';
  function show(snapshot) {
    if (!snapshot) return;
    const byId = new Map(snapshot.backends.map((a) => [a.id, a]));
    table.show(rows.filter((r) => r.model.toLowerCase().includes(text))
      .map((r) => withLevels(r, byId)));
  }
  const reading = new Reading(async (current) => {
    const [accounts, all, usage] = await Promise.all([catalog.read('accounts'),
      catalog.read('prices'), live.stored ? api.get('/api/admin/usage?group_by=model') : null]);
    if (!current()) return;
    rows = rowsOf(accounts, all, usage?.rows ?? []);
    const every = accounts.filter(servesAny).length;
    setText(open, every ? t('models.every', {n: every}) : '');
    const own = accounts.filter((a) => ownPrice(a) ||
      Object.values(a.model_mappings).some((mapping) => ownPrice(a, mapping))).length;
    setText(owned, own ? t('price.own', {n: own}) : '');
    prices.emptyKey = own ? 'price.none_here' : 'price.none';
    prices.show(all);
    show(live.snapshot);
  }, {repeats: live.stored});
  const off = catalog.onChange(() => reading.soon());
  reading.again();
  const bar = h('div', {class: 'toolbar'}, searchField(t('models.search'), (given) => {
    text = given;
    show(live.snapshot);
  }), open, h('span', {class: 'grow'}), forWriters(button(t('price.set'),
    {name: 'plus', kind: 'primary', click: () => editPrice({})})));
  return {
    node: h('div', {class: 'stack'}, bar, panel(t('models.title'),
      {note: t(live.stored ? 'models.note' : 'stored.not')}, table.node),
    panel(t('price.title'), {note: t('price.note'), tools: owned}, prices.node)),
    snapshot: show,
    stop() {
      reading.stop();
      off();
    },
  };
}
