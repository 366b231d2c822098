// Usage: sums over time, by account, model or client; as a chart, a table and a file.
import * as api from './api.js';
import {series, stackedChart} from './charts.js';
import {add, clear, h, icon, setAttribute, setHidden, setText} from './dom.js';
import * as f from './format.js';
import {t} from './i18n.js';
import {gatewayNow, live} from './live.js';
import {emptyState, longText, panel, tile} from './parts.js';
import {Reading} from './reading.js';
import {choice, searchField, select, Table} from './table.js';

const HOUR = 3_600_000;
const RANGES = {'24h': 24, '7d': 168, '30d': 720, '90d': 2160};
const HOURS_MAX = 168;  // of a span that is shown by the hour; longer ones by the day
const HOURS_TOLD = 48;  // with their time under the chart; more have their days only
const TOP = 8;          // that have a colour of their own; the others share one
const MEASURES = {requests: f.compact, total_tokens: f.compact, cost: f.money, errors: f.compact,
  failed_attempts: f.compact};
const TOP_BY = ['requests', 'total_tokens', 'cost'];  // by which the gateway can choose
const SIDES = ['account', 'model', 'client'];

function steps(from, to, unit) {
  const out = [];
  const size = unit === 'hour' ? HOUR : 24 * HOUR;
  for (let at = Math.floor(from / size) * size; at < to; at += size) {
    const iso = new Date(at).toISOString();
    out.push(unit === 'hour' ? `${iso.slice(0, 13)}:00:00Z` : iso.slice(0, 10));
  }
  return out;
}

const nameOf = (row, side) => row.others ? t('usage.others') : row[side] || t(`usage.no_${side}`);

// Datasets of the rows, the largest first; an hour without a row is a zero.
function datasets(rows, {side, unit, measure}, axis) {
  const at = new Map(axis.map((label, i) => [label, i]));
  const sets = new Map();
  for (const row of rows) {
    const name = nameOf(row, side);
    if (!sets.has(name)) sets.set(name, {label: name, others: Boolean(row.others), sum: 0,
      data: new Array(axis.length).fill(0)});
    const set = sets.get(name);
    const i = at.get(row[unit]);
    if (i !== undefined) set.data[i] += row[measure];
    set.sum += row[measure];
  }
  const all = [...sets.values()].sort((a, b) => a.others - b.others || b.sum - a.sum);
  return all.map((set, i) => ({...set, token: set.others ? '--series-rest' : series(i)}));
}

const numbers = (id, format) => ({id, label: t(`usage.${id}`), number: true, down: true,
  sort: (r) => r[id], text: format && ((r) => format(r[id]))});

function columns(side) {
  return [
    {id: 'name', label: t(`usage.${side}`), sort: (r) => r[side], head: true, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        return (r) => set(nameOf(r, side));
      }},
    {id: 'share', label: t('usage.share'), class: 'levels', sort: (r) => r.share, down: true,
      make: (cell) => {
        const fill = h('span', {class: 'fill'});
        const text = h('span', {class: 'of'});
        cell.append(h('span', {class: 'level'}, h('span', {class: 'bar', 'aria-hidden': 'true'},
          fill), text));
        return (r) => {
          fill.style.transform = `scaleX(${r.share})`;
          text.textContent = f.percent(r.share);
        };
      }},
    numbers('requests', f.whole), numbers('errors', f.whole), numbers('failed_attempts', f.whole),
    {...numbers('total_tokens'), make: (cell) => {
      const sum = h('span');
      const parts = h('span', {class: 'label'});
      cell.append(sum, parts);
      return (r) => {
        setText(sum, f.compact(r.total_tokens));
        setText(parts, r.total_tokens ? t('tile.tokens.parts', {
          prompt: f.compact(r.prompt_tokens), completion: f.compact(r.completion_tokens)}) : '');
      };
    }},
    {...numbers('cost'), make: (cell) => {
      const sum = h('span');
      const more = h('span', {class: 'label'});
      cell.append(sum, more);
      return (r) => {
        setText(sum, f.cost(r));
        setText(more, r.unpriced ? t('usage.unpriced', {n: f.compact(r.unpriced)}) : '');
      };
    }},
    numbers('avg_latency_ms', f.milliseconds), numbers('avg_ttft_ms', f.milliseconds),
    numbers('avg_queue_ms', f.milliseconds),
  ];
}

