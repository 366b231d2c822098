// Building and changing the page. Whatever comes from the gateway becomes text, never markup:
// nothing here parses HTML, and the page's Content-Security-Policy knows no inline style either.

const SVG = 'http://www.w3.org/2000/svg';

// h('button', {class: 'primary', on: {click: save}, disabled: true}, 'Save', icon('plus'))
// Props are attributes, but `on` (listeners), `text` and `data` (dataset).
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') for (const [event, call] of Object.entries(value))
      node.addEventListener(event, call);
    else if (name === 'text') node.textContent = value;
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  add(node, children);
  return node;
}

export function add(node, ...children) {
  for (const child of children.flat(Infinity))
    if (child !== undefined && child !== null && child !== false) node.append(child);
  return node;
}

export function clear(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

// The cheap ways to say the same again: the document is touched only where something changes.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
export function setClass(node, text) {
  if (node.className !== text) node.className = text;
}
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

// Whether it is drawn at all: it may be out of sight.
export const isShown = (node) => node.isConnected && node.getClientRects().length > 0;

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  return add(node, children);
}

// Outlines of 16 x 16.
const ICONS = {
  overview: 'M2 9h4V2H2zM10 14h4V7h-4zM2 14h4v-2H2zM10 4h4V2h-4z',
  accounts: 'M9.5 6.5 14 2M12 4l2 2M10 6a3.5 3.5 0 1 1-3-.9A3.5 3.5 0 0 1 10 9.5',
  models: 'M8 1.8 14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6',
  clients: 'M8 7.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z' +
    'M2.5 14a5.5 5.5 0 0 1 11 0',
  usage: 'M2 14h12M4 11V8M7 11V3M10 11V6M13 11V4.5',
  requests: 'M2 4h9M2 8h12M2 12h6M12 2l2 2-2 2',
  cooldowns: 'M8 4.5V8l2.3 1.6M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z',
  settings: 'M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 6.2a1.7 1.7 0 1 0 0-3.4 1.7 ' +
    '1.7 0 0 0 0 3.4zM6 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  edit: 'M10.5 3 13 5.5 5.5 13H3v-2.5z',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5 5 13h6l.5-8.5M7 7v3.5M9 7v3.5',
  test: 'M2 8h3l2-4.5 3 9L12 8h2',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M5 3l8 5-8 5z',
  upload: 'M8 11V3M4.5 6 8 2.5 11.5 6M3 13.5h10',
  download: 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10',
  copy: 'M6 6h7v7H6zM3 10V3h7',
  lock: 'M4 7.5h8V14H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z' +
    'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  theme: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
  logout: 'M6 2.5H3v11h3M10 5l3 3-3 3M13 8H6',
  reload: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5 14 14',
  healthy: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.3 8.2 7.2 10l3.5-4',
  cooling: 'M5 2h6M5 14h6M5.5 2c0 4 5 4 5 6s-5 2-5 6M10.5 2c0 4-5 4-5 6s5 2 5 6',
  error: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1',
  disabled: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5 8h6',
  spent: 'M2 5h12v6H2zM4 7.5v1',
  failing: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5v4.2M8 11.2v.1',
  open: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4',
  down: 'M8 3v9M4.5 8.5 8 12l3.5-3.5',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5v3.5M8 5v.1',
};

export function icon(name) {
  return svg('svg', {class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true'},
    svg('path', {d: ICONS[name] ?? ICONS.info}));
}

// A button with an icon; `label` is its text, or only its name when `bare`.
export function button(label, {name, bare = false, kind = '', click, ...more} = {}) {
  return h('button', {
    type: 'button',
    class: `button ${bare ? 'bare' : ''} ${kind}`.trim().replace(/\s+/g, ' '),
    ...(bare ? {'aria-label': label, title: label} : {}),
    on: click ? {click} : undefined,
    ...more,
  }, name ? icon(name) : null, bare ? null : h('span', {text: label}));
}
