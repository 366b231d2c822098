// Settings: what holds, where it comes from, and what can be changed here.
import * as api from './api.js';
import * as catalog from './catalog.js';
import {button, clear, h, setHidden, setText} from './dom.js';
import {confirmed, openForm} from './form.js';
import * as f from './format.js';
import {t, word} from './i18n.js';
import {forWriters, live} from './live.js';
import {notify} from './notices.js';
import {busy, chip, longText, panel} from './parts.js';
import {Reading} from './reading.js';
import {searchField, Table} from './table.js';

const ORIGIN = {default: '', file: 'accent', environment: 'cool', flag: 'warn', stored: 'good'};
const HOLDS = ['at_once', 'at_reload', 'at_restart'];
const tag = (setting) => `"${setting.tag}"`;
const path = (setting) => `/api/admin/config/${encodeURIComponent(setting.path)}`;

// From its present value, which another administrator may have changed since the table was read.
async function change({path: wanted}, control, done) {
  const settings = await busy(control, () => api.get('/api/admin/settings'));
  const setting = settings?.values.find((one) => one.path === wanted);
  if (!setting) return;
  openForm({
    title: t('settings.change', {path: setting.path}),
    whole: true,
    values: {value: setting.value},
    intro: h('p', {text: t('settings.change.text')}),
    sections: [{fields: [{name: 'value', path: setting.path, label: setting.path}]}],
    send: (changes, {value}) => api.put(path(setting), {value}, {match: tag(setting)}),
    done: (answer) => {
      notify(t('settings.changed', {path: answer.key, value: answer.value}));
      done();
    },
  });
}

async function reset(setting, control, done) {
  if (!await busy(control, () => api.remove(path(setting), {match: tag(setting)}))) return;
  notify(t('settings.reset.done', {path: setting.path}));
  done();
}

function columns(reload) {
  return [
    {id: 'path', label: t('settings.path'), sort: (s) => s.path, head: true, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        cell.classList.add('mono');
        return (s) => set(s.path);
      }},
    {id: 'value', label: t('settings.value'), sort: (s) => s.value, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        cell.classList.add('mono');
        const waiting = h('span', {class: 'label', hidden: true});
        cell.append(waiting);
        return (s) => {
          set(s.value);
          setHidden(waiting, !s.waiting);
          if (s.waiting) setText(waiting, t('settings.waiting', s.waiting));
        };
      }},
    {id: 'origin', label: t('settings.origin'), sort: (s) => s.origin_kind, make: (cell) => {
      let shown = '';
      return (s) => {
        if (shown === s.origin) return;
        shown = s.origin;
        const plain = ['default', 'stored'].includes(s.origin_kind);
        clear(cell, h('span', {class: 'chips'}, chip(word('origin', s.origin_kind),
          ORIGIN[s.origin_kind]), plain ? null : h('span', {class: 'faint mono', text: s.origin})));
      };
    }},
    {id: 'holds', label: t('settings.holds'), sort: (s) => HOLDS.indexOf(s.holds),
      text: (s) => t(`settings.${s.holds}`)},
    {id: 'actions', label: t('actions'), unseen: true, class: 'last', make: (cell, first, item) => {
      if (!first.changeable || !live.mayWrite) return undefined;
      const back = button(t('settings.reset', {path: first.path}), {name: 'reload', bare: true,
        click: () => reset(item(), back, reload)});
      const edit = button(t('settings.change', {path: first.path}), {name: 'edit', bare: true,
        click: () => change(item(), edit, reload)});
      cell.append(h('span', {class: 'actions'}, back, edit));
      return (s) => (back.hidden = s.origin_kind !== 'stored');
    }},
  ];
}

async function reloadConfiguration(control, done) {
  const report = await busy(control, () => api.post('/api/admin/reload'));
  if (!report) return;
  notify(t('settings.reloaded', {accounts: report.accounts, clients: report.clients}));
  if (report.needs_restart?.length)
    notify(t('settings.restart', {paths: report.needs_restart.join(', ')}), 'bad');
  catalog.forget();
  done();
}

// `value` has the settings' values, by path: how long it takes is said before it is asked for.
async function drain(control, value) {
  const [delay, grace] = [value('drain.delay'), value('drain.grace')];
  const text = /^0(?!\d)/.test(delay) ? t('settings.drain.text', {grace})
    : t('settings.drain.later', {delay, grace});
  if (!await confirmed({title: t('settings.drain.title'), text, action: t('settings.drain')}))
    return;
  const answer = await busy(control, () => api.post('/api/admin/drain'));
  if (answer) notify(t('settings.draining',
    {left: f.length(answer.delay_seconds + answer.grace_seconds)}));
}

export function create() {
  let all = [];
  let text = '';
  const table = new Table({columns: columns(() => reading.again()), key: (s) => s.path,
    caption: t('settings.title'), empty: 'settings.none', sort: {id: 'path', down: false}});
  const facts = h('dl', {class: 'facts'});
  const warnings = h('ul', {class: 'warnings'});
  const file = h('span', {class: 'count'});
  const show = () => table.show(all.filter((s) =>
    `${s.path} ${s.value} ${s.origin}`.toLowerCase().includes(text)));

  const reading = new Reading(async (current) => {
    const [settings, version] = await Promise.all([api.get('/api/admin/settings'),
      api.get('/api/admin/version')]);
    if (!current()) return;
    all = settings.values;
    show();
    setText(file, settings.file ?? t('settings.no_file'));
    clear(warnings, settings.warnings.map((warning) =>
      h('li', {text: t('error.said', {detail: warning})})));
    clear(facts, [['version', version.version], ['started', f.moment(version.started_at)],
      ['shards', f.whole(version.shards)], ['stored', t(version.stored ? 'yes' : 'no')],
      ['access', word('access', version.access)]].map(([id, value]) =>
      h('div', {}, h('dt', {text: t(`settings.${id}`)}), h('dd', {text: value}))));
  });
  const off = catalog.onChange(() => reading.soon());
  reading.again();
  const again = button(t('settings.reload'), {name: 'reload',
    click: () => reloadConfiguration(again, () => reading.again())});
  const end = button(t('settings.drain'), {name: 'pause', kind: 'danger', click: () => drain(end,
    (path) => all.find((s) => s.path === path)?.value ?? '')});
  return {
    node: h('div', {class: 'stack'}, h('div', {class: 'toolbar'},
      searchField(t('settings.search'), (given) => {
        text = given;
        show();
      }), file, h('span', {class: 'grow'}), forWriters(again),
      forWriters(end)),
    panel(t('settings.gateway'), {}, facts, warnings),
    panel(t('settings.title'), {note: t('settings.note')}, table.node)),
    stop() {
      reading.stop();
      off();
    },
  };
}
