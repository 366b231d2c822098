// The page as a whole: login, navigation, and how fresh it is.
import * as accounts from './accounts.js';
import * as api from './api.js';
import * as clients from './clients.js';
import * as cooldowns from './cooldowns.js';
import {button, clear, h, icon, setAttribute, setHidden, setText} from './dom.js';
import {bringBack, putAside} from './form.js';
import {clock, clockSpan, span} from './format.js';
import {language, LANGUAGES, setLanguage, t} from './i18n.js';
import {ageSeconds, gatewayNow, hurry, listen, live, start, stop, tellStored} from './live.js';
import * as models from './models.js';
import {notify} from './notices.js';
import * as overview from './overview.js';
import {sentence} from './parts.js';
import {oldest, readAgain} from './reading.js';
import * as requests from './requests.js';
import * as settings from './settings.js';
import {setTheme, theme, THEMES} from './theme_switch.js';
import * as usage from './usage.js';

const PAGES = {overview, accounts, models, clients, usage, requests, cooldowns, settings};
const TICK_MS = 500;
const LOGOUT_AGAIN_MS = 2000;
const LOGOUT_MS_MAX = 3000;  // for an answer; then there is no connection
const byId = (id) => document.getElementById(id);
let page = null;
let pageId = '';
let links = new Map();
let pill = null;
let leaving = null;  // ends the telling of a sign-out that the gateway has not heard of yet

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return {id: Object.hasOwn(PAGES, path) ? path : 'overview', query: new URLSearchParams(query)};
}

function show({focus}) {
  const {id, query} = place();
  page?.stop?.();
  pageId = id;
  page = PAGES[id].create({query});
  clear(byId('page'), page.node);
  setText(byId('title'), t(`${id}.title`));
  document.title = `${t(`${id}.title`)} · sluice`;
  for (const [name, link] of links) setAttribute(link, 'aria-current', name === id ? 'page' : null);
  // Where the navigation is a row that scrolls, the present page's name is in sight.
  const {offsetLeft, offsetWidth} = links.get(id);
  const bar = byId('nav');
  bar.scrollLeft = offsetLeft - bar.offsetLeft - (bar.clientWidth - offsetWidth) / 2;
  if (live.snapshot) page.snapshot?.(live.snapshot);
  if (focus) byId('title').focus();
  scrollTo(0, 0);
}

function nav() {
  links = new Map(Object.keys(PAGES).map((id) => [id, h('a', {href: `#/${id}`}, icon(id),
    h('span', {text: t(`${id}.title`)}))]));
  clear(byId('nav'), [...links.values()]);
  setAttribute(byId('nav'), 'aria-label', t('nav'));
}

function header() {
  const dot = h('span', {class: 'dot', 'aria-hidden': 'true'});
  const text = h('span');
  const node = h('span', {class: 'pill'}, dot, text);
  pill = {node, text};
  const look = button(t('theme.switch', {now: t(`theme.${theme()}`)}), {name: 'theme', bare: true,
    click: () => {
      setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      const label = t('theme.switch', {now: t(`theme.${theme()}`)});
      setAttribute(look, 'aria-label', label);
      look.title = label;
    }});
  const tongue = h('select', {class: 'tongue', 'aria-label': t('language'),
    on: {change: () => {
      setLanguage(tongue.value);
      dress();
      show({focus: false});
      byId('tools').querySelector('.tongue').focus();
    }}}, LANGUAGES.map((code) => h('option', {value: code, lang: code === 'zh' ? 'zh-Hans' : code,
    text: {en: 'English', zh: '中文'}[code]})));
  tongue.value = language();
  clear(byId('tools'), node, look, tongue, live.mayWrite
    ? button(t('logout'), {name: 'logout', bare: true, click: logout})
    : button(t('login.go'), {name: 'lock', click: askForLogin}));
}

// Everything that stands around the pages, in the present language.
function dress() {
  setText(byId('skip'), t('skip'));
  setText(byId('tagline'), t('tagline'));
  nav();
  header();
  setText(byId('login-title'), t('login.title'));
  setText(byId('login-text'), t('login.text'));
  setText(byId('login-label'), t('login.token'));
  setText(byId('login-go'), t('login.go'));
  freshness();
}

const pillText = () => ({
  connecting: t('live.connecting'),
  live: t('live.live', {at: clock(gatewayNow())}),
  stale: t('live.stale', {span: span(ageSeconds())}),
  lost: t('live.lost', {left: clockSpan((live.retryAt - performance.now()) / 1000)}),
})[live.state];

// What the page has to say of its age, and why: of the stream, else of what it reads itself. Both
// are '' when it is new.
function oldText() {
  const silent = live.state === 'stale' || (live.state !== 'live' && ageSeconds() > 3);
  if (silent && live.snapshot) return {why: 'silent', text: t('live.old',
    {at: clock(live.snapshot.timestamp * 1000), span: span(ageSeconds())})};
  const own = !silent && live.state === 'live' && oldest();
  if (!own) return {why: '', text: ''};
  const {at, seconds, why} = own;
  return {why, text: at ? t('read.old', {at: clock(at), span: span(seconds), why})
    : t('read.never', {why})};
}