// A chart's colours with their names and sums: what a chart says, without seeing it.
function legend(node, sets, format) {
  clear(node, sets.map((set) => {
    const swatch = h('i');
    swatch.style.background = `var(${set.token})`;
    return h('li', {}, swatch, h('span', {class: 'cut', text: set.label, title: set.label}),
      h('b', {text: format(set.sum)}));
  }));
}

class UsagePage {
  constructor() {
    this.state = {range: '7d', side: 'account', measure: 'requests', from: null, to: null};
    this.tiles = Object.fromEntries(['requests', 'errors', 'total_tokens', 'cost']
      .map((id) => [id, tile(t(`usage.${id}`))]));
    this.canvas = h('canvas', {role: 'img', 'aria-label': t('usage.chart')});
    this.legend = h('ul', {class: 'chartlegend'});
    this.tableBox = h('div');
    this.unit = h('span', {class: 'hint'});
    this.text = '';
    this.csv = h('a', {class: 'button', download: 'usage.csv', href: '#'}, icon('download'),
      h('span', {text: 'CSV'}));
    this.wrong = h('p', {class: 'fault', id: 'span-fault', role: 'alert', hidden: true});
    this.dates = [this.#date('from'), this.#date('to')];
    this.custom = h('span', {class: 'custom', hidden: true}, this.dates[0], '–', this.dates[1],
      this.wrong);
    this.shown = h('div', {class: 'stack'},
      h('dl', {class: 'tiles four'}, Object.values(this.tiles).map(({node}) => node)),
      panel(t('usage.over_time'), {tools: [this.unit, this.#measures()], kind: 'chart tall'},
        h('div', {class: 'canvas'}, this.canvas), this.legend),
      panel(t('usage.sums'), {tools: searchField(t('usage.search'), (text) => {
        this.text = text;
        this.#showTable();
      })}, this.tableBox));
    this.node = h('div', {class: 'stack'}, this.#toolbar(), this.shown);
    this.reading = new Reading((current) => this.#read(current), {repeats: true});
    this.#load();
  }

  #toolbar() {
    this.asOf = h('span', {class: 'count'});
    this.summed = h('span', {class: 'count'});
    const ranges = [...Object.keys(RANGES), 'custom'].map((id) => [id, t(`range.${id}`)]);
    return h('div', {class: 'toolbar'},
      choice(t('usage.range'), ranges, this.state.range, (range) => {
        setHidden(this.custom, range !== 'custom');
        this.#set({range});
      }), this.custom,
      choice(t('usage.by'), SIDES.map((id) => [id, t(`usage.by.${id}`)]), this.state.side,
        (side) => this.#set({side})), this.summed, this.asOf, h('span', {class: 'grow'}), this.csv);
  }

  #measures() {
    return select(t('usage.measure'), Object.keys(MEASURES).map((id) => [id, t(`usage.${id}`)]),
      this.state.measure, (measure) => this.#set({measure}));
  }

  #date(name) {
    const input = h('input', {type: 'datetime-local', 'aria-label': t(`usage.${name}`),
      value: f.localInput(name === 'to' ? Date.now() : Date.now() - 7 * 24 * HOUR),
      on: {change: () => this.#set({[name]: input.value})}});
    this.state[name] = input.value;
    return input;
  }

  #set(change) {
    Object.assign(this.state, change);
    this.#load();
  }

  // What has been chosen. A span that ends now is read again.
  async #load() {
    this.reading.repeats = this.state.range !== 'custom';
    if (!this.#isSpan()) return;
    setAttribute(this.node, 'aria-busy', 'true');
    await this.reading.again();
    setAttribute(this.node, 'aria-busy', null);
  }

  #span() {
    if (this.state.range !== 'custom') {
      const to = Date.now();
      return {from: to - RANGES[this.state.range] * HOUR, to};
    }
    const [from, to] = [this.state.from, this.state.to].map((text) => new Date(text).getTime());
    return {from, to};
  }

  // Whether there is such a span. Of one that is none nothing is shown, and its dates say why.
  #isSpan() {
    const {from, to} = this.#span();
    const wrong = !(from < to);
    setText(this.wrong, wrong ? t('usage.no_span') : '');
    setHidden(this.wrong, !wrong);
    for (const input of this.dates) {
      setAttribute(input, 'aria-invalid', wrong ? 'true' : null);
      setAttribute(input, 'aria-describedby', wrong ? this.wrong.id : null);
    }
    if (!wrong) return true;
    this.reading.rest();
    this.#showAll(false);
    setAttribute(this.node, 'aria-busy', null);
    return false;
  }

  #showAll(yes) {
    for (const node of [this.shown, this.asOf, this.summed, this.csv]) setHidden(node, !yes);
  }

  #buildTable() {
    this.shownSide = this.state.side;
    this.table = new Table({columns: columns(this.state.side), caption: t('usage.sums'),
      key: (r) => r[this.state.side] ?? '', empty: 'usage.none', sort: {id: 'share', down: true},
      twoLines: true, rowsMax: 500});
    add(clear(this.tableBox), this.table.node);
  }

  #showTable() {
    if (!this.sums) return;
    const {side, measure} = this.state;
    const sum = this.sums.total[measure] || 1;
    this.table.emptyKey = this.sums.rows.length ? 'usage.no_match' : 'usage.none';
    this.table.show(this.sums.rows
      .filter((r) => nameOf(r, side).toLowerCase().includes(this.text))
      .map((r) => ({...r, share: r[measure] / sum})));
  }

  async #read(current) {
    const {side, measure} = this.state;
    const {from, to} = this.#span();
    const unit = (to - from) / HOUR <= HOURS_MAX ? 'hour' : 'day';
    const when = {from: new Date(from).toISOString(), to: new Date(to).toISOString()};
    this.csv.href = api.target('/api/admin/usage', {...when, group_by: `${unit},${side}`,
      format: 'csv'});
    const [over, sums] = await Promise.all([
      api.get(api.target('/api/admin/usage', {...when, group_by: `${unit},${side}`, top: TOP,
        top_by: TOP_BY.includes(measure) ? measure : 'requests'})),
      api.get(api.target('/api/admin/usage', {...when, group_by: side}))]);
    if (!current()) return;
    this.sums = sums;
    this.#showAll(true);
    if (this.shownSide !== side) this.#buildTable();
    this.#draw(over, steps(Date.parse(over.from), to, unit), unit);
    this.#showTable();
    // Hours are whole: this is what has been summed up, not what was asked for.
    setText(this.summed, t('usage.summed', {from: f.minute(over.from), to: f.minute(over.to)}));
    setText(this.unit, t(`usage.bar.${unit}`));
    setText(this.asOf, t('usage.as_of', {at: f.clock(gatewayNow())}));
  }

  #draw(over, axis, unit) {
    const {side, measure} = this.state;
    const {total} = this.sums;
    this.tiles.requests.set(f.compact(total.requests), '',
      t('usage.attempts', {n: f.compact(total.attempts)}));
    this.tiles.errors.set(f.percent(total.requests ? total.errors / total.requests : 0), '',
      t('usage.errors.of', {n: f.whole(total.errors), failed: f.whole(total.failed_attempts)}));
    this.tiles.total_tokens.set(f.compact(total.total_tokens), '', t('tile.tokens.parts', {
      prompt: f.compact(total.prompt_tokens), completion: f.compact(total.completion_tokens)}));
    this.tiles.cost.set(f.cost(total), '', total.unpriced
      ? t('usage.unpriced', {n: f.compact(total.unpriced)}) : '');
    const sets = datasets(over.rows, {side, unit, measure}, axis);
    this.chart ??= stackedChart(this.canvas, (value) => MEASURES[this.state.measure](value));
    const days = axis.length > HOURS_TOLD;
    this.chart.set({labels: axis, sets, title: unit === 'day' ? f.dayLong : f.hourLong,
      tick: unit === 'day' ? f.dayShort : days ? (iso) => f.isMidnight(iso) ? f.localDay(iso) : ''
        : f.hourShort});
    legend(this.legend, sets, MEASURES[measure]);
  }

  stop() {
    this.reading.stop();
    this.chart?.destroy();
  }
}

export const create = () => live.stored ? new UsagePage()
  : {node: panel(t('usage.sums'), {}, emptyState(t('stored.not')))};
