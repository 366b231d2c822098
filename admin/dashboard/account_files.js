// Accounts as a provider file: in, all or nothing, and out.
import * as api from './api.js';
import {ApiError} from './api.js';
import {button, clear, h, setHidden} from './dom.js';
import {openDialog, openForm} from './form.js';
import {t} from './i18n.js';
import {notify} from './notices.js';
import {download, faultSentence, sentence} from './parts.js';

const EXAMPLE = `providers:
  - account: team-a
    api_key: ...
    endpoint_url: https://api.example.com/v1
    pool: main
    rpm_limit: 40
`;
const FILE_BYTES_MAX = 8 * 1024 * 1024;  // what the gateway takes

function report(node, answer) {
  clear(node, h('p', {class: 'good', text: t(answer.status === 'checked' ? 'import.checked'
    : 'import.done', {n: answer.entries.length})}),
  h('ul', {}, answer.entries.map((entry) => h('li', {text: entry.account}))));
}

function faults(node, error) {
  const rows = error.errors.map((fault) => h('tr', {},
    h('td', {class: 'number', text: fault.line ?? ''}), h('td', {text: fault.field}),
    h('td', {text: faultSentence(fault)})));
  clear(node, h('p', {class: 'bad', text: sentence(error)}), rows.length ? h('table', {},
    h('thead', {}, h('tr', {}, ['import.line', 'import.field', 'import.fault'].map((key) =>
      h('th', {scope: 'col', text: t(key)})))), h('tbody', {}, rows)) : null);
}

export function importAccounts(done) {
  const text = h('textarea', {rows: '14', class: 'code', spellcheck: 'false',
    'aria-label': t('import.text'), placeholder: EXAMPLE});
  const result = h('div', {class: 'report', role: 'status', hidden: true});
  const file = h('input', {type: 'file', accept: '.yaml,.yml,.json,text/*', class: 'unseen',
    'aria-label': t('import.file'), on: {change: async () => {
      const [chosen] = file.files;
      if (!chosen) return;
      const large = chosen.size > FILE_BYTES_MAX;
      setHidden(result, !large);  // what it said of another text
      if (large) clear(result, h('p', {class: 'bad', text: t('import.large')}));
      else text.value = await chosen.text();
      file.value = '';
    }}});
  const send = async (dry) => {
    const type = text.value.trimStart().startsWith('{') ? 'application/json' : 'application/yaml';
    for (const one of [check, go]) one.disabled = true;
    try {
      const to = api.target('/api/v2/providers', {dry_run: dry || undefined});
      const answer = await api.postText(to, text.value, type);
      setHidden(result, false);
      report(result, answer);
      if (dry) return;
      node.close();
      notify(t('import.done', {n: answer.imported}));
      done();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setHidden(result, false);
      faults(result, error);
    } finally {
      for (const one of [check, go]) one.disabled = false;
    }
  };
  const check = button(t('import.check'), {click: () => send(true)});
  const go = button(t('import'), {kind: 'primary', name: 'upload', click: () => send(false)});
  const node = openDialog(t('import.title'), {wide: true, body: [
    h('p', {class: 'intro', text: t('import.intro')}),
    h('div', {class: 'row'}, button(t('import.file'), {name: 'upload',
      click: () => file.click()}), file), text, result,
  ], foot: [button(t('cancel'), {click: () => node.close()}), check, go]});
  text.focus();
}

const NAMES_MAX = 10;  // that are told; the file has all

// The gateway counts in the head, and names in comments at the beginning, what is not in the file.
async function readExport(answer) {
  const text = await answer.text();
  return {text, n: Number(answer.headers.get('x-sluice-left-out') ?? 0),
    names: [...text.matchAll(/^# account "([^"\n]+)" is left out: /gm)].map(([, name]) => name)};
}

function exported({text, n, names}) {
  download(text, 'providers.yaml', 'application/yaml');
  if (n > 0) notify(t('export.left_out', {n, names: names.slice(0, NAMES_MAX).join(', ') +
    (n > NAMES_MAX ? ', …' : '')}), 'bad');
}

export function exportAccounts() {
  const keys = [['masked', t('export.masked')], ['clear', t('export.clear')]];
  openForm({
    title: t('export.title'),
    intro: h('p', {text: t('export.intro')}),
    whole: true,
    action: t('export'),
    values: {keys: 'masked'},
    sections: [{fields: [
      {name: 'keys', label: t('export.keys'), kind: 'select', options: keys},
      {name: 'token', label: t('export.token'), kind: 'password', hint: t('export.token.hint')},
    ]}],
    send: async (changes, {keys: wanted, token}) => readExport(wanted === 'clear'
      ? await api.ask('POST', '/api/admin/backends/export',
        {json: {keys: wanted, token}, quiet: true})
      : await api.ask('GET', '/api/admin/backends/export')),
    done: exported,
  });
}
