// Charts by Chart.js, which the page has loaded as a script of its own (window.Chart), in the
// page's colours.
import {listenTheme} from './theme_switch.js';
import {t} from './i18n.js';

const {Chart} = window;
const made = new Set();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const series = (index) => `--series-${index % 9}`;

function fade(text, share) {
  const [r, g, b] = text.slice(1).match(/../g).map((part) => parseInt(part, 16));
  return `rgba(${r}, ${g}, ${b}, ${share})`;
}

function paint(chart) {
  const grid = colour('--line');
  const text = colour('--text-3');
  for (const scale of Object.values(chart.options.scales)) {
    Object.assign(scale.grid, {color: grid, borderColor: grid, tickColor: 'transparent'});
    scale.ticks.color = text;
  }
  Object.assign(chart.options.plugins.tooltip, {backgroundColor: colour('--raised'),
    titleColor: colour('--text'), bodyColor: colour('--text-2'), borderColor: colour('--line')});
  for (const set of chart.data.datasets) {
    const line = colour(set.token);
    set.borderColor = line;
    set.pointHoverBackgroundColor = line;
    set.backgroundColor = chart.config.type === 'bar' ? line : set.fill ? fade(line, 0.13) : line;
  }
}

const TOOLTIP = {borderWidth: 1, padding: 10, cornerRadius: 8, boxWidth: 8, boxHeight: 8,
  boxPadding: 4, usePointStyle: true, titleFont: {weight: '600'}};

function create(canvas, config) {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 11;
  const chart = new Chart(canvas, config);
  made.add(chart);
  paint(chart);
  chart.update('none');
  return chart;
}

listenTheme(() => {
  for (const chart of made) {
    paint(chart);
    chart.update('none');
  }
});

function destroy(chart) {
  made.delete(chart);
  chart.destroy();
}

const scaleOf = (more) => ({grid: {}, ...more, ticks: {maxRotation: 0, ...more.ticks}});

const agoLabel = (seconds) => seconds === 0 ? t('chart.now') : t('chart.minutes',
  {n: Math.round(-seconds / 60)});

// The last minutes, a point a second. sets: [{label, token, fill}]; `format` is for the numbers.
// set(points) takes one list of numbers and nulls for each set, the last point being now.
export function liveChart(canvas, sets, format, seconds = 300) {
  const options = {
    animation: false, responsive: true, maintainAspectRatio: false, parsing: false,
    normalized: true, interaction: {mode: 'index', intersect: false},
    elements: {point: {radius: 0, hoverRadius: 3}, line: {borderWidth: 1.5, tension: 0.25}},
    scales: {
      x: scaleOf({type: 'linear', min: -seconds, max: 0,
        ticks: {stepSize: 60, callback: agoLabel}}),
      y: scaleOf({beginAtZero: true, ticks: {maxTicksLimit: 5, callback: (v) => format(v)}}),
    },
    plugins: {legend: {display: false}, tooltip: {...TOOLTIP, callbacks: {
      title: ([item]) => t('chart.ago', {n: Math.round(-item.parsed.x)}),
      label: (item) => ` ${item.dataset.label}  ${format(item.parsed.y)}`}}},
  };
  const chart = create(canvas, {type: 'line', options,
    data: {datasets: sets.map((set) => ({...set, data: []}))}});
  return {
    set(lists) {
      for (const [i, list] of lists.entries())
        chart.data.datasets[i].data = list.map((y, at) => ({x: at - list.length + 1, y}));
      chart.update('none');
    },
    destroy: () => destroy(chart),
  };
}

// Stacked bars over hours or days. set({labels, sets: [{label, token, data}], tick, title}): tick
// and title make a label's text for the axis ('' for none) and for the tooltip.
export function stackedChart(canvas, format) {
  let tick = String;
  let title = String;
  const options = {
    animation: false, responsive: true, maintainAspectRatio: false,
    interaction: {mode: 'index', intersect: false},
    scales: {
      x: scaleOf({stacked: true, ticks: {autoSkipPadding: 16, callback(value) {
        return tick(this.getLabelForValue(value)) || null;
      }}}),
      y: scaleOf({stacked: true, beginAtZero: true,
        ticks: {maxTicksLimit: 6, callback: (v) => format(v)}}),
    },
    plugins: {legend: {display: false}, tooltip: {...TOOLTIP, itemSort: (a, b) => b.raw - a.raw,
      filter: (item) => item.raw > 0,
      callbacks: {title: ([item]) => item ? title(item.label) : '',
        label: (item) => ` ${item.dataset.label}  ${format(item.raw)}`}}},
  };
  options.scales.x.grid.display = false;
  const chart = create(canvas, {type: 'bar', options, data: {labels: [], datasets: []}});
  return {
    set({labels, sets, ...texts}) {
      ({tick, title} = texts);
      chart.options.scales.x.ticks.autoSkip = !labels.some((label) => tick(label) === '');
      chart.data.labels = labels;
      chart.data.datasets = sets.map((set) => ({...set, maxBarThickness: 36,
        categoryPercentage: 0.86, barPercentage: 1}));
      paint(chart);
      chart.update('none');
    },
    destroy: () => destroy(chart),
  };
}
