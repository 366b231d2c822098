// Overview: what is going on, at a glance.
import {backIn, countStates, faultText, restOf, stateOf, STATES,
  stateText} from './account_state.js';
import * as api from './api.js';
import {liveChart} from './charts.js';
import {h, setHidden, setText} from './dom.js';
import {eventList} from './events.js';
import {FleetMap} from './fleet.js';
import * as f from './format.js';
import {t, word} from './i18n.js';
import {gatewayNow, live} from './live.js';
import {levelBar, panel, stateChip, tile} from './parts.js';
import {Reading} from './reading.js';

const POINTS = 300;      // seconds of history: five minutes
const SPARK_POINTS = 90;
const ATTENTION_MAX = 8;
const NEARLY_SPENT = 0.05;  // of an account's requests left
const PRIORITIES = ['urgent', 'high', 'normal', 'low'];
const SERIES = ['requests', 'errors', 'tokens', 'waiting', 'inflight', 'overhead_p50_us',
  'overhead_p99_us', 'ttft_p50_ms', 'ttft_p99_ms'];

const pointOf = (s) => ({
  requests: s.requests.per_second, errors: s.errors.per_second,
  tokens: s.tokens.prompt_per_second + s.tokens.completion_per_second,
  waiting: s.queue.depth, inflight: s.requests.inflight,
  overhead_p50_us: s.latency.overhead_us.p50, overhead_p99_us: s.latency.overhead_us.p99,
  ttft_p50_ms: s.latency.ttft_ms.p50, ttft_p99_ms: s.latency.ttft_ms.p99,
});

// What `list`, whose last point is of the second `end`, has for that second; null: nothing.
const pointAt = (list, end, second) => list[list.length - 1 - Math.round(end - second)] ?? null;

// The last five minutes, from the gateway's memory and from then on from the stream. A second that
// nobody knows is a gap.
class History {
  constructor() {
    this.lists = Object.fromEntries(SERIES.map((name) => [name, []]));
    this.end = 0;
  }

  // What the gateway remembers. What the stream has told beyond it stays: it may be newer, and the
  // gateway another than before.
  load({end, series}) {
    const last = Math.max(end, this.end);
    for (const name of SERIES)
      this.lists[name] = Array.from({length: POINTS}, (_, i) => {
        const second = last - (POINTS - 1 - i);
        return pointAt(series[name], end, second) ??
          pointAt(this.lists[name], this.end, second);
      });
    this.end = last;
  }

  // Returns how many seconds are missing before it.
  push(snapshot) {
    const steps = this.end ? Math.round(snapshot.timestamp - this.end) : 1;
    if (steps < 1) return 0;
    this.end = snapshot.timestamp;
    const point = pointOf(snapshot);
    const missed = Math.min(POINTS, steps - 1);
    for (const name of SERIES) {
      const list = this.lists[name];
      for (let i = 0; i < missed; i++) list.push(null);
      list.push(point[name]);
      if (list.length > POINTS) list.splice(0, list.length - POINTS);
    }
    return missed;
  }
}

function tiles() {
  const all = {
    requests: tile(t('tile.requests'), {spark: true}),
    errors: tile(t('tile.errors'), {spark: true, kind: 'bad'}),
    tokens: tile(t('tile.tokens'), {spark: true}),
    overhead: tile(t('tile.overhead')),
    ttft: tile(t('tile.ttft')),
    waiting: tile(t('tile.waiting')),
    capacity: tile(t('tile.capacity')),
    cost: tile(t('tile.cost')),
  };
  const queue = h('span', {class: 'ranks'}, PRIORITIES.map((rank) =>
    h('span', {class: `rank ${rank}`, title: word('priority', rank)},
      h('i', {text: word('priority', rank)}), h('b'))));
  all.waiting.sub.append(queue);
  const level = levelBar();
  all.capacity.sub.append(level.node);
  const node = h('dl', {class: 'tiles'}, Object.values(all).map((one) => one.node));
  return {node, set: (s, history) => setTiles(all, queue, level, s, history)};
}

