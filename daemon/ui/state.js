// SPDX-License-Identifier: GPL-2.0
/**
 * Everything that decides what the page shows, kept in the URL's fragment, so
 * that a copied link shows the same to whoever opens it. The fragment never
 * reaches the server. Values at their default are left out.
 */

/**
 * @typedef {object} State
 * @property {string} from    as the API takes it: now-5m, unix ms
 * @property {string} until
 * @property {string} query   selector with braces, "" all processes
 * @property {string} host    of imported ranges, "*" all; "" this host
 * @property {'flame'|'top'|'sandwich'|'services'} view
 * @property {boolean} inverted  bottom-up
 * @property {boolean} flame     root at the bottom
 * @property {number[]} zoom  function keys from the root down
 * @property {number[]|null} window  fractions of the root, null: the zoomed box
 * @property {string} search
 * @property {'function'|'line'|'binary'|'category'} merge  what a box stands for
 * @property {string} sort    column of the top table, "-" in front: smallest first
 * @property {number|null} focus  function key of the sandwich
 * @property {'auto'|'light'|'dark'} theme
 * @property {boolean} live
 * @property {string} spanFrom   ends of the time line, "" where they follow the range
 * @property {string} spanUntil
 * @property {string} by      label that the time line is stacked by, "total": none
 * @property {'area'|'heat'} chart
 * @property {'auto'|'local'|'utc'} zone
 * @property {boolean} compare   two sides: A is the base, B is what the fields above say
 * @property {string|null} aQuery  null: as side B
 * @property {string} aFrom
 * @property {string} aUntil
 * @property {'new'|'change'} width  what a box's width stands for
 * @property {'cores'|'share'} scale what is compared
 * @property {string} file    name of the opened file on show (side B), "" the daemon's history
 * @property {string} aFile
 * @property {string} type    sample type of the file
 */

