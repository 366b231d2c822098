// What is said once: that something was done, for some seconds at the foot of the page, and that
// something went wrong, under its head, until somebody has closed it. Both lie in the page and not
// over it, so that no control is under them that cannot be scrolled out from there.
import {button, h, icon, isShown, setText} from './dom.js';
import {clock} from './format.js';
import {t} from './i18n.js';
import {gatewayNow} from './live.js';

const NOTICE_MS = 6000;
const NOTICES_MAX = 3;  // of a kind, at once
const HEAD_PX = 56;     // .top, as base.css has it
const byId = (id) => document.getElementById(id);
const isNotice = (node) => node.closest('#alerts, #notices') !== null;

let before = null;  // what had the focus before a notice had it
document.addEventListener('focusin', ({target}) => {
  if (!isNotice(target)) before = target;
});
document.addEventListener('focusout', ({target, relatedTarget}) => {
  if (!relatedTarget && !isNotice(target)) before = null;
});

// What gets the focus, by Tab or by a script, is scrolled to where nothing of this covers it.
const room = new ResizeObserver(() => {
  const {style} = document.documentElement;
  style.scrollPaddingTop = `${HEAD_PX + byId('pinned').offsetHeight}px`;
  style.scrollPaddingBottom = `${byId('notices').offsetHeight}px`;
});
for (const id of ['pinned', 'notices']) room.observe(byId(id));

// An alert moves all that is under it, also where the page is scrolled: a browser that held the
// page still there would have the alert come over what has just been pressed.
function moves() {
  const {style} = document.body;
  style.overflowAnchor = 'none';
  // The first frame lays it out, after what is called before it.
  requestAnimationFrame(() => requestAnimationFrame(() => (style.overflowAnchor = '')));
}

// Takes a notice away. The focus, where it had it, goes to the next one, else back to where it was,
// else to the heading.
function end(node, {byPointer = false} = {}) {
  const had = node.contains(document.activeElement);
  const next = node.nextElementSibling ?? node.previousElementSibling;
  moves();
  node.remove();
  if (!had) return;
  const back = before && isShown(before) && !before.disabled ? before : byId('title');
  (next?.querySelector('button') ?? back).focus({preventScroll: byPointer});
}

const textOf = (node) => node.querySelector('.text').textContent;

// Says it to screen readers, too. What went wrong has its time; the same once more is the one alert
// that is there, with the later time.
export function notify(text, kind = 'good') {
  const bad = kind === 'bad';
  const region = byId(bad ? 'alerts' : 'notices');
  const at = bad ? clock(gatewayNow()) : '';
  const same = bad && [...region.children].find((one) => textOf(one) === text);
  if (same) {
    setText(same.querySelector('.at'), at);
    if (!same.contains(document.activeElement)) region.append(same);
    return;
  }
  const node = h('div', {class: `notice ${kind}`}, icon(bad ? 'error' : 'healthy'),
    h('span', {}, h('span', {class: 'text', text}), bad ? ' ' : null,
      bad ? h('span', {class: 'at faint', text: at}) : null),
    button(t('close'), {name: 'close', bare: true,
      click: ({detail}) => end(node, {byPointer: detail > 0})}));
  moves();
  region.append(node);
  while (region.children.length > NOTICES_MAX) end(region.firstElementChild);
  if (!bad) setTimeout(() => end(node), NOTICE_MS);
}
