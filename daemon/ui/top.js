// SPDX-License-Identifier: GPL-2.0
/**
 * The top table: functions by self and total CPU time. It is the text form of
 * the flame graph, so it is a plain table; rows come in portions because a
 * host has tens of thousands of functions.
 */
import { baseName, percent, value } from './format.js';
import { el, refill, setText } from './dom.js';
import { functionErrors } from './errors.js';

const PORTION = 200;

const COMPARE = {
  self: (p) => (a, b) => p.totals.self[b] - p.totals.self[a] || p.totals.total[b] - p.totals.total[a],
  total: (p) => (a, b) => p.totals.total[b] - p.totals.total[a] || p.totals.self[b] - p.totals.self[a],
  name: (p) => (a, b) => compareText(p.names[a], p.names[b]),
  object: (p) => (a, b) => compareText(p.objects[a], p.objects[b]) || p.totals.self[b] - p.totals.self[a],
};

function compareText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/* the state keeps the order of a comparison's table, which has columns of its own */
const plainSort = (sort) => (Object.hasOwn(COMPARE, sort.replace('-', '')) ? sort : 'self');

/** Functions in table order. `sort` as in the state; `marked` keeps only matches. */
export function topRows(profile, by, marked) {
  const sort = plainSort(by);
  const reverse = sort.startsWith('-');
  const rows = [];
  const root = profile.tree.func[0];
  for (let f = 0; f < profile.nFuncs; f++) {
    if (f !== root && profile.totals.total[f] > 0 && (!marked || marked[f])) rows.push(f);
  }
  rows.sort(COMPARE[sort.replace('-', '')](profile));
  return reverse ? rows.reverse() : rows;
}

export class TopTable {
  /**
   * @param {HTMLTableElement} table with a thead of buttons data-sort=...
   * @param {HTMLButtonElement} more
   * @param {{sort: (s: string) => void, pick: (f: number) => void, open: (f: number) => void}} callbacks
   */
  constructor(table, more, callbacks) {
    this.table = table;
    this.body = table.tBodies[0];
    this.more = more;
    this.callbacks = callbacks;
    this.limit = PORTION;
    for (const b of table.querySelectorAll('button[data-sort]')) {
      b.addEventListener('click', () => {
        const key = b.dataset.sort;
        callbacks.sort(this.sort === key ? `-${key}` : key);
      });
    }
    more.addEventListener('click', () => {
      this.limit += PORTION;
      this.render();
    });
  }

  /** @param {{fill: string[]}} palette @param {Uint8Array} slots */
  show(profile, by, marked, palette, slots) {
    const sort = plainSort(by);
    if (this.sort !== sort) this.limit = PORTION;
    Object.assign(this, { profile, sort, palette, slots });
    this.rows = topRows(profile, sort, marked);
    this.render();
  }

  render() {
    const shown = this.rows.slice(0, this.limit);
    refill(this.body, ...shown.map((f) => this.row(f)));
    const left = this.rows.length - shown.length;
    this.more.hidden = left <= 0;
    setText(this.more, `Show ${Math.min(left, PORTION)} more of ${left.toLocaleString('en-US')}`);
    for (const b of this.table.querySelectorAll('button[data-sort]')) {
      const key = b.dataset.sort;
      const down = key === 'name' || key === 'object' ? 'ascending' : 'descending';
      const up = down === 'ascending' ? 'descending' : 'ascending';
      const order = this.sort === key ? down : this.sort === `-${key}` ? up : 'none';
      b.closest('th').setAttribute('aria-sort', order);
    }
  }

  row(f) {
    const { profile: p, callbacks } = this;
    const all = p.tree.total[0] || 1;
    const self = p.totals.self[f];
    const total = p.totals.total[f];
    const swatch = el('span', { className: 'swatch' });
    swatch.style.backgroundColor = this.palette.fill[this.slots[f]];
    const name = el('button', { className: 'link', title: `Find ${p.names[f]} in the flame graph` }, p.names[f]);
    name.addEventListener('click', () => callbacks.pick(f));
    const open = el('button', { className: 'row-act', title: 'Sandwich: callers and callees' }, 'sandwich');
    open.addEventListener('click', () => callbacks.open(f));
    name.dataset.id = `${p.keys[f]} find`;
    open.dataset.id = `${p.keys[f]} open`;
    return el('tr', {},
      this.shareCell(self / all, functionErrors(p, f).self),
      el('td', { className: 'num' }, value(self, p.meta.unit)),
      el('td', { className: 'num' }, percent(total / all)),
      el('td', { className: 'num' }, value(total, p.meta.unit)),
      el('td', { className: 'fn' }, swatch, name, open),
      el('td', { className: 'obj', title: p.objects[f] }, baseName(p.objects[f])));
  }

  shareCell(share, error) {
    const bar = el('span', { className: 'bar' });
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    return el('td', { className: 'num share', title: `± ${percent(error)} (one standard error)` },
      bar, el('span', { className: 'over' }, percent(share)));
  }
}
