// SPDX-License-Identifier: GPL-2.0
/** The table of a comparison: functions, what they took in A and in B, and whether that is a change. */
import { diffRows } from './diff.js';
import { el, refill, setText } from './dom.js';
import { baseName, cores, percent, points, relative } from './format.js';

const PORTION = 200;

/** A weight of a comparison as text: cores or share. */
export function compared(diff, v) {
  return diff.scale.kind === 'share' ? percent(v) : cores(v);
}

/** A difference of such weights, or its error. */
export const differing = (diff, v) => (diff.scale.kind === 'share' ? points(v) : cores(v));

/** With its sign. */
export function change(diff, v) {
  return v === 0 ? differing(diff, 0) : `${v > 0 ? '+' : '\u2212'}${differing(diff, Math.abs(v))}`;
}

const ratio = (w) => (w.a > 0 ? w.b / w.a : w.b > 0 ? Infinity : 1);
const KEYS = {
  a: (r) => r.self.a, b: (r) => r.self.b, delta: (r) => r.self.delta, ratio: (r) => ratio(r.self), total: (r) => r.total.delta,
  self: (r) => Math.abs(r.self.delta) * (r.self.sure ? 1e6 : 1),
};

/** Rows in the order of the state's `sort`; "self", the page's default, is the largest sure change first. */
export function sortedRows(diff, sort, marked) {
  const key = sort.replace('-', '');
  const rows = diffRows(diff, marked);
  const text = { name: diff.names, object: diff.objects }[key];
  if (text) rows.sort((x, y) => (text[x.f] < text[y.f] ? -1 : text[x.f] > text[y.f] ? 1 : 0));
  else rows.sort((x, y) => KEYS[key](y) - KEYS[key](x) || Math.abs(y.total.delta) - Math.abs(x.total.delta));
  return sort.startsWith('-') ? rows.reverse() : rows;
}

export class DiffTable {
  /** @param {{sort: (s: string) => void, pick: (f: number) => void}} callbacks */
  constructor(table, more, callbacks) {
    Object.assign(this, { table, more, callbacks, limit: PORTION });
    this.body = table.tBodies[0];
    for (const b of table.querySelectorAll('button[data-sort]')) {
      b.addEventListener('click', () => callbacks.sort(this.sort === b.dataset.sort ? `-${b.dataset.sort}` : b.dataset.sort));
    }
    more.addEventListener('click', () => {
      if (table.hidden) return;
      this.limit += PORTION;
      this.render();
    });
  }

  show(diff, sort, marked) {
    if (this.sort !== sort) this.limit = PORTION;
    Object.assign(this, { diff, sort });
    this.rows = sortedRows(diff, sort, marked);
    this.render();
  }

  render() {
    const shown = this.rows.slice(0, this.limit);
    refill(this.body, ...shown.map((r) => this.row(r)));
    const left = this.rows.length - shown.length;
    this.more.hidden = left <= 0;
    setText(this.more, `Show ${Math.min(left, PORTION)} more of ${left.toLocaleString('en-US')}`);
    for (const b of this.table.querySelectorAll('button[data-sort]')) {
      const key = b.dataset.sort;
      const text = key === 'name' || key === 'object';
      const order = this.sort === key ? !text : this.sort === `-${key}` ? text : null;
      b.closest('th').setAttribute('aria-sort', order === null ? 'none' : order ? 'descending' : 'ascending');
    }
  }

  cells(w) {
    const { diff } = this;
    const kind = w.sure ? (w.delta > 0 ? 'worse' : 'better') : 'same';
    const note = w.sure ? '' : ', within the error';
    return [
      el('td', { className: 'num' }, compared(diff, w.a)), el('td', { className: 'num' }, compared(diff, w.b)),
      el('td', { className: `num ${kind}`, title: `± ${differing(diff, w.se)} (one standard error)${note}` }, change(diff, w.delta)),
      el('td', { className: `num ${kind}` }, w.sure ? relative(w.a, w.b) : '≈'),
    ];
  }

  row(r) {
    const { diff, callbacks } = this;
    const name = el('button', { className: 'link', title: `Find ${diff.names[r.f]} in the flame graph` }, diff.names[r.f]);
    name.addEventListener('click', () => callbacks.pick(r.f));
    name.dataset.id = diff.keys[r.f];
    const total = this.cells(r.total)[2];
    return el('tr', {}, ...this.cells(r.self), total, el('td', { className: 'fn' }, name),
      el('td', { className: 'obj', title: diff.objects[r.f] }, baseName(diff.objects[r.f])));
  }
}