function setTiles(all, queue, level, s, history) {
  const recent = (name) => history.lists[name].slice(-SPARK_POINTS);
  all.requests.set(f.rate(s.requests.per_second), t('unit.per_second'),
    t('tile.inflight', {n: f.whole(s.requests.inflight)}));
  all.requests.line.set(recent('requests'));
  const share = s.requests.per_second > 0 ? s.errors.per_second / s.requests.per_second : 0;
  all.errors.set(f.rate(s.errors.per_second), t('unit.per_second'),
    t('tile.errors.share', {share: f.percent(Math.min(1, share))}));
  all.errors.line.set(recent('errors'));
  all.tokens.set(f.compact(s.tokens.prompt_per_second + s.tokens.completion_per_second),
    t('unit.per_second'), t('tile.tokens.parts', {prompt: f.compact(s.tokens.prompt_per_second),
      completion: f.compact(s.tokens.completion_per_second)}));
  all.tokens.line.set(recent('tokens'));
  const {overhead_us: overhead, ttft_ms: ttft} = s.latency;
  all.overhead.set(f.microseconds(overhead.p50), 'p50', `p99 ${f.microseconds(overhead.p99)}`);
  all.ttft.set(f.milliseconds(ttft.p50), 'p50', `p99 ${f.milliseconds(ttft.p99)}`);
  all.waiting.set(f.whole(s.queue.depth), s.queue.depth
    ? t('tile.waiting.oldest', {span: f.milliseconds(s.queue.oldest_wait_ms)}) : '');
  for (const [i, rank] of PRIORITIES.entries())
    setText(queue.children[i].querySelector('b'), f.whole(s.queue.per_priority[rank]));
  const {tokens, capacity} = s.token_bucket;
  all.capacity.set(capacity ? f.percent(tokens / capacity, 0) : f.NONE,
    capacity ? t('tile.capacity.free') : '');
  level.set(tokens, capacity);
  if (!live.stored) all.cost.set(f.NONE, '', t('stored.not'));
  else all.cost.set(f.cost(s.today), '', s.today.unpriced
    ? t('usage.unpriced', {n: f.compact(s.today.unpriced)}) : t('tile.cost.sub', {
      requests: f.compact(s.today.requests), tokens: f.compact(s.today.tokens)}));
}

// [id, the series of History, their colours, how numbers are written]
const CHARTS = [
  ['traffic', [['requests', '--series-0', true], ['errors', '--bad']], f.rate],
  ['queue', [['inflight', '--series-0', true], ['waiting', '--warn']], f.rate],
  ['overhead', [['overhead_p99_us', '--series-1'], ['overhead_p50_us', '--series-0', true]],
    f.microseconds],
  ['ttft', [['ttft_p99_ms', '--series-1'], ['ttft_p50_ms', '--series-0', true]], f.milliseconds],
];

function charts() {
  const made = CHARTS.map(([id, parts, format]) => {
    const canvas = h('canvas', {role: 'img', 'aria-label': t(`chart.${id}`)});
    const key = h('div', {class: 'key'}, parts.map(([name, token]) =>
      h('span', {class: `swatch ${token.slice(2)}`, text: t(`series.${name}`)})));
    return {id, parts, format, canvas,
      node: panel(t(`chart.${id}`), {tools: key, kind: 'chart'},
        h('div', {class: 'canvas'}, canvas))};
  });
  return {
    node: h('div', {class: 'charts'}, made.map((one) => one.node)),
    draw(history) {
      for (const one of made) {
        one.chart ??= liveChart(one.canvas, one.parts.map(([name, token, fill]) =>
          ({label: t(`series.${name}`), token, fill})), one.format, POINTS);
        one.chart.set(one.parts.map(([name]) => history.lists[name]));
      }
    },
    stop: () => made.forEach((one) => one.chart?.destroy()),
  };
}

// Why it rests and until when.
function restText(account, now) {
  const {until, held} = restOf(account);
  const left = backIn(account, now);
  if (held) {
    const at = f.clock(Date.parse(until));
    return left ? t('attention.held', {at, left}) : t('attention.held_over', {at});
  }
  const n = account.consecutive_429_count;
  return left ? t('attention.cooling', {left, n}) : t('attention.cooled', {n});
}

