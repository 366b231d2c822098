// Numbers, money and times as people read them, in the page's language.
import {language, t} from './i18n.js';

const formats = new Map();
function numbers(options) {
  const key = language() + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language(), options));
  return formats.get(key);
}
const times = new Map();
function dates(options) {
  const key = language() + JSON.stringify(options);
  if (!times.has(key)) times.set(key, new Intl.DateTimeFormat(language(), options));
  return times.get(key);
}

export const NONE = '–';
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

export const whole = (value) => known(value) ? numbers({maximumFractionDigits: 0}).format(value)
  : NONE;

// 1,234 as it is, more in thousands and millions.
export function compact(value) {
  if (!known(value)) return NONE;
  if (Math.abs(value) < 10_000) return whole(value);
  const [unit, by] = Math.abs(value) >= 1e9 ? ['G', 1e9] : Math.abs(value) >= 1e6 ? ['M', 1e6]
    : ['k', 1e3];
  const part = value / by;
  return numbers({maximumFractionDigits: Math.abs(part) < 100 ? 1 : 0}).format(part) + unit;
}

export function rate(value) {
  if (!known(value)) return NONE;
  if (value >= 10_000) return compact(value);
  return numbers({maximumFractionDigits: value < 10 ? 1 : 0}).format(value);
}

const dollars = (value, most) => numbers({style: 'currency', currency: 'USD',
  currencyDisplay: 'narrowSymbol', minimumFractionDigits: Math.min(2, most),
  maximumFractionDigits: most}).format(value);

const CENTS_OF = 10_000;   // less is shown with its cents
const DIGITS = 3;          // at least: half of the last of them is less than 1 %
const PLACES_MAX = 12;

// What was spent: cents, and behind them as much as makes DIGITS digits of a small sum.
export function money(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size >= CENTS_OF) return dollars(value, 0);
  const places = size > 0 && size < 1 ? DIGITS - 1 - Math.floor(Math.log10(size)) : 2;
  return dollars(value, Math.min(PLACES_MAX, places));
}

// What somebody has set, a price or a budget: all of it.
export const setMoney = (value) => known(value) ? dollars(value, PLACES_MAX) : NONE;

// What sums cost ({cost, unpriced}): where some had no price it is more than that, or unknown.
export function cost({cost: known = 0, unpriced = 0}) {
  if (!unpriced) return money(known);
  return known ? t('cost.over', {sum: money(known)}) : t('cost.unknown');
}

export const percent = (value, digits = 1) => known(value)
  ? numbers({style: 'percent', maximumFractionDigits: digits}).format(value) : NONE;

// A time of a few digits with its unit: 52 µs, 1.24 ms, 3.1 s.
export function microseconds(value) {
  if (!known(value)) return NONE;
  if (value < 1000) return `${whole(value)} µs`;
  return milliseconds(value / 1000);
}
export function milliseconds(value) {
  if (!known(value)) return NONE;
  if (value > 0 && value < 1) return `${whole(value * 1000)} µs`;
  if (value < 10) return `${numbers({maximumFractionDigits: 1}).format(value)} ms`;
  if (value < 1000) return `${whole(value)} ms`;
  if (value < 60_000) return `${numbers({maximumFractionDigits: 2}).format(value / 1000)} s`;
  return length(value / 1000);
}

// 0:07, 9:59, 1:02:03
export function clockSpan(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(left / 60);
  if (minutes < 60) return `${minutes}:${two(left % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(left % 60)}`;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

// How long ago something was, about: 119 s, 5 min, 3 h, 12 d.
export function span(seconds) {
  if (!known(seconds)) return NONE;
  const [unit, by] = seconds < 2 * MINUTE ? ['second', 1] : seconds < 2 * HOUR ? ['minute', MINUTE]
    : seconds < 2 * DAY ? ['hour', HOUR] : ['day', DAY];
  return t(`span.${unit}`, {n: Math.max(0, Math.round(seconds / by))});
}

// How long something took or takes, to the second, from two hours on to the minute: 95 s, 2 min,
// 2:30 min, 26:05 h.
export function length(seconds) {
  const all = Math.round(seconds);
  if (!known(seconds) || all < 2 * MINUTE) return span(seconds);
  const [unit, by, part] = all < 2 * HOUR ? ['minute', MINUTE, 1] : ['hour', HOUR, MINUTE];
  const parts = Math.round(all / part);
  const rest = parts % (by / part);
  const whole = Math.floor(parts / (by / part));
  return t(`span.${unit}`, {n: rest ? `${whole}:${String(rest).padStart(2, '0')}` : whole});
}
export const ago = (iso, now) => iso ? t('time.ago', {span: span((now - Date.parse(iso)) / 1000)})
  : NONE;

export const clock = (ms) => dates({hour: '2-digit', minute: '2-digit', second: '2-digit',
  hourCycle: 'h23'}).format(ms);
export const moment = (iso) => iso ? dates({month: 'short', day: 'numeric', hour: '2-digit',
  minute: '2-digit', second: '2-digit', hourCycle: 'h23'}).format(Date.parse(iso)) : NONE;
export const day = (iso) => iso ? dates({year: 'numeric', month: 'short', day: 'numeric'})
  .format(Date.parse(iso)) : NONE;
// Of a text or of milliseconds.
export const date = (at) => at ? dates({year: 'numeric', month: 'short', day: 'numeric',
  hour: '2-digit', minute: '2-digit', hourCycle: 'h23'}).format(new Date(at)) : NONE;

// Of usage: days are the gateway's, in UTC; hours are the reader's own.
export const dayShort = (iso) => dates({month: 'short', day: 'numeric', timeZone: 'UTC'})
  .format(Date.parse(iso));
export const dayLong = (iso) => dates({month: 'short', day: 'numeric', timeZone: 'UTC',
  timeZoneName: 'short'}).format(Date.parse(iso));
export const hourShort = (iso) => dates({hour: '2-digit', minute: '2-digit', hourCycle: 'h23'})
  .format(Date.parse(iso));
export const hourLong = (iso) => dates({weekday: 'short', month: 'short', day: 'numeric',
  hour: '2-digit', minute: '2-digit', hourCycle: 'h23'}).format(Date.parse(iso));
export const minute = (iso) => dates({month: 'short', day: 'numeric', hour: '2-digit',
  minute: '2-digit', hourCycle: 'h23'}).format(Date.parse(iso));
export const isMidnight = (iso) => new Date(iso).getHours() === 0;
export const localDay = (iso) => dates({month: 'short', day: 'numeric'}).format(Date.parse(iso));

// For <input type="datetime-local">, in the reader's own time zone; and back.
export function localInput(ms) {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
export const fromLocalInput = (text) => text ? new Date(text).toISOString() : undefined;
