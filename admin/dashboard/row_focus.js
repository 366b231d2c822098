// Keeps the keyboard's place in a table whose rows change under it: a button that is pressed may be
// hidden by what it did, and its row may go. Then the focus is lost to the document, and the next
// Tab begins at the top.
import {isShown} from './dom.js';

const controlsOf = (cell) => [...cell.querySelectorAll('button, a[href]')];
const usable = (buttons) => buttons.find((one) => isShown(one) && !one.disabled);

export class RowFocus {
  constructor(table) {
    this.table = table;
    // {node, row (of the table), at, cell, index: which row, which cell of it, which control of
    // that; shown: the controls that were there beside it}
    this.last = null;
    table.node.addEventListener('focusin', ({target}) => this.#note(target));
    table.node.addEventListener('focusout', ({target}) => {
      // Who has clicked elsewhere wants it elsewhere; a dialog gives it back.
      setTimeout(() => {
        const active = document.activeElement;
        if (isShown(target) && !target.disabled && active !== target && !active?.closest('dialog'))
          this.last = null;
      });
    });
  }

  #note(node) {
    const tr = node.closest('tbody tr');
    const at = this.table.order.findIndex((row) => tr && row.node === tr);
    if (at < 0) return void (this.last = null);
    const cell = node.closest('td, th');
    const controls = controlsOf(cell);
    this.last = {node, row: this.table.order[at], at, cell: [...tr.children].indexOf(cell),
      index: Math.max(0, controls.indexOf(node)), shown: new Set(controls.filter(isShown))};
  }

  // After the rows were drawn: a node that was only moved has it again; else what came in its place
  // has, else its neighbour in the cell, else the row that is where its row was, else the table.
  keep() {
    const {last, table} = this;
    const active = document.activeElement;
    if (!last || (active && active !== document.body && active !== last.node)) return;
    if (isShown(last.node)) {
      // Of one that is switched off while it works, busy() takes care.
      if (active !== last.node && !last.node.disabled) last.node.focus({preventScroll: true});
      return;
    }
    const here = table.rows.has(last.row.id) ? last.row
      : table.order[Math.min(last.at, table.order.length - 1)];
    const cell = here?.node?.isConnected ? here.node.children[last.cell] : null;
    const all = cell ? controlsOf(cell) : [];
    const near = [...all.slice(last.index), ...all.slice(0, last.index).reverse()];
    const came = here === last.row ? near.filter((one) => !last.shown.has(one)) : [];
    (usable(came) ?? usable(near) ?? table.scroller).focus({preventScroll: true});
  }
}
