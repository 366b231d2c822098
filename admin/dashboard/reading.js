// What a page reads itself, beside the stream: again and again, or when it has to; and how old that
// is. A reading that fails leaves what was there and is tried again, and app.js says over the page
// that it is old: nothing else has to tell of it.
import {ApiError} from './api.js';
import {t} from './i18n.js';
import {gatewayNow, live, tellStored} from './live.js';
import {sentence} from './parts.js';

const AGAIN_MS = 3000;  // how often: what fails is seen within 5 s
const SHARE = 8;        // ... but asking takes at most one of so many parts of the time
const AGAIN_MS_MAX = 15_000;
const LATE_MS = 1200;   // an answer that takes longer than this, and twice as long as the last ...
const OLD_MS = 4000;    // ... is late when what is shown is as old as this

const all = new Set();  // of the page that is shown

export class Reading {
  // read(current) asks and shows; it shows nothing when current() is false by then: something else
  // has been asked for since. `repeats`: also without being told.
  constructor(read, {repeats = false, everyMs = AGAIN_MS} = {}) {
    Object.assign(this, {read, repeats, everyMs, fault: null, asked: null, askedAt: 0, heardAt: 0,
      shownAt: 0, took: 0, timer: 0, due: false, born: performance.now()});
    this.seen = () => document.hidden || !this.repeats || this.again();
    document.addEventListener('visibilitychange', this.seen);
    all.add(this);
  }

  // Now: something else is wanted than what may be asked for just then.
  async again() {
    clearTimeout(this.timer);
    this.due = false;
    const asked = this.asked = {};
    this.askedAt = performance.now();
    try {
      await this.read(() => asked === this.asked);
      if (asked !== this.asked) return;
      this.fault = null;
      this.heardAt = performance.now();
      this.shownAt = gatewayNow();
      this.took = this.heardAt - this.askedAt;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      if (asked !== this.asked) return;
      if (fault.code === 'not_stored' && live.stored) return void tellStored(false);
      this.fault = fault;
    }
    this.askedAt = 0;
    if (this.due) this.again();
    else this.#plan();
  }

  // The same once more: changes that come faster than answers must not keep all of them away.
  soon() {
    if (this.askedAt > 0) this.due = true;
    else this.again();
  }

  #plan() {
    clearTimeout(this.timer);
    if (this.fault?.status === 401 || !(this.repeats || this.fault)) return;
    const wait = this.fault ? AGAIN_MS
      : Math.min(AGAIN_MS_MAX, Math.max(this.everyMs, SHARE * this.took));
    this.timer = setTimeout(() => document.hidden ? this.#plan() : this.again(), wait);
  }

  // There is nothing to read for now, and nothing is shown; what comes yet is dropped.
  rest() {
    clearTimeout(this.timer);
    Object.assign(this, {asked: null, askedAt: 0, due: false, fault: null, shownAt: 0});
  }

  follow(yes) {
    this.repeats = yes;
    if (yes) this.again();
    else this.#plan();
  }

  // Null, or how old what is shown is: {at (by the gateway's clock; 0: nothing is shown), seconds,
  // why (a sentence)}.
  old() {
    const now = performance.now();
    const age = now - Math.max(this.heardAt, this.born);
    const waits = this.askedAt > 0 && now - this.askedAt > Math.max(LATE_MS, 2 * this.took);
    // Asked for less often because answers take long, it is old until the next one comes.
    const late = age > OLD_MS && (waits || (this.repeats && this.took * SHARE > OLD_MS));
    if (this.fault?.status === 401 || !(this.fault || late)) return null;
    return {at: this.shownAt, seconds: (now - this.heardAt) / 1000,
      why: this.fault ? sentence(this.fault) : t(waits ? 'read.late' : 'read.slow')};
  }

  stop() {
    this.asked = null;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.seen);
    all.delete(this);
  }
}

// The oldest of what the page has read itself and cannot read again; null: all of it is new.
export const oldest = () => [...all].map((one) => one.old()).filter(Boolean)
  .sort((a, b) => a.at - b.at)[0] ?? null;

export function readAgain() {
  for (const one of all) if (one.old()) one.soon();
}
