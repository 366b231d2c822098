// From runs to a table.

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const METRICS = ['cpu_us', 'busiest_us', 'user_us', 'system_us', 'units_per_s', 'p50_us', 'p99_us',
  'added_p50_us', 'added_p99_us', 'core_share', 'rss_kib', 'pss_kib', 'own_kib',
  'connection_bytes'];
const RATIOS = ['cpu_us', 'units_per_s', 'p50_us', 'p99_us', 'added_p50_us', 'added_p99_us',
  'own_kib', 'connection_bytes'];
const AGAINST = ['nginx', 'haproxy'];

const spread = (numbers) => ({
  median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers)});

// Added latency: what the same round took with no proxy in between.
export function withAdded(round) {
  const direct = round.direct;
  if (!direct) return round;
  return Object.fromEntries(Object.entries(round).map(([peer, run]) => {
    if (peer === 'direct' || run.p50_us === undefined) return [peer, run];
    return [peer, {...run, added_p50_us: run.p50_us - direct.p50_us,
      added_p99_us: run.p99_us - direct.p99_us}];
  }));
}

// Of each metric the better of nginx and HAProxy: one may take less CPU, the other answer sooner.
// Null when neither has run.
function better(peers) {
  const there = AGAINST.filter((peer) => peers[peer]);
  if (there.length === 0) return null;
  const best = {};
  for (const metric of RATIOS) {
    const sign = metric === 'units_per_s' ? -1 : 1;
    const of = (peer) => sign * peers[peer][metric].median;
    const measured = there.filter((peer) => peers[peer][metric]);
    if (measured.length > 0) [best[metric]] = measured.toSorted((a, b) => of(a) - of(b));
  }
  return best;
}

// `rounds`: [{peer: run}], a run being {metric: number}; a peer whose run failed is not there.
// `order`: the peers' names as they are to be shown. `against`: {name: peer} that all are compared
// with, or {name: {metric: peer}}; by default the relay and the better of nginx and HAProxy.
// Returns {peers: {peer: {metric: spread}}, against, ratios: {peer: {name: {metric: spread}}}},
// where a spread is {median, min, max}. A ratio is taken within each round, since the machine
// drifts; then the median.
export function summarize(rounds, order, against = null) {
  const all = rounds.map(withAdded);
  const names = order.filter((peer) => all.some((round) => round[peer]));
  const peers = {};
  for (const peer of names) {
    const runs = all.map((round) => round[peer]).filter(Boolean);
    peers[peer] = {runs: runs.length};
    for (const metric of METRICS) {
      const numbers = runs.map((run) => run[metric]).filter((number) => number !== undefined);
      if (numbers.length > 0) peers[peer][metric] = spread(numbers);
    }
  }
  const bases = against ??
    {relay: peers['relay-uring'] ? 'relay-uring' : null, better: better(peers)};
  const ratios = {};
  for (const peer of names) {
    ratios[peer] = {};
    for (const [to, base] of Object.entries(bases)) {
      const found = ratiosOf(all, peer, base);
      if (Object.keys(found).length > 0) ratios[peer][to] = found;
    }
  }
  return {peers, against: bases, ratios};
}

function ratiosOf(rounds, peer, bases) {
  const found = {};
  for (const metric of RATIOS) {
    const base = typeof bases === 'string' ? bases : bases?.[metric];
    if (!base || base === peer) continue;
    const numbers = rounds.filter((round) => round[peer] && round[base])
      .map((round) => round[peer][metric] / round[base][metric]).filter(Number.isFinite);
    if (numbers.length > 0) found[metric] = spread(numbers);
  }
  return found;
}

function number(value, digits = 3) {
  if (value === undefined || !Number.isFinite(value)) return '-';
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))));
  return value.toFixed(Math.min(places, 2));
}

const COLUMNS = [
  ['CPU us', (one) => one.cpu_us?.median],
  ['thread', (one) => one.busiest_us?.median],
  ['user', (one) => one.user_us?.median],
  ['system', (one) => one.system_us?.median],
  ['core', (one) => one.core_share?.median],
  ['per s', (one) => one.units_per_s?.median],
  ['p50 us', (one) => one.p50_us?.median],
  ['p99 us', (one) => one.p99_us?.median],
  ['+p50', (one) => one.added_p50_us?.median],
  ['+p99', (one) => one.added_p99_us?.median],
  ['own MiB', (one) => one.own_kib?.median / 1024],
  ['B/conn', (one) => one.connection_bytes?.median],
];
const RATIO_COLUMNS = [['cpu', 'cpu_us'], ['per s', 'units_per_s'], ['+p50', 'added_p50_us'],
  ['+p99', 'added_p99_us'], ['own MiB', 'own_kib'], ['B/conn', 'connection_bytes']];
const NAME_WIDTH = 13;
const WIDTH = 9;
const RANGE_WIDTH = 15;

const line = (name, cells) => (name.padEnd(NAME_WIDTH) + cells.join('')).trimEnd();
const cell = (text) => text.padStart(WIDTH);
const range = (found) =>
  (found ? `${number(found.min)}..${number(found.max)}` : '').padStart(RANGE_WIDTH);

// The lines of a workload's tables: medians, then ratios.
export function table(unit, {peers, against, ratios}) {
  const lines = [line(`per ${unit}`,
    [...COLUMNS.map(([title]) => cell(title)), 'CPU min..max'.padStart(RANGE_WIDTH)])];
  for (const [peer, one] of Object.entries(peers))
    lines.push(line(peer, [...COLUMNS.map(([, of]) => cell(number(of(one)))), range(one.cpu_us)]));
  for (const [to, name] of Object.entries(against)) {
    const compared = Object.entries(ratios).filter(([peer, of]) => of[to] && peer !== 'direct');
    if (compared.length === 0) continue;
    lines.push('', line(`/ ${typeof name === 'string' ? name : to}`, RATIO_COLUMNS.flatMap(
      ([title]) => [cell(title), 'min..max'.padStart(RANGE_WIDTH)])));
    for (const [peer, of] of compared) {
      lines.push(line(peer, RATIO_COLUMNS.flatMap(([, metric]) =>
        [cell(number(of[to][metric]?.median)), range(of[to][metric])])));
    }
  }
  return lines;
}
