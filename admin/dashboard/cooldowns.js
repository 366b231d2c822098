// Cooldowns: which accounts rest now and until when, which did, and what else happened.
import {faultText, restOf, stateOf} from './account_state.js';
import * as api from './api.js';
import {clear, h, setHidden, setText} from './dom.js';
import {eventList} from './events.js';
import * as f from './format.js';
import {t} from './i18n.js';
import {gatewayNow, live} from './live.js';
import {chip, countdown, longText, panel} from './parts.js';
import {Reading} from './reading.js';
import {Table} from './table.js';

const HISTORY = 100;

function nowColumns() {
  return [
    {id: 'account', label: t('usage.account'), sort: (a) => a.name, head: true, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        return (a) => set(a.name);
      }},
    {id: 'left', label: t('cooldowns.left'), sort: (a) => a.until, class: 'levels',
      make: (cell) => {
        const fill = h('span', {class: 'fill'});
        const text = h('span', {class: 'of'});
        cell.append(h('span', {class: 'level'}, h('span', {class: 'bar cooling',
          'aria-hidden': 'true'}, fill), text));
        return (a) => {
          const now = gatewayNow();
          const left = (Date.parse(a.until) - now) / 1000;
          fill.style.transform = `scaleX(${Math.max(0, Math.min(1, left / a.whole))})`;
          setText(text, countdown(a.until, now));
        };
      }},
    {id: 'count', label: t('cooldowns.count'), number: true, down: true,
      sort: (a) => a.consecutive_429_count,
      text: (a) => a.held ? f.NONE : f.whole(a.consecutive_429_count)},
    {id: 'until', label: t('cooldowns.until'), sort: (a) => a.until,
      text: (a) => f.clock(Date.parse(a.until))},
    {id: 'why', label: t('cooldowns.why'), class: 'wide', make: (cell) => {
      const set = longText(cell);
      return (a) => set(a.held ? t('cooldowns.held') : faultText(a.last_error));
    }},
  ];
}

function pastColumns() {
  return [
    {id: 'account', label: t('usage.account'), sort: (c) => c.account, head: true, class: 'wide',
      make: (cell) => {
        const set = longText(cell);
        return (c) => set(c.account);
      }},
    {id: 'started', label: t('cooldowns.started'), sort: (c) => c.started_at, down: true,
      text: (c) => f.moment(c.started_at)},
    {id: 'ended', label: t('cooldowns.ended'), sort: (c) => c.ended_at, down: true,
      make: (cell) => {
        let shown = '';
        return (c) => {
          const text = c.ended_at ? f.moment(c.ended_at) : '';
          if (text === shown && shown) return;
          shown = text;
          clear(cell, text || chip(t('cooldowns.running'), 'cooling', 'cooling'));
        };
      }},
    {id: 'seconds', label: t('cooldowns.seconds'), number: true, down: true,
      sort: (c) => c.cooldown_seconds, text: (c) => f.length(c.cooldown_seconds)},
    {id: 'count', label: t('cooldowns.count'), number: true, down: true,
      sort: (c) => c.consecutive_count, text: (c) => f.whole(c.consecutive_count)},
    {id: 'why', label: t('cooldowns.why'), class: 'wide', make: (cell) => {
      const set = longText(cell);
      return (c) => set(c.response_summary);
    }},
  ];
}

export function create() {
  const now = new Table({columns: nowColumns(), key: (a) => a.id, caption: t('cooldowns.now'),
    empty: 'cooldowns.none', sort: {id: 'left', down: false}});
  const past = new Table({columns: pastColumns(), key: (c) => c.id,
    caption: t('cooldowns.past'), sort: {id: 'started', down: true},
    empty: live.stored ? 'cooldowns.never' : 'stored.not'});
  const events = eventList({limit: 200});
  const note = h('span', {class: 'count'});
  const longest = new Map();  // account id -> [until, seconds]: how long the whole one is
  let seen = -1;

  function wholeOf(account) {
    const [until] = longest.get(account.id) ?? [];
    if (until !== account.until)
      longest.set(account.id, [account.until,
        Math.max(1, (Date.parse(account.until) - gatewayNow()) / 1000)]);
    return longest.get(account.id)[1];
  }
  const reading = new Reading(async (current) => {
    const rows = await api.get(api.target('/api/admin/stats/cooldown', {limit: HISTORY}));
    if (!current()) return;
    for (const row of rows)
      if (!row.ended_at && row.backend_id && longest.has(row.backend_id))
        longest.get(row.backend_id)[1] = row.cooldown_seconds;
    past.show(rows);
  });
  if (!live.stored) past.show([]);
  return {
    node: h('div', {class: 'split'}, h('div', {class: 'stack'},
      panel(t('cooldowns.now'), {tools: note}, now.node),
      panel(t('cooldowns.past'), {note: t('cooldowns.last', {n: HISTORY})}, past.node)),
    panel(t('events.title'), {kind: 'long'}, events.node)),
    snapshot(s) {
      const cooling = s.backends.filter((a) => stateOf(a) === 'cooling')
        .map((a) => ({...a, ...restOf(a)})).filter((a) => a.until);
      now.show(cooling.map((a) => ({...a, whole: wholeOf(a)})));
      setText(note, t('cooldowns.effective', {now: f.whole(s.retreat.effective_rpm),
        of: f.whole(s.retreat.base_rpm)}));
      setHidden(note, s.retreat.accounts === 0);
      if (s.last_event_id !== seen && live.stored) reading.soon();
      seen = s.last_event_id;
      events.follow(s.last_event_id);
    },
    tick: () => live.snapshot && now.refresh(),
    stop() {
      reading.stop();
      events.stop();
    },
  };
}