// How old what is shown is: in the pill always, and over all of the page when it is old.
let oldWhy = '';
function freshness() {
  setAttribute(pill.node, 'data-state', live.state);
  setText(pill.text, pillText());
  const {why, text} = oldText();
  document.body.classList.toggle('stale', text !== '');
  const banner = byId('stale');
  if (why !== oldWhy) setText(byId('told'), text);  // once, not each second
  oldWhy = why;
  setHidden(banner, text === '');
  if (text) setText(banner.querySelector('span'), text);
  const draining = live.snapshot?.draining && live.state === 'live';
  setHidden(byId('draining'), !draining);
  if (draining) setText(byId('draining'), t('live.draining'));
}

function foot() {
  const s = live.snapshot;
  if (s) setText(byId('version'), t('version', {version: s.version, up: span(s.uptime_seconds)}));
}

let toldLost = false;
listen((what) => {
  if (what === 'stored' && page) show({focus: false});
  if (what === 'snapshot') {
    page?.snapshot?.(live.snapshot);
    foot();
  }
  // Said once to those who do not see the banner; not each second.
  if (live.state === 'live' && toldLost) notify(t('live.back'));
  if (live.state !== 'connecting') toldLost = live.state !== 'live';
  freshness();
});
setInterval(() => {
  if (!pill) return;
  freshness();
  if (!document.hidden) page?.tick?.();
}, TICK_MS);

function inside(yes) {
  setHidden(byId('login'), yes);
  setHidden(byId('app'), !yes);
}

function inform(text) {
  setHidden(byId('login-news'), text === '');
  setText(byId('login-news'), text);
}

function askForLogin() {
  stop();
  page?.stop?.();
  page = null;
  clear(byId('page'));
  inside(false);
  byId('token').focus();
}

// The gateway wants a sign-in of somebody who had one.
function signInEnded() {
  if (byId('app').hidden) return;
  const kept = putAside();
  inform(live.mayWrite ? t(kept ? 'login.ended.kept' : 'login.ended') : '');
  askForLogin();
}

async function login(event) {
  event.preventDefault();
  const fault = byId('login-fault');
  byId('login-go').disabled = true;
  const unheard = leaving;
  unheard?.abort();
  leaving = null;
  try {
    await api.post('/api/admin/login', {token: byId('token').value}, {quiet: true});
    byId('token').value = '';
    setHidden(fault, true);
    inform('');
    enter();
    bringBack();
  } catch (error) {
    setHidden(fault, false);
    setText(fault, sentence(error));
    byId('token').select();
    if (unheard) tellLogout();
  } finally {
    byId('login-go').disabled = false;
  }
}

function logout() {
  for (const open of document.querySelectorAll('dialog[open]')) open.close();
  inform('');
  askForLogin();
  tellLogout();
}

// The sign-in itself ends when the gateway has heard of it: it is told again and again, unless
// somebody signs in.
async function tellLogout() {
  const mine = leaving = new AbortController();
  while (!await isLoggedOut(mine.signal)) {
    if (mine.signal.aborted) return;
    inform(t('logout.unheard'));
    await new Promise((done) => setTimeout(done, LOGOUT_AGAIN_MS));
    if (mine.signal.aborted) return;
  }
  leaving = null;
  inform(t('logout.done'));
}

async function isLoggedOut(signal) {
  try {
    await api.post('/api/admin/logout', undefined, {quiet: true,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LOGOUT_MS_MAX)])});
    return true;
  } catch (error) {
    return error.status === 401;  // it has ended by itself
  }
}

async function enter({access = 'full'} = {}) {
  live.mayWrite = access === 'full';
  header();
  inside(true);
  start();
  try {  // so that no page asks for what is not there
    tellStored((await api.get('/api/admin/version')).stored);
  } catch {
    // the stream says it, too
  }
  if (!page && !byId('app').hidden) show({focus: false});
}

addEventListener('hashchange', () => byId('app').hidden || show({focus: true}));
addEventListener('keydown', (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key !== '/' || typing || document.querySelector('dialog[open]')) return;
  const search = byId('page').querySelector('[data-search]');
  if (!search) return;
  event.preventDefault();
  search.focus();
});
byId('login-form').addEventListener('submit', login);
byId('retry').addEventListener('click', () => {
  hurry();
  readAgain();
});
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();  // the address says which page it is
  byId('main').focus();
});
api.onLoggedOut(signInEnded);
setLanguage(language());
dress();
setText(byId('retry'), t('live.retry'));

api.get('/api/admin/login').then((mine) => mine.access === 'none' ? askForLogin() : enter(mine),
  askForLogin);
