// What a proxy used while it worked, in short intervals, so that those in which others disturbed it
// can be left out.

// An interval is quiet when all others together had less than this share of one core.
export const FOREIGN_SHARE_MAX = 0.12;
export const INTERVAL_MS = 400;  // forty ticks of the CPU's accounts

// Readings, one after the other, each {at_ns, units, cpu: {total_ns, busiest_ns, user_ticks,
// system_ticks},
// own_ns, busy_ns}: `units` were served so far, `own_ns` is the CPU of everything that belongs to
// the measurement, `busy_ns` that of the machine. Returns
//   {units_per_s, cpu_us, busiest_us, user_us, system_us, core_share, intervals, quiet}
// CPU for each unit, over the quiet intervals, or over all when none is.
export function usage(readings) {
  const intervals = [];
  for (let i = 1; i < readings.length; ++i) {
    const [a, b] = [readings[i - 1], readings[i]];
    const took_ns = b.at_ns - a.at_ns;
    const foreign_ns = (b.busy_ns - a.busy_ns) - (b.own_ns - a.own_ns);
    intervals.push({
      took_ns,
      units: b.units - a.units,
      cpu_ns: b.cpu.total_ns - a.cpu.total_ns,
      busiest_ns: b.cpu.busiest_ns - a.cpu.busiest_ns,
      quiet: foreign_ns < FOREIGN_SHARE_MAX * took_ns,
    });
  }
  const quiet = intervals.filter((one) => one.quiet);
  const taken = quiet.length > 0 ? quiet : intervals;
  const sum = (what) => taken.reduce((all, one) => all + one[what], 0);
  if (!(sum('units') > 0)) throw new Error('nothing was served while it was measured');
  const [first, last] = [readings[0], readings.at(-1)];
  const user = last.cpu.user_ticks - first.cpu.user_ticks;
  const system = last.cpu.system_ticks - first.cpu.system_ticks;
  const cpu_us = sum('cpu_ns') / 1000 / sum('units');
  const user_share = user + system > 0 ? user / (user + system) : 0;
  return {
    units_per_s: sum('units') / sum('took_ns') * 1e9,
    cpu_us,
    busiest_us: sum('busiest_ns') / 1000 / sum('units'),
    user_us: cpu_us * user_share,
    system_us: cpu_us * (1 - user_share),
    core_share: sum('cpu_ns') / sum('took_ns'),
    intervals: intervals.length,
    quiet: quiet.length,
  };
}
