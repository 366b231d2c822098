// The models of an account: rows of the name for clients, the provider's name, and prices.
import {button, clear, h} from './dom.js';
import {t} from './i18n.js';

const MILLION = 1e6;
const AMOUNT = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
// Dollars for a token are dollars for a million tokens on the page; what a double makes of them is
// rounded to what anyone would type.
const perMillion = (value) => value === undefined ? '' : String(+(value * MILLION).toPrecision(12));
// Prices that are all 0 are none: what the model costs is not known here.
const isKnown = (cost) => Object.values(cost ?? {}).some((value) => value > 0);
// What is shown, and what a change starts from: a zero that nobody sees would make a part of it
// free. A price of cached tokens that is the input's goes with it, and is left to it.
const ownCost = (cost) => !isKnown(cost) ? {} : Object.fromEntries(Object.entries(cost)
  .filter(([name, price]) => !name.startsWith('cache') || price !== cost.input));
const priceText = (cost, name) => perMillion(ownCost(cost)[name]);
const perToken = (text) => +(Number(text) / MILLION).toPrecision(12);
const isAmount = (text) => AMOUNT.test(text) && Number.isFinite(Number(text));

const NAMES = ['canonical', 'native'];
const PRICES = ['input', 'output', 'cacheRead', 'cacheWrite'];
let lastId = 0;

// Each cell has a label of its own; those behind the first row's are seen by screen readers alone,
// and on narrow screens, where no columns are.
function cell(key, value, example, more = {}) {
  const input = h('input', {type: 'text', placeholder: example, value, spellcheck: 'false',
    autocomplete: 'off', ...more});
  return {input, node: h('label', {class: more.class}, h('span', {text: t(key)}), input)};
}

// One model. What else its mapping has stays as it is.
class Row {
  constructor(canonical, mapping, removed) {
    this.mapping = mapping;
    const price = (key, name, empty) => cell(key, priceText(mapping.cost, name), t(empty),
      {inputmode: 'decimal', class: 'price'});
    this.cells = {
      canonical: cell('account.model', canonical, 'gpt-large'),
      native: cell('account.native', mapping.native_id ?? '', 'vendor/gpt-large-2'),
      input: price('price.in', 'input', 'cost.unknown'),
      output: price('price.out', 'output', 'cost.unknown'),
      cacheRead: price('price.in.read', 'cacheRead', 'price.in.same'),
      cacheWrite: price('price.in.write', 'cacheWrite', 'price.in.same'),
    };
    this.fault = h('p', {class: 'fault', id: `m${++lastId}`, hidden: true});
    this.node = h('div', {class: 'mapping'}, Object.values(this.cells).map(({node}) => node),
      button(t('account.model.remove'), {name: 'trash', bare: true, click: () => removed(this)}),
      this.fault);
  }

  text(name) {
    return this.cells[name].input.value.trim();
  }

  isEmpty() {
    return [...NAMES, ...PRICES].every((name) => this.text(name) === '');
  }

  // Whether it can be sent; `names` are those of the rows before it. What cannot is said here.
  check(names) {
    let problem = '';
    const say = (name, wrong, key) => {
      const {input} = this.cells[name];
      if (wrong) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
      if (wrong) input.setAttribute('aria-describedby', this.fault.id);
      else input.removeAttribute('aria-describedby');
      if (wrong) problem ||= t(key);
    };
    const name = this.text('canonical');
    const twice = names.has(name);
    say('canonical', !this.isEmpty() && (name === '' || twice),
      twice ? 'account.model.twice' : 'account.model.unnamed');
    for (const one of PRICES)
      say(one, this.text(one) !== '' && !isAmount(this.text(one)), 'account.price.wrong');
    if (name) names.add(name);
    this.fault.textContent = problem;
    this.fault.hidden = problem === '';
    return problem === '';
  }

  value() {
    const mapping = {...this.mapping, native_id: this.text('native') || this.text('canonical')};
    const cost = ownCost(this.mapping.cost);
    for (const name of PRICES) {
      if (this.text(name) === priceText(this.mapping.cost, name)) continue;
      if (this.text(name) === '') delete cost[name];
      else cost[name] = perToken(this.text(name));
    }
    if (Object.keys(cost).length) mapping.cost = cost;
    else delete mapping.cost;
    return mapping;
  }
}

// An editor for form.js: its node, write(mappings), read(), and check(): whether that can be sent.
export function mappingsEditor() {
  const body = h('div', {class: 'mappings'});
  const rows = new Set();

  function addRow(canonical = '', mapping = {}) {
    const row = new Row(canonical, mapping, () => {
      const next = row.node.nextElementSibling ?? row.node.previousElementSibling;
      rows.delete(row);
      row.node.remove();
      (next?.querySelector('button') ?? more).focus();
    });
    rows.add(row);
    body.append(row.node);
    return row;
  }

  const more = button(t('account.model.add'), {name: 'plus', kind: 'small',
    click: () => addRow().cells.canonical.input.focus()});
  return {
    node: h('div', {class: 'editor', role: 'group', 'aria-label': t('account.models')}, body, more),
    write(mappings) {
      rows.clear();
      clear(body);
      for (const [canonical, mapping] of Object.entries(mappings)) addRow(canonical, mapping);
    },
    read: () => Object.fromEntries([...rows].filter((row) => row.text('canonical'))
      .map((row) => [row.text('canonical'), row.value()])),
    check() {
      const names = new Set();
      return [...rows].map((row) => row.check(names)).every(Boolean);
    },
  };
}
