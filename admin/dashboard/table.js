// A table whose rows stay: what is new is written into the cells where it differs, so that focus,
// selection and the place in a long list survive a snapshot each second.
import {add, h, setAttribute, setHidden, setText} from './dom.js';
import {RowFocus} from './row_focus.js';
import {t} from './i18n.js';

const ROW_HEIGHTS = [37, 47];  // of one line and of two, as parts.css has them
const ROWS_ALL_MAX = 100;      // so many are all in the document
const ROWS_BEYOND = 12;        // kept before and behind what can be seen
const COLLATOR = new Intl.Collator(undefined, {numeric: true, sensitivity: 'base'});

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;  // what is unknown comes last
  if (b === null || b === undefined) return -1;
  return typeof a === 'number' && typeof b === 'number' ? a - b
    : COLLATOR.compare(String(a), String(b));
}

function classOf(column) {
  return [column.number && 'number', column.class].filter(Boolean).join(' ') || undefined;
}

// A column is {id, label, sort: (item) => value, number, head, width, make}. make(cell, item, now)
// builds the cell's content and may return a function of the item that brings it up to date; now()
// is the item as it is then. `text` instead is (item) => string. `head`: the cell names its row.
// `down`: sorts from the largest at first.
//
// With widths (shares of the whole) the table scrolls by itself, and only the rows that can be seen
// are in the document.
export class Table {
  constructor({columns, key, caption, sort, empty = 'table.empty', rowsMax = Infinity,
    twoLines = false}) {
    Object.assign(this, {columns, key, rowsMax, emptyKey: empty});
    this.fixed = Boolean(columns[0].width);
    this.sorting = sort ?? {id: columns.find((column) => column.sort)?.id, down: false};
    this.rows = new Map();  // by key: {item, node, updates}; without a node while not to be seen
    this.order = [];
    this.heads = new Map();
    this.body = h('tbody');
    this.gaps = [0, 1].map(() => h('tr', {class: 'gap', 'aria-hidden': 'true'}));
    this.empty = h('p', {class: 'empty', role: 'status', hidden: true});
    this.note = h('p', {class: 'note', hidden: true});
    this.table = h('table', {}, h('caption', {class: 'unseen', text: caption}),
      this.#widths(), h('thead', {}, h('tr', {},
        columns.map((column) => this.#head(column)))), this.body);
    this.scroller = h('div', {class: 'scroller', tabindex: '0', role: 'region',
      'aria-label': caption}, this.table);
    this.node = h('div', {class: ['table', twoLines && 'two-lines', this.fixed && 'fixed']
      .filter(Boolean).join(' ')}, this.scroller, this.empty, this.note);
    if (this.fixed) this.scroller.addEventListener('scroll', () => this.#draw(), {passive: true});
    this.rowHeight = twoLines ? ROW_HEIGHTS[1] : ROW_HEIGHTS[0];
    this.focus = new RowFocus(this);
    this.#showSorting();
  }

  #widths() {
    if (!this.fixed) return null;
    const whole = this.columns.reduce((sum, column) => sum + column.width, 0);
    return h('colgroup', {}, this.columns.map((column) => {
      const col = h('col');
      col.style.width = `${100 * column.width / whole}%`;
      return col;
    }));
  }

  #head(column) {
    const cell = h('th', {scope: 'col', class: classOf(column)});
    if (!column.sort) {
      return add(cell, h('span', {class: column.unseen ? 'unseen' : '', text: column.label}));
    }
    cell.append(h('button', {type: 'button', class: 'sort', text: column.label,
      on: {click: () => this.#sortBy(column)}}));
    this.heads.set(column.id, cell);
    return cell;
  }

  #sortBy(column) {
    const again = this.sorting.id === column.id;
    this.sorting = {id: column.id, down: again ? !this.sorting.down : Boolean(column.down)};
    this.#showSorting();
    this.#sort();
    this.#draw();
  }

  #showSorting() {
    for (const [id, cell] of this.heads)
      setAttribute(cell, 'aria-sort', id !== this.sorting.id ? null
        : this.sorting.down ? 'descending' : 'ascending');
  }

  // Shows these items. Rows that are there are brought up to date in place; the order is left as it
  // is while somebody is in the table, unless rows come or go.
  show(items) {
    const seen = new Set();
    let changed = false;
    for (const item of items) {
      const id = this.key(item);
      seen.add(id);
      const row = this.rows.get(id);
      if (row) row.item = item;
      else this.rows.set(id, {id, item, node: null, updates: []});
      changed ||= !row;
    }
    for (const [id, row] of this.rows) {
      if (seen.has(id)) continue;
      row.node?.remove();
      this.rows.delete(id);
      changed = true;
    }
    if (changed || !this.#isUsed()) this.#sort();
    this.#draw();
    setText(this.empty, items.length ? '' : t(this.emptyKey));
    setHidden(this.empty, items.length > 0);
  }

  // For what changes without new items: countdowns.
  refresh() {
    this.#draw();
  }

  #isUsed() {
    return this.body.matches(':hover') || this.body.contains(document.activeElement);
  }

  #sort() {
    const column = this.columns.find(({id}) => id === this.sorting.id);
    const all = [...this.rows.values()];
    if (column?.sort) {
      const by = all.map((row) => ({row, value: column.sort(row.item)}));
      const way = this.sorting.down ? -1 : 1;
      by.sort((a, b) => way * compare(a.value, b.value) || compare(a.row.id, b.row.id));
      all.splice(0, all.length, ...by.map(({row}) => row));
    }
    this.order = all.slice(0, this.rowsMax);
    const left = all.length - this.order.length;
    setHidden(this.note, left === 0);
    setText(this.note, left ? t('table.more', {n: left}) : '');
  }

  // From which row to which: all of them, or those near what can be seen.
  #range() {
    if (!this.fixed || this.order.length <= ROWS_ALL_MAX) return [0, this.order.length];
    const {scrollTop, clientHeight} = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - ROWS_BEYOND);
    const count = Math.ceil((clientHeight || innerHeight) / this.rowHeight) + 2 * ROWS_BEYOND;
    return [first, Math.min(this.order.length, first + count)];
  }

