// What happened: accounts that cool, breakers that open, logins that fail, changes.
import * as api from './api.js';
import {clear, h, icon, setText} from './dom.js';
import {ago, moment} from './format.js';
import {said, t, word} from './i18n.js';
import {gatewayNow} from './live.js';
import {Reading} from './reading.js';

const SHAPE = {info: 'info', warning: 'error', error: 'error'};
const OF_KIND = {cooldown_begun: 'cooling', cooldown_ended: 'healthy', breaker_opened: 'failing',
  breaker_closed: 'healthy', account_recovered: 'healthy', retreat_begun: 'down'};

// What happened, in the page's language where it has the words: by the kind, by `what` where a kind
// has several texts, and with the event's values. Else as the gateway says it.
function textOf({kind, values = {}, text}) {
  const key = `happened.${kind}${values.what ? `.${values.what}` : ''}`;
  const words = {...values};
  if (values.state) words.state = word('health', values.state);
  if (values.fault) words.fault = word('fault', values.fault);
  return said(key, words) ?? text;
}

function line(event) {
  const name = OF_KIND[event.kind] ?? SHAPE[event.severity] ?? 'info';
  return h('li', {class: `event ${event.severity}`}, icon(name),
    h('div', {}, h('p', {}, h('strong', {text: word('event', event.kind)}), ' ',
      h('b', {text: event.account ?? event.client ?? ''}), ' ', h('span', {text: textOf(event)})),
    h('time', {datetime: event.at, title: moment(event.at)})));
}

// follow(last id), once a second, reads the list again when there is something newer.
export function eventList({limit = 50} = {}) {
  const list = h('ul', {class: 'events'});
  const node = h('div', {}, list);
  let wanted = -1;
  const reading = new Reading(async (current) => {
    const {events} = await api.get(api.target('/api/admin/events', {limit}));
    if (!current()) return;
    clear(list, events.length ? events.map(line) : h('li', {class: 'empty',
      text: t('events.none')}));
    tellAges();
  });
  const tellAges = () => {
    const now = gatewayNow();
    for (const time of list.querySelectorAll('time')) setText(time, ago(time.dateTime, now));
  };
  return {
    node,
    follow(lastId) {
      if (lastId !== wanted) reading.soon();
      else tellAges();
      wanted = lastId;
    },
    stop: () => reading.stop(),
  };
}
