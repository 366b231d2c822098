// What several pages are made of: panels, states, levels.
import {clear, h, icon, setAttribute, setClass, setText, svg} from './dom.js';
import {clockSpan, compact} from './format.js';
import {said, t, told, word} from './i18n.js';
import {notify} from './notices.js';

export function panel(title, {tools, note, kind = ''} = {}, ...children) {
  const id = `p${panel.next = (panel.next ?? 0) + 1}`;
  const head = h('header', {}, h('h2', {id, text: title}),
    note ? h('span', {class: 'hint', text: note}) : null,
    tools ? h('div', {class: 'tools'}, tools) : null);
  return h('section', {class: `panel ${kind}`.trim(), 'aria-labelledby': id}, head, children);
}

// A state says itself three times: by colour, by shape and in words.
export function stateChip() {
  const label = h('span');
  const node = h('span', {class: 'chip'});
  let shown = null;
  return {
    node,
    set(state, text = word('status', state)) {
      if (shown !== state) {
        shown = state;
        setClass(node, `chip ${state}`);
        clear(node, icon(state), label);
      }
      setText(label, text);
    },
  };
}

export function chip(text, kind = '', name) {
  return h('span', {class: `chip ${kind}`.trim()}, name ? icon(name) : null, h('span', {text}));
}

// How much is left: full is good. The bar is drawn by a transform, which costs no layout. `title`
// is the key of a sentence, `unit` a word behind the numbers.
export function levelBar(title, unit = '') {
  const fill = h('span', {class: 'fill'});
  const bar = h('span', {class: 'bar', 'aria-hidden': 'true'}, fill);
  const text = h('span', {class: 'of'});
  const node = h('span', {class: 'level'}, bar, text);
  let shown = '';
  return {
    node,
    set(tokens, capacity) {
      const left = capacity > 0 ? Math.max(0, Math.min(1, tokens / capacity)) : 0;
      const now = `${tokens}/${capacity}`;
      if (now === shown) return;
      shown = now;
      fill.style.transform = `scaleX(${left})`;
      setClass(bar, `bar ${left <= 0 ? 'spent' : left < 0.25 ? 'low' : ''}`.trim());
      setText(text, `${compact(Math.floor(tokens))} / ${compact(capacity)} ${unit}`.trim());
      if (title) setAttribute(node, 'title', t(title, {tokens, capacity}));
    },
  };
}

// The runs of points between gaps, each as [[place, value], ...].
function runsOf(points) {
  const runs = [];
  for (const [i, value] of points.entries()) {
    if (value === null) continue;
    if (i === 0 || points[i - 1] === null) runs.push([]);
    runs.at(-1).push([i, value]);
  }
  return runs;
}

const SPARK = {width: 120, height: 28, low: 26, high: 3};

// The last minutes as a line. Points are numbers, or null where nothing is known: a gap.
export function sparkline() {
  const line = svg('path', {class: 'line'});
  const area = svg('path', {class: 'area'});
  const {width, height, low, high} = SPARK;
  const node = svg('svg', {class: 'spark', viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none', 'aria-hidden': 'true'}, area, line);
  return {
    node,
    set(points) {
      const most = Math.max(1e-9, ...points);
      const x = (place) => (place * width / Math.max(1, points.length - 1)).toFixed(1);
      const y = (value) => (low - (low - high) * value / most).toFixed(1);
      const runs = runsOf(points).map((run) => ({from: x(run[0][0]), to: x(run.at(-1)[0]),
        path: `M${run.map(([place, value]) => `${x(place)} ${y(value)}`).join('L')}h.1`}));
      line.setAttribute('d', runs.map(({path}) => path).join(''));
      area.setAttribute('d', runs.map(({path, from, to}) =>
        `${path}L${to} ${height}L${from} ${height}Z`).join(''));
    },
  };
}

const VALUE_SHORT = 8;  // characters: more are written smaller

// A number that is looked at: its name, itself, and what belongs to it.
export function tile(label, {spark = false, kind = ''} = {}) {
  const value = h('span', {class: 'value'});
  const unit = h('span', {class: 'unit'});
  const sub = h('div', {class: 'sub'});
  const line = spark ? sparkline() : null;
  const node = h('div', {class: `tile ${kind}`.trim()}, h('dt', {text: label}),
    h('dd', {}, h('div', {}, value, unit), sub), line?.node);
  return {node, sub, line, set(text, unitText = '', subText) {
    setText(value, text);
    setClass(value, text.length > VALUE_SHORT ? 'value long' : 'value');
    setText(unit, unitText);
    if (subText !== undefined) setText(sub, subText);
  }};
}

// How long a cooldown still lasts.
export function countdown(untilIso, now) {
  if (!untilIso) return '';
  const left = (Date.parse(untilIso) - now) / 1000;
  return left > 0 ? clockSpan(left) : '';
}

// What is wrong with a member of what was sent, in the page's language where it has words for all
// of it; else whole as the gateway says it.
export function faultSentence({code, problem, mend}) {
  const what = told('problems', problem);
  const how = mend ? told('mends', mend) : '';
  if (what === undefined || how === undefined) return mend ? `${problem}; ${mend}` : problem;
  return said(`field.${code}`, {mend: how}) ?? (how ? t('field.mended', {what, how}) : what);
}

function detailOf({code, message, errors}) {
  if (code !== 'invalid' || !errors.length) return message;
  const [first] = errors;
  const text = `${first.field}${first.field ? ': ' : ''}${faultSentence(first)}`;
  return errors.length > 1 ? t('error.more', {text, n: errors.length - 1}) : text;
}

// What went wrong, in the page's language: by the error's code where it has words for it; else as
// the gateway says it, behind words that say so where it is another language.
export function sentence(error) {
  if (error.status === 0) return t('error.unreachable');
  const detail = detailOf(error);
  return said(`refused.${error.code}`, {detail}) ??
    (detail ? t('error.said', {detail}) : t('error.unknown'));
}
export const complain = (error) => notify(sentence(error), 'bad');

// Runs `work` with `control` switched off, and says what went wrong.
export async function busy(control, work) {
  const focused = document.activeElement === control;  // which a control that is off cannot be
  control.disabled = true;
  control.setAttribute('aria-busy', 'true');
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) complain(error);
    return undefined;
  } finally {
    control.disabled = false;
    control.removeAttribute('aria-busy');
    if (focused && document.activeElement === document.body) control.focus();
  }
}

// Hands a text to the browser's downloads.
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  h('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A text that may be long: cut by the cell (`lines`: after two), whole in its title.
export function longText(cell, kind = 'cut') {
  const node = h('span', {class: kind});
  cell.append(node);
  return (text) => {
    setText(node, text);
    setAttribute(node, 'title', text || null);
  };
}

export function emptyState(text, ...actions) {
  return h('div', {class: 'blank'}, h('p', {text}), actions);
}