const text = { read: (s) => s, write: (v) => v };
/** A selector as somebody typed it: braces may be left out. */
export function braced(typed) {
  const s = typed.trim();
  return s && !/^[\w:]*\{/.test(s) ? `{${s}}` : s;
}
const selector = { read: braced, write: (v) => v };
const flag = { read: (s) => s === '1', write: (v) => (v ? '1' : '0') };
const oneOf = (...list) => ({ read: (s) => (list.includes(s) ? s : undefined), write: (v) => v });
const key36 = (s) => {
  const v = parseInt(s, 36);
  return /^[0-9a-z]{1,7}$/.test(s) && v <= 0xffffffff ? v : undefined;
};
const keys = {
  read(s) {
    const list = s.split('.').map(key36);
    return list.length <= 1024 && list.every((v) => v !== undefined) ? list : undefined;
  },
  write: (v) => v.map((k) => k.toString(36)).join('.'),
};
const key = { read: key36, write: (v) => v.toString(36) };
const span = {
  read(s) {
    const [a, b] = s.split('-').map(Number);
    return a >= 0 && b <= 1 && a < b ? [a, b] : undefined;
  },
  write: (v) => v.map((f) => f.toFixed(9).replace(/0+$/, '').replace(/\.$/, '')).join('-'),
};
/* what the API understands, so that nothing odd is sent on behalf of a link */
const time = { read: (s) => (/^(now(-\d{1,9}(s|m|h|d))?|\d{10,19})$/.test(s) ? s : undefined), write: (v) => v };

const SORTS = ['self', 'total', 'name', 'object', 'a', 'b', 'delta', 'ratio'];
/* a label's name, as in Prometheus */
const label = { read: (s) => (/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(s) ? s : undefined), write: (v) => v };

const FIELDS = {
  from: { name: 'from', type: time, initial: 'now-5m' },
  until: { name: 'until', type: time, initial: 'now' },
  query: { name: 'q', type: selector, initial: '' },
  host: { name: 'host', type: text, initial: '' },
  view: { name: 'view', type: oneOf('flame', 'top', 'sandwich', 'services'), initial: 'flame' },
  inverted: { name: 'inv', type: flag, initial: false },
  flame: { name: 'up', type: flag, initial: false },
  zoom: { name: 'zoom', type: keys, initial: [] },
  window: { name: 'win', type: span, initial: null },
  search: { name: 's', type: text, initial: '' },
  merge: { name: 'merge', type: oneOf('function', 'line', 'binary', 'category'), initial: 'function' },
  sort: { name: 'sort', type: oneOf(...SORTS, ...SORTS.map((k) => `-${k}`)), initial: 'self' },
  focus: { name: 'fn', type: key, initial: null },
  theme: { name: 'theme', type: oneOf('auto', 'light', 'dark'), initial: 'auto' },
  live: { name: 'live', type: flag, initial: true },
  spanFrom: { name: 'tf', type: time, initial: '' },
  spanUntil: { name: 'tu', type: time, initial: '' },
  by: { name: 'by', type: label, initial: 'service_name' },
  chart: { name: 'chart', type: oneOf('area', 'heat'), initial: 'area' },
  zone: { name: 'tz', type: oneOf('auto', 'local', 'utc'), initial: 'auto' },
  compare: { name: 'cmp', type: flag, initial: false },
  aQuery: { name: 'aq', type: selector, initial: null },
  aFrom: { name: 'af', type: time, initial: 'now-10m' },
  aUntil: { name: 'au', type: time, initial: 'now-5m' },
  width: { name: 'w', type: oneOf('new', 'change', 'sides'), initial: 'new' },
  scale: { name: 'scale', type: oneOf('cores', 'share'), initial: 'cores' },
  file: { name: 'file', type: text, initial: '' },
  aFile: { name: 'afile', type: text, initial: '' },
  type: { name: 'type', type: text, initial: '' },
};

/** @returns {State} */
export function initialState() {
  return Object.fromEntries(Object.entries(FIELDS).map(([k, f]) => [k, f.initial]));
}

/** What a fragment says; whatever it says wrongly is left at its default. @returns {State} */
export function readState(fragment) {
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  const state = initialState();
  for (const [k, f] of Object.entries(FIELDS)) {
    const v = params.has(f.name) ? f.type.read(params.get(f.name)) : undefined;
    if (v !== undefined) state[k] = v;
  }
  return state;
}

/** @param {State} state @returns {string} "" or "#..." */
export function writeState(state) {
  const params = new URLSearchParams();
  for (const [k, f] of Object.entries(FIELDS)) {
    const v = state[k];
    const initial = v === f.initial || (Array.isArray(v) && v.length === 0);
    if (!initial && v !== null) params.set(f.name, f.type.write(v));
  }
  const s = params.toString();
  return s ? '#' + s : '';
}

/** Is the range one that moves with the clock? */
export function isRelative(state) {
  return state.until === 'now' && !state.file;
}

const UNIT = { s: 1000, m: 60000, h: 3600000, d: 86400000 };

/** Milliseconds of a time as the state holds it: now, now-5m, or digits of s, ms, us or ns. */
export function timeMs(s, now = Date.now()) {
  const back = /^now(?:-(\d+)([smhd]))?$/.exec(s);
  if (back) return back[1] ? now - back[1] * UNIT[back[2]] : now;
  const v = Number(s);
  if (s.length <= 11) return v * 1000;
  return s.length <= 14 ? v : s.length <= 17 ? v / 1e3 : v / 1e6;
}

/* a moving range stands in a time line several times as long */
const CONTEXT = [['1h', 15], ['6h', 60], ['1d', 360], ['7d', 1440], ['30d', 10080], ['90d', 43200], ['365d', Infinity]];

/**
 * The ends of the time line, as the API takes them: what the reader zoomed to,
 * else some time around the range.
 */
export function spanOf(state, now = Date.now()) {
  if (state.spanFrom) return { from: state.spanFrom, until: state.spanUntil || 'now' };
  const from = timeMs(state.from, now);
  const to = timeMs(state.until, now);
  if (state.until === 'now') {
    const minutes = (to - from) / 60000;
    return { from: `now-${CONTEXT.find(([, most]) => minutes <= most)[0]}`, until: 'now' };
  }
  const around = Math.max(2 * (to - from), 30000);
  // in coarse steps: what moves with the clock would be another question each time
  const step = Math.max(10000, around / 50);
  const end = Math.min(Math.max(to, Math.ceil(now / step) * step), to + around);
  return { from: String(Math.round(from - around)), until: String(Math.round(end)) };
}
