// All accounts at a glance: a square for each, filled by what is left, marked by what is wrong.
import {backIn, stateOf} from './account_state.js';
import {h, setAttribute, setHidden, setText} from './dom.js';
import {t, word} from './i18n.js';
import {gatewayNow} from './live.js';
import {listenTheme} from './theme_switch.js';

const SIDE_MAX = 30;
const SIDE_MIN = 9;
const GAP = 3;
const ROOM = [110, 240];  // the least and the most height, in between a share of the width
const ROOM_SHARE = 0.42;

export class FleetMap {
  constructor() {
    this.canvas = h('canvas', {class: 'fleet', role: 'img'});
    this.tip = h('div', {class: 'fleettip', hidden: true});
    this.node = h('div', {class: 'fleetbox'}, this.canvas, this.tip);
    this.pen = this.canvas.getContext('2d');
    this.accounts = [];
    this.layout = {side: SIDE_MAX, columns: 1};
    this.canvas.addEventListener('mousemove', (event) => this.#point(event));
    this.canvas.addEventListener('mouseleave', () => setHidden(this.tip, true));
    this.canvas.addEventListener('click', (event) => {
      const account = this.#accountAt(event);
      if (account) location.hash = `#/accounts?q=${encodeURIComponent(account.name)}`;
    });
    this.stop = listenTheme(() => {
      this.colours = null;
      this.#paint();
    });
  }

  // `counts`: of each state.
  set(accounts, counts) {
    this.accounts = accounts;
    setAttribute(this.canvas, 'aria-label', t('fleet.summary', {n: accounts.length, ...counts}));
    this.#paint();
  }

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    this.colours = {level: of('--series-0'), empty: of('--inset'), cooling: of('--cool'),
      error: of('--bad'), failing: of('--warn'), line: of('--line-strong'),
      ground: of('--surface')};
  }

  // The largest squares with which all fit into the room.
  #measure() {
    const width = this.node.clientWidth || 400;
    const room = Math.max(ROOM[0], Math.min(ROOM[1], width * ROOM_SHARE));
    const columnsOf = (side) => Math.max(1, Math.floor((width + GAP) / (side + GAP)));
    let side = SIDE_MAX;
    while (side > SIDE_MIN &&
        Math.ceil(this.accounts.length / columnsOf(side)) * (side + GAP) > room) side--;
    const columns = columnsOf(side);
    const rows = Math.max(1, Math.ceil(this.accounts.length / columns));
    this.layout = {side, columns};
    return {width, height: rows * (side + GAP) - GAP};
  }

  #paint() {
    if (!this.colours) this.#readColours();
    const {width, height} = this.#measure();
    const ratio = devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
      this.canvas.style.height = `${height}px`;
    }
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    const {side, columns} = this.layout;
    for (const [i, account] of this.accounts.entries())
      this.#draw(account, (i % columns) * (side + GAP), Math.floor(i / columns) * (side + GAP));
  }

  #draw(account, x, y) {
    const {side} = this.layout;
    const {colours, pen} = this;
    const state = stateOf(account);
    if (state === 'disabled') {
      pen.strokeStyle = colours.line;
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    } else if (state === 'error') {
      this.#mark(x, y, colours.error, [[0.26, 0.26, 0.74, 0.74], [0.74, 0.26, 0.26, 0.74]]);
    } else if (state === 'cooling') {
      this.#mark(x, y, colours.cooling, [[0.36, 0.26, 0.36, 0.74], [0.64, 0.26, 0.64, 0.74]]);
    } else if (state === 'failing') {
      this.#mark(x, y, colours.failing, [[0.26, 0.74, 0.74, 0.26]]);
    } else {
      const {tokens, capacity} = account.rate_limiter;
      this.#box(x, y, side, colours.empty);
      this.#box(x, y, side * (capacity ? Math.max(0, tokens / capacity) : 0), colours.level);
    }
  }

  // `height` from the bottom.
  #box(x, y, height, colour) {
    const {side} = this.layout;
    this.pen.fillStyle = colour;
    this.pen.beginPath();
    this.pen.roundRect(x, y + side - height, side, height, Math.min(3, height / 2));
    this.pen.fill();
  }

  // A full square with lines in it, given in shares of its side.
  #mark(x, y, colour, lines) {
    const {side} = this.layout;
    this.#box(x, y, side, colour);
    this.pen.strokeStyle = this.colours.ground;
    this.pen.lineWidth = 1.5;
    for (const [x0, y0, x1, y1] of lines) {
      this.pen.beginPath();
      this.pen.moveTo(x + x0 * side, y + y0 * side);
      this.pen.lineTo(x + x1 * side, y + y1 * side);
      this.pen.stroke();
    }
  }

  #accountAt(event) {
    const pitch = this.layout.side + GAP;
    const column = Math.floor(event.offsetX / pitch);
    if (column >= this.layout.columns) return undefined;
    return this.accounts[Math.floor(event.offsetY / pitch) * this.layout.columns + column];
  }

  #point(event) {
    const account = this.#accountAt(event);
    setHidden(this.tip, !account);
    if (!account) return;
    const {tokens, capacity} = account.rate_limiter;
    setText(this.tip, [account.name, word('status', stateOf(account)),
      backIn(account, gatewayNow()), `${Math.floor(tokens)} / ${capacity}`].filter(Boolean)
      .join(' · '));
    const left = Math.min(event.offsetX + 12, this.node.clientWidth - this.tip.offsetWidth);
    this.tip.style.transform = `translate(${left}px, ${event.offsetY + 18}px)`;
  }
}
