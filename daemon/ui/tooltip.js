// SPDX-License-Identifier: GPL-2.0
/** The box beside the pointer: all that is known about the frame under it. */
import { change, compared, differing } from './difftable.js';
import { count, digits3, percent, relative, standardError, value } from './format.js';
import { el, setText } from './dom.js';
import { boxErrors, functionErrors } from './errors.js';
import { judgeBox, judgeBoxSelf, judgeFunction } from './judge.js';
import { KIND, KIND_TEXT } from './model.js';

/** `error`: a standard error, see errors.js. @returns {{share: number, error: number, samples: number, time: string, cores: string}} */
export function figures(profile, weight, error) {
  const { meta, tree } = profile;
  const share = tree.total[0] > 0 ? weight / tree.total[0] : 0;
  const wall = meta.duration * 1e6;
  return {
    share,
    error: error ?? standardError(share, meta.samples),
    samples: meta.total > 0 ? (weight * meta.samples) / meta.total : 0,
    time: value(weight, meta.unit),
    cores: wall > 0 && meta.unit === 'nanoseconds' ? `${digits3(weight / wall)} CPUs` : '',
  };
}

/** A comparison in one line. */
function spokenDiff(diff, tree, node) {
  const f = tree.func[node];
  const w = judgeBox(diff, tree, node);
  const what = w.sure ? relative(w.a, w.b) : 'no change beyond the error';
  return `${diff.names[f]}, ${diff.objects[f]}, total ${compared(diff, w.a)} to ${compared(diff, w.b)}, ${what}`;
}

/** One line for screen readers. */
export function spoken(profile, tree, node) {
  if (profile.isDiff) return spokenDiff(profile, tree, node);
  const f = tree.func[node];
  const t = figures(profile, tree.total[node]);
  const s = figures(profile, tree.self[node]);
  return `${profile.names[f]}, ${profile.objects[f]}, total ${percent(t.share)}, ${t.time}, self ${percent(s.share)}`;
}

export class Tooltip {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.name = el('div', { className: 'tip-name' });
    this.where = el('div', { className: 'tip-where' });
    this.rows = el('tbody');
    this.foot = el('div', { className: 'tip-foot' });
    box.append(this.name, this.where, el('table', {}, this.rows), this.foot);
    this.cells = new Map();
    this.shown = null;
  }

  hide() {
    this.box.hidden = true;
    this.shown = null;
  }

  /** @param {{inverted: boolean, zoomed: number}} how  zoomed: weight of the zoomed node */
  show(profile, tree, node, x, y, how) {
    if (this.shown?.tree !== tree || this.shown.node !== node) this.fill(profile, tree, node, how);
    this.shown = { tree, node };
    this.box.hidden = false;
    this.moveTo(x, y);
  }

  fill(profile, tree, node, how) {
    const f = tree.func[node];
    setText(this.name, profile.names[f]);
    const file = profile.files[f] ? ` · ${profile.files[f]}${profile.lines[f] ? `:${profile.lines[f]}` : ''}` : '';
    const object = profile.objects[f] || '—';
    const kind = `${object} · ${KIND_TEXT[profile.kinds[f]]}${file}`;
    const isCategory = profile.byCategory && profile.kinds[f] !== KIND.MARK;
    setText(this.where, node === 0 ? 'everything that was sampled' : isCategory ? 'all code of this kind of work' : kind);
    if (profile.isDiff) return this.fillDiff(profile, tree, node);
    for (const id of ['head', 'dtotal', 'dself', 'dall']) this.row(id, null);
    const errors = boxErrors(profile, tree, node);
    const overall = functionErrors(profile, f);
    const total = figures(profile, tree.total[node], errors.total);
    this.line('total', how.inverted ? 'reached this way' : 'total', total);
    this.line('self', how.inverted ? 'stack begins here' : 'self', figures(profile, tree.self[node], errors.self));
    this.line('all', 'function overall', node === 0 ? null : figures(profile, profile.totals.total[f], overall.total));
    this.line('allself', 'function self', node === 0 ? null : figures(profile, profile.totals.self[f], overall.self));
    const zoomed = how.zoomed < tree.total[0] && tree.total[node] <= how.zoomed
      ? `${percent(tree.total[node] / how.zoomed)} of the zoomed box · ` : '';
    setText(this.foot, `${zoomed}${count(total.samples)} samples`);
    return undefined;
  }

  fillDiff(diff, tree, node) {
    const f = tree.func[node];
    for (const id of ['total', 'self', 'all', 'allself']) this.row(id, null);
    this.row('head', ['', 'B, new', '', 'A, base', 'change']);
    const total = judgeBox(diff, tree, node);
    this.diffLine('dtotal', 'total', diff, total);
    this.diffLine('dself', 'self', diff, judgeBoxSelf(diff, tree, node));
    if (node === 0) this.row('dall', null);
    else this.diffLine('dall', 'function overall', diff, judgeFunction(diff, f).total);
    const unit = diff.scale.kind === 'cores' ? 'CPUs' : 'share of its side';
    setText(this.foot, total.sure ? `${unit}, ± ${differing(diff, total.se)} (one standard error)`
      : `${unit}; the change of the total is within the error (± ${differing(diff, total.se)})`);
  }

  diffLine(id, label, diff, w) {
    this.row(id, [label, compared(diff, w.b), '', compared(diff, w.a), w.sure ? `${change(diff, w.delta)} (${relative(w.a, w.b)})` : '≈']);
  }

  line(id, label, f) {
    const error = f?.share > 0 ? `± ${percent(f.error)}` : '';
    this.row(id, f ? [label, percent(f.share), error, f.time, f.cores] : null);
  }

  /** A row's texts; null: it is not there. */
  row(id, texts) {
    let cells = this.cells.get(id);
    if (!cells) {
      cells = ['th', 'td', 'td', 'td', 'td'].map((t) => el(t));
      this.cells.set(id, cells);
      this.rows.append(el('tr', {}, ...cells));
    }
    cells[0].parentNode.hidden = !texts;
    texts?.forEach((t, i) => setText(cells[i], t));
  }

  moveTo(x, y) {
    const { offsetWidth: w, offsetHeight: h } = this.box;
    const left = x + 16 + w > innerWidth ? Math.max(4, x - 12 - w) : x + 16;
    const top = y + 18 + h > innerHeight ? Math.max(4, y - 12 - h) : y + 18;
    this.box.style.transform = `translate(${left}px, ${top}px)`;
  }
}
