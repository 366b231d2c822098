// Why a request went where it went: its steps down the ladder, and the accounts it could have had.
import {ApiError, get, target} from './api.js';
import {clear, h} from './dom.js';
import {openDialog} from './form.js';
import * as f from './format.js';
import {said, t, word} from './i18n.js';
import {chip, levelBar, sentence} from './parts.js';

const GOOD = ['served', 'granted'];
const KIND = {chosen: 'healthy', cooling: 'cooling', breaker_open: 'warn', key_refused: 'error',
  disabled: 'disabled', not_reached: 'disabled'};

function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== undefined && value !== '')
    .map(([label, value]) => h('div', {}, h('dt', {text: label}), h('dd', {text: value}))));
}

function table(candidates) {
  const heads = [['usage.account'], ['explain.verdict'], ['account.pool'], ['account.level'],
    ['account.inflight', 'number'], ['explain.ready', 'number']];
  return h('div', {class: 'scroller'}, h('table', {},
    h('thead', {}, h('tr', {}, heads.map(([key, kind]) =>
      h('th', {scope: 'col', class: kind, text: t(key)})))),
    h('tbody', {}, candidates.map(candidate))));
}

// What the decision for a step had before it.
function before(one) {
  if (one.candidates.length === 0) return null;
  return h('details', {},
    h('summary', {text: t('explain.candidates', {n: one.candidates_total})}),
    table(one.candidates));
}

// In the page's language where it has the words; else as the gateway says it.
function whyOf({reason, level, why}, strategy) {
  const values = {level: word('level', level)};
  const how = said(`strategy.${strategy}`, {});
  if (how) values.how = how;
  return said(`why.${reason}`, values) ?? t('error.said', {detail: why});
}

function step(one, strategy) {
  const good = GOOD.includes(one.outcome);
  return h('li', {class: good ? 'good' : one.kind === 'wait' ? 'wait' : 'bad'},
    h('div', {class: 'when', text: `+${f.milliseconds(one.at_ms)}`}),
    h('div', {}, h('p', {}, h('strong', {text: one.account ?? word('step', one.kind)}), ' ',
      chip(word('outcome', one.outcome), good ? 'healthy' : one.kind === 'wait' ? 'cool' : 'warn'),
      one.status ? h('span', {class: 'faint', text: ` ${one.status}`}) : null),
    h('p', {class: 'why', text: whyOf(one, strategy)}),
    h('p', {class: 'faint', text: t('explain.step', {level: word('level', one.level),
      took: f.milliseconds(one.took_ms)})}), before(one)));
}

function candidate(one) {
  const level = levelBar();
  level.set(one.tokens, one.capacity);
  return h('tr', {class: one.verdict === 'chosen' ? 'chosen' : undefined},
    h('th', {scope: 'row'}, h('span', {class: 'cut', text: one.account, title: one.account})),
    h('td', {}, chip(word('verdict', one.verdict), KIND[one.verdict] ?? '')),
    h('td', {text: t(`pool.${one.pool}`)}), h('td', {class: 'levels'}, level.node),
    h('td', {class: 'number', text: f.whole(one.inflight)}),
    h('td', {class: 'number', text: one.ready_in_ms === null ? t('explain.never')
      : one.ready_in_ms === 0 ? t('explain.now') : f.milliseconds(one.ready_in_ms)}));
}

function ladder(answer) {
  return [h('h3', {text: t('explain.steps')}), h('ol', {class: 'steps'},
    answer.steps.map((one) => step(one, answer.strategy))),
    h('h3', {text: t('explain.candidates', {n: answer.candidates_total})}),
    h('p', {class: 'hint', text: t(`explain.levels.${answer.levels_at}`)}),
    table(answer.candidates)];
}

// The times of a row are its attempt's, but where no answer was relayed.
export function timeLabel(request, label) {
  const ofLast = request.attempt > 1 && request.outcome !== 'refused';
  return ofLast ? t('requests.of_last', {what: t(label)}) : t(label);
}

// `request` is a row of /api/admin/requests.
export async function explain(request) {
  const more = h('div', {class: 'explain'}, h('p', {class: 'hint', text: t('loading')}));
  openDialog(t('explain.title'), {wide: true, body: [facts([
    [t('explain.request'), request.request_id], [t('requests.at'), f.moment(request.at)],
    [t('requests.status'), String(request.status ?? t('requests.gone'))],
    [t('models.model'), request.model], [t('explain.native'), request.native_model],
    [t('usage.account'), request.account], [t('usage.client'), request.client],
    [t('usage.prompt_tokens'), f.whole(request.prompt_tokens)],
    [t('usage.completion_tokens'), f.whole(request.completion_tokens)],
    [t('usage.cost'), f.money(request.cost)],
    [timeLabel(request, 'requests.latency'), f.milliseconds(request.latency_ms)],
    [timeLabel(request, 'requests.ttft'), f.milliseconds(request.ttft_ms)],
    [t('requests.queue'), f.milliseconds(request.queue_ms)],
  ]), more]});
  try {
    // Of this row: its client chose the request's id, perhaps for several, and with any character.
    const answer = await get(target('/api/admin/explain', {request_id: request.request_id,
      id: request.id}));
    clear(more, ladder(answer));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    clear(more, h('p', {class: 'hint', text: sentence(error)}));
  }
}