// How urgent an account's state is, and why; 0: it is fine.
function trouble(account) {
  const now = gatewayNow();
  const back = backIn(account, now);
  switch (stateOf(account)) {
    case 'disabled': return [0];
    case 'error': return [5, 'error', faultText(account.last_error) || t('attention.refused')];
    case 'failing': return [4, 'failing', [back === t('failing.next') ? t('attention.probe')
      : t('attention.failing', {left: back}), faultText(account.last_error)].filter(Boolean)
      .join(' · ')];
    case 'cooling': return [2, 'cooling', restText(account, now)];
    default: break;
  }
  if (account.health === 'down') return [3, 'error', t('attention.down')];
  const {tokens, capacity} = account.rate_limiter;
  if (tokens <= capacity * NEARLY_SPENT) return [1, 'spent', t('attention.spent')];
  return [0];
}

function attention() {
  const list = h('ul', {class: 'attention'});
  const calm = h('p', {class: 'calm'});
  const more = h('a', {class: 'morelink', href: '#/accounts', hidden: true});
  const rows = [];
  function row() {
    const chip = stateChip();
    const name = h('a', {class: 'cut'});
    const why = h('span', {class: 'why lines'});
    const node = h('li', {}, chip.node, name, why);
    rows.push({node, chip, name, why});
    list.append(node);
    return rows.at(-1);
  }
  return {
    node: panel(t('attention.title'), {}, calm, list, more),
    set(accounts) {
      const bad = accounts.map((account) => ({account, trouble: trouble(account)}))
        .filter((one) => one.trouble[0] > 0).sort((a, b) => b.trouble[0] - a.trouble[0]);
      for (const [i, {account, trouble: [, state, why]}] of bad.slice(0, ATTENTION_MAX).entries()) {
        const shown = rows[i] ?? row();
        shown.chip.set(state, stateText(account, state));
        setText(shown.name, account.name);
        shown.name.href = `#/accounts?q=${encodeURIComponent(account.name)}`;
        setText(shown.why, why);
        shown.why.title = why;
        setHidden(shown.node, false);
      }
      for (const one of rows.slice(bad.length)) setHidden(one.node, true);
      setText(calm, t(accounts.length ? 'attention.none' : 'attention.nobody'));
      setHidden(calm, bad.length > 0);
      setHidden(more, bad.length <= ATTENTION_MAX);
      setText(more, t('attention.more', {n: bad.length - ATTENTION_MAX}));
    },
  };
}

// The states with their counts lead to their accounts.
function fleet() {
  const map = new FleetMap();
  const legend = h('div', {class: 'legend'});
  const none = h('p', {class: 'note'}, h('a', {href: '#/accounts', text: t('accounts.none')}));
  const chips = STATES.map((state) => {
    const chip = stateChip();
    legend.append(h('a', {href: `#/accounts?state=${state}`}, chip.node));
    return [state, chip];
  });
  return {
    node: panel(t('fleet.title'), {tools: legend}, map.node, none),
    set(accounts) {
      const counts = countStates(accounts);
      for (const [state, chip] of chips)
        chip.set(state, `${word('status', state)} ${f.whole(counts[state])}`);
      setHidden(map.node, accounts.length === 0);
      setHidden(none, accounts.length > 0);
      map.set(accounts, counts);
    },
    stop: map.stop,
  };
}

export function create() {
  const history = new History();
  const top = tiles();
  const pictures = charts();
  const map = fleet();
  const worries = attention();
  const events = eventList({limit: 8});
  const node = h('div', {class: 'stack'}, top.node, h('div', {class: 'split mixed'},
    h('div', {class: 'stack'}, map.node, pictures.node),
    h('div', {class: 'stack'}, worries.node, panel(t('events.title'), {kind: 'last',
      tools: h('a', {href: '#/cooldowns', text: t('all')})}, events.node))));
  const reading = new Reading(async (current) => {
    const past = await api.get('/api/admin/history');
    if (current()) history.load(past);
  });
  reading.again();
  return {
    node,
    snapshot(s) {
      if (history.push(s)) reading.soon();  // the gateway knows what was missed here
      top.set(s, history);
      map.set(s.backends);
      worries.set(s.backends);
      pictures.draw(history);
      events.follow(s.last_event_id);
    },
    stop() {
      reading.stop();
      events.stop();
      pictures.stop();
      map.stop();
    },
  };
}