  #draw() {
    this.#drawRows();
    this.focus.keep();
  }

  #drawRows() {
    const [first, last] = this.#range();
    const wanted = this.order.slice(first, last);
    const keep = new Set(wanted.map((row) => row.node));
    for (const node of [...this.body.children])
      if (!keep.has(node) && !this.gaps.includes(node)) node.remove();
    this.#gap(0, first);
    this.#gap(1, this.order.length - last);
    let at = this.body.firstElementChild;
    if (at === this.gaps[0]) at = at.nextElementSibling;
    for (const [i, row] of wanted.entries()) {
      row.node ??= this.#create(row);
      for (const update of row.updates) update(row.item);
      if (this.fixed) setAttribute(row.node, 'aria-rowindex', String(first + i + 2));
      if (row.node === at) at = at.nextElementSibling;
      else this.body.insertBefore(row.node, at);
    }
    if (this.fixed) setAttribute(this.table, 'aria-rowcount', String(this.order.length + 1));
  }

  // Stands for `count` rows before or behind those that are in the document.
  #gap(which, count) {
    const row = this.gaps[which];
    if (count === 0) return row.remove();
    row.style.height = `${count * this.rowHeight}px`;
    if (which === 0 && this.body.firstElementChild !== row) this.body.prepend(row);
    if (which === 1 && this.body.lastElementChild !== row) this.body.append(row);
    return undefined;
  }

  #create(row) {
    const node = h('tr');
    for (const column of this.columns) {
      const cell = h(column.head ? 'th' : 'td', {scope: column.head ? 'row' : undefined,
        class: classOf(column)});
      const update = column.text ? (item) => setText(cell, column.text(item))
        : column.make(cell, row.item, () => row.item);
      if (update) row.updates.push(update);
      node.append(cell);
    }
    return node;
  }
}

// A search field that takes "/" from anywhere on the page.
export function searchField(label, changed) {
  const input = h('input', {type: 'search', placeholder: label, 'aria-label': label,
    'aria-keyshortcuts': '/', spellcheck: 'false', autocomplete: 'off', data: {search: ''},
    on: {input: () => changed(input.value.trim().toLowerCase())}});
  return input;
}

// One of a few: buttons of which one is pressed.
export function choice(label, options, value, changed) {
  const buttons = options.map(([id, text]) => h('button', {type: 'button', text,
    'aria-pressed': String(id === value), on: {click: () => {
      for (const [i, one] of buttons.entries())
        setAttribute(one, 'aria-pressed', String(options[i][0] === id));
      changed(id);
    }}}));
  return h('div', {class: 'choice', role: 'group', 'aria-label': label}, buttons);
}

export function select(label, options, value, changed) {
  const node = h('select', {'aria-label': label, on: {change: () => changed(node.value)}},
    options.map(([id, text]) => h('option', {value: id, text})));
  node.value = value;
  return node;
}
