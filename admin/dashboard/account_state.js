// What state an account is in, for how long, and why. The API's status has the predecessor's words;
// a breaker that is not closed makes a healthy one `failing`, as sluice_account_state has it.
import {ago, clockSpan} from './format.js';
import {t, word} from './i18n.js';

export const STATES = ['healthy', 'cooling', 'failing', 'error', 'disabled'];
const RANK = {error: 0, failing: 1, cooling: 2, healthy: 3, disabled: 4};

export const stateOf = (account) => account.status === 'healthy' && account.breaker ? 'failing'
  : account.status;
export const rankOf = (account) => RANK[stateOf(account)];
// Its chip: an account whose provider has said that nothing is left cools without a 429.
export const stateText = (account, state = stateOf(account)) => state === 'cooling' &&
  restOf(account).held ? t('status.held') : word('status', state);
export const isUsable = (account) => stateOf(account) === 'healthy';
export const countStates = (accounts) => {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const account of accounts) ++counts[stateOf(account)];
  return counts;
};

const secondsTo = (iso, now) => iso ? (Date.parse(iso) - now) / 1000 : 0;

// What keeps one that cools for the longest: a 429, or (`held`) that its provider says that nothing
// is left.
export function restOf({cooldown_until: cooldown = null, hold_until: hold = null}) {
  const held = hold !== null && (cooldown === null || Date.parse(hold) > Date.parse(cooldown));
  return {until: held ? hold : cooldown, held};
}

// How long until it is used again: a clock, or that the next request tries it: a breaker's time
// runs out without any, and then nothing changes before one comes. "" where time changes nothing.
export function backIn(account, now) {
  const state = stateOf(account);
  if (state === 'cooling') {
    const left = secondsTo(restOf(account).until, now);
    return left > 0 ? clockSpan(left) : '';
  }
  if (state !== 'failing') return '';
  const left = secondsTo(account.breaker.open_until, now);
  return left > 0 ? clockSpan(left) : t('failing.next');
}

// What failed last, in the page's language where the gateway has a word for it.
export function faultText(fault) {
  if (!fault) return '';
  const known = fault.kind === 'unopened' || !fault.kind ? '' : word('fault', fault.kind);
  const what = fault.kind === 'unopened' ? t('fault.unopened', {why: fault.summary})
    : known && known !== fault.kind ? known : fault.summary;
  return fault.status ? `${fault.status} ${what}` : what;
}
export const faultAgo = (fault, now) => fault ? `${ago(fault.at, now)} · ${faultText(fault)}` : '';
