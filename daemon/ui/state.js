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
 * @property {'flame'|'top'|'sandwich'} view
 * @property {boolean} inverted  bottom-up
 * @property {boolean} flame     root at the bottom
 * @property {number[]} zoom  function keys from the root down
 * @property {number[]|null} window  fractions of the root, null: the zoomed box
 * @property {string} search
 * @property {string} sort    column of the top table, "-" in front: smallest first
 * @property {number|null} focus  function key of the sandwich
 * @property {'auto'|'light'|'dark'} theme
 * @property {boolean} live
 */

const text = { read: (s) => s, write: (v) => v };
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

const FIELDS = {
  from: { name: 'from', type: time, initial: 'now-5m' },
  until: { name: 'until', type: time, initial: 'now' },
  query: { name: 'q', type: text, initial: '' },
  view: { name: 'view', type: oneOf('flame', 'top', 'sandwich'), initial: 'flame' },
  inverted: { name: 'inv', type: flag, initial: false },
  flame: { name: 'up', type: flag, initial: false },
  zoom: { name: 'zoom', type: keys, initial: [] },
  window: { name: 'win', type: span, initial: null },
  search: { name: 's', type: text, initial: '' },
  sort: { name: 'sort', type: oneOf('self', 'total', 'name', 'object', '-self', '-total', '-name', '-object'), initial: 'self' },
  focus: { name: 'fn', type: key, initial: null },
  theme: { name: 'theme', type: oneOf('auto', 'light', 'dark'), initial: 'auto' },
  live: { name: 'live', type: flag, initial: true },
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
  return state.until === 'now';
}
