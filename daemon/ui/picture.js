// SPDX-License-Identifier: GPL-2.0
/**
 * The picture: one profile or comparison as flame graph, table or sandwich,
 * with search, breadcrumb, legend and status around it. Knows the state only
 * as it is handed in; what the reader does is told as patches of it.
 */
import { DIFF_LEVELS, slotsOf } from './color.js';
import { invertDiff } from './diff.js';
import { DiffTable } from './difftable.js';
import { $, el, refill, setText } from './dom.js';
import { FlameView } from './flame.js';
import { percent, relative, shortName, value } from './format.js';
import { judgeBox } from './judge.js';
import { bottomUp } from './regroup.js';
import { Sandwich } from './sandwich.js';
import { Sides } from './sides.js';
import { markFunctions, parseSearch } from './search.js';
import { showDiffLegend, showLegend, showStatus } from './status.js';
import { Tooltip, figures, spoken } from './tooltip.js';
import { TopTable } from './top.js';
import { followPath, leavesOf, markedWeight, pathOf } from './tree.js';

const STEPS = [0.1, 0.25, 0.5, 0.75]; // of the larger side: where a comparison's colour gets stronger

/** A comparison's colour per node. */
function levelsOf(diff, tree) {
  const levels = new Int8Array(tree.n);
  for (let i = 0; i < tree.n; i++) {
    const { a, b, sure } = judgeBox(diff, tree, i);
    if (!sure) continue;
    const change = (b - a) / Math.max(a, b, Number.MIN_VALUE);
    let level = 1;
    while (level < DIFF_LEVELS && Math.abs(change) >= STEPS[level - 1]) level++;
    levels[i] = change < 0 ? -level : level;
  }
  return levels;
}

function invert(p) {
  const tree = bottomUp(p.tree, p.nFuncs);
  return Object.assign(tree, { leaf: leavesOf(tree) });
}

export class Picture {
  /** @param {(patch: object, how?: object) => void} change */
  constructor(change) {
    this.change = change;
    this.data = { profile: null, inverted: null, slots: null, shorts: null, marked: null, palette: null, levels: new Map() };
    this.focus = 0; // zoomed node of the tree on show
    this.pathMissing = false;
    this.panned = false; // the last change came from the view itself, which stands where it should
    this.shownZoom = null; // the zoom last scrolled to
    this.selectedPath = null; // keys of the box chosen by keyboard, to find it again in the next answer
    this.tooltip = new Tooltip($('tooltip'));
    this.flame = this.makeFlame();
    const hover = (tree, node, x, y) => this.hover(tree, node, x, y);
    const open = (f) => this.openSandwich(f);
    this.sandwich = new Sandwich({ pick: open, hover, select: (tree, node) => this.announce(tree, node) });
    this.sides = new Sides({ zoom: (node) => this.zoomTo(node), hover, select: (node) => this.announce(this.shownTree(), node) });
    const pick = (f) => change({ view: 'flame', search: `="${this.data.profile.names[f]}"` });
    const sort = (by) => change({ sort: by });
    this.top = new TopTable($('top-table'), $('top-more'), { sort, pick, open });
    this.diffTable = new DiffTable($('diff-table'), $('diff-more'), { sort, pick });
  }

  makeFlame() {
    return new FlameView($('flame'), {
      zoom: (node) => this.zoomTo(node),
      open: (node) => !this.data.profile.isDiff && this.openSandwich(this.shownTree().func[node]),
      hover: (node, x, y) => this.hover(this.data.profile && this.shownTree(), node, x, y),
      select: (node) => {
        this.selectedPath = node < 0 ? null : this.keysTo(node);
        this.announce(this.shownTree(), node);
      },
      moved: (window) => this.change({ window }, { keepView: true }),
    }, 'Flame graph. Arrow keys walk, Enter zooms, the Top view has the same as a table.');
  }

  /* ---- what there is ---- */

  /** A new answer. @param {import('./model.js').Profile|null} profile */
  take(profile) {
    const { data } = this;
    if (data.profile === profile) return;
    Object.assign(data, { profile, inverted: null, levels: new Map() });
    if (!profile) return;
    data.slots = slotsOf(profile);
    data.shorts = profile.names.map(shortName);
  }

  setPalette(palette) {
    this.data.palette = palette;
    this.flame.setPalette(palette);
    this.sandwich.setPalette(palette);
    this.sides.setPalette(palette);
  }

  shownTree() {
    const p = this.data.profile;
    if (!this.state?.inverted) return p.tree;
    this.data.inverted ??= p.isDiff ? invertDiff(p) : invert(p);
    return this.data.inverted;
  }

  levels(tree) {
    const { levels, profile } = this.data;
    if (!profile.isDiff) return null;
    if (!levels.has(tree)) levels.set(tree, levelsOf(profile, tree));
    return levels.get(tree);
  }

  /** What a comparison puts on the boxes: colours, and the change behind a name. */
  changes(tree) {
    const levels = this.levels(tree);
    const { profile } = this.data;
    const note = levels && ((i) => {
      const { a, b, sure } = judgeBox(profile, tree, i);
      return sure ? relative(a, b) : '';
    });
    return { levels, note };
  }

  /** Function keys from the root down to a node of the tree on show. */
  keysTo(node) {
    const tree = this.shownTree();
    return pathOf(tree, node).map((n) => this.data.profile.keys[tree.func[n]]);
  }

  hover(tree, node, x, y) {
    if (node < 0 || !this.data.profile) return this.tooltip.hide();
    return this.tooltip.show(this.data.profile, tree, node, x, y, {
      inverted: this.state.inverted && this.state.view === 'flame',
      zoomed: tree === this.shownTree() ? tree.total[this.focus] : 0,
    });
  }

  announce(tree, node) {
    if (node >= 0) setText($('announce'), spoken(this.data.profile, tree, node));
  }

  zoomTo(node) {
    this.change({ zoom: this.keysTo(node), window: null });
  }

  /** Key of the function of the box chosen by keyboard in the flame graph, null: none. */
  chosen() {
    const { profile } = this.data;
    const on = profile && !profile.isDiff && this.state?.view === 'flame' && this.flame.selected > 0;
    return on ? profile.keys[this.shownTree().func[this.flame.selected]] : null;
  }

  openSandwich(func) {
    this.change({ view: 'sandwich', focus: this.data.profile.keys[func] });
  }

  /** What the link asks for and the range has not, as a kind of notice; null: nothing. */
  missing() {
    const { view } = this.state;
    if (view === 'sandwich') return this.focusMissing ? 'function' : null;
    return view === 'flame' && this.pathMissing ? 'path' : null;
  }

  /* ---- rendering ---- */

  /**
   * @param {import('./state.js').State} state
   * @param {{a: number[]|null, b: number[]|null}} asked  ranges, ms; null: of a file
   * @returns {boolean} is there anything to see
   */
  render(state, asked) {
    this.state = state;
    const p = this.data.profile;
    const has = p !== null && (p.isDiff ? p.a.meta.total + p.b.meta.total > 0 : p.tree.total[0] > 0);
    const view = p?.isDiff && state.view === 'sandwich' ? 'flame' : state.view;
    for (const v of ['flame', 'top', 'sandwich']) $(`view-${v}`).hidden = !has || v !== view;
    this.renderSearch();
    const pruned = has ? this.renderView(view) : 0;
    if (view !== 'flame') this.tooltip.hide();
    this.renderCrumbs(has && view === 'flame');
    showStatus($('status'), p, pruned, asked);
    if (has && p.isDiff) showDiffLegend($('legend'), this.data.palette);
    else showLegend($('legend'), has ? p : null, this.data.slots, this.data.palette, (search) => this.change({ search }));
    return has;
  }

  renderView(view) {
    const { data, state } = this;
    const p = data.profile;
    const look = { slots: data.slots, names: p.names, shorts: data.shorts, marked: data.marked };
    const apart = p.isDiff && state.width === 'sides';
    $('flame').hidden = apart;
    $('sides').hidden = !apart;
    if (view === 'flame') return apart ? this.renderSides(look) : this.renderFlame(look);
    if (view === 'sandwich') this.renderSandwich(look);
    if (view !== 'top') return 0;
    for (const [id, on] of [['top', !p.isDiff], ['diff', p.isDiff]]) {
      $(`${id}-table`).hidden = !on;
      if (!on) $(`${id}-more`).hidden = true;
    }
    if (p.isDiff) this.diffTable.show(p, state.sort, data.marked);
    else this.top.show(p, state.sort, data.marked, data.palette, data.slots);
    return 0;
  }

  /** The node that the state's zoom leads to. */
  follow(tree) {
    const { zoom } = this.state;
    const got = followPath(tree, this.data.profile.keys, zoom);
    this.pathMissing = got.found < zoom.length;
    return got.node;
  }

  renderSides(look) {
    const tree = this.shownTree();
    this.focus = this.follow(tree);
    this.sides.show(this.data.profile, tree, { ...look, ...this.changes(tree), flip: this.state.flame }, this.focus);
    return tree.pruned / (tree.total[0] || 1);
  }

  renderFlame(look) {
    const { flame, state } = this;
    const tree = this.shownTree();
    const node = this.follow(tree);
    const glides = flame.scene?.tree === tree && flame.scene.flip === state.flame && !state.window;
    const old = this.focus;
    this.focus = node;
    const still = this.panned && flame.scene?.tree === tree;
    this.panned = false;
    if (still) return tree.pruned / (tree.total[0] || 1);
    if (glides && (old !== this.focus || flame.scene.lo !== tree.x[this.focus])) {
      flame.setMarked(look.marked);
      flame.focusOn(this.focus);
    } else if (glides) flame.setMarked(look.marked);
    else this.showFlame(look, tree);
    return tree.pruned / (tree.total[0] || 1);
  }

  /** A new tree. What the reader was doing goes on: a drag, a scroll, a choice by keyboard. */
  showFlame(look, tree) {
    const { flame, state, data } = this;
    const p = data.profile;
    const kept = this.selectedPath;
    const window = flame.movingWindow() ?? (this.pathMissing ? null : state.window);
    flame.show({ ...look, ...this.changes(tree), tree, focus: this.focus, window, flip: state.flame, reveal: state.zoom !== this.shownZoom });
    this.shownZoom = state.zoom;
    if (!kept) return;
    const again = followPath(tree, p.keys, kept);
    if (again.found < kept.length) return;
    this.selectedPath = kept;
    flame.reselect(again.node);
  }

  renderSandwich(look) {
    const p = this.data.profile;
    let func = this.state.focus === null ? -1 : p.keys.indexOf(this.state.focus);
    this.focusMissing = this.state.focus !== null && func < 0;
    if (func < 0) func = Sandwich.heaviest(p);
    this.sandwich.show(p, func, look);
  }

  renderSearch() {
    const { data, state } = this;
    const search = parseSearch(state.search);
    const p = data.profile;
    data.marked = p ? markFunctions(p, search) : null;
    let text = '';
    if (search?.error) text = search.error;
    else if (data.marked) text = p.isDiff ? this.matchedDiff(p) : this.matched(p);
    setText($('matched'), text);
    $('search').setAttribute('aria-invalid', String(Boolean(search?.error)));
    $('search-clear').hidden = !state.search;
  }

  matched(p) {
    const f = figures(p, markedWeight(p.tree, this.data.marked, 0));
    $('matched').title = `${f.time} ± ${percent(f.error)} in frames that match and what they call`;
    return `${percent(f.share)} matched`;
  }

  matchedDiff(p) {
    const share = (s) => markedWeight({ ...p.tree, total: p.tree[`${s}Total`] }, this.data.marked, 0) / (p.tree[`${s}Total`][0] || 1);
    $('matched').title = 'share of side A → share of side B in frames that match and what they call';
    return `${percent(share('a'))} → ${percent(share('b'))}`;
  }

  renderCrumbs(on) {
    const bar = $('crumbs');
    const path = on ? pathOf(this.shownTree(), this.focus) : [];
    bar.hidden = !on; // there even when not zoomed: a zoom must not move the picture
    if (!on) return;
    const { names, meta, isDiff } = this.data.profile;
    const tree = this.shownTree();
    const crumb = (node, text) => {
      const b = el('button', { className: 'crumb', title: text }, shortName(text));
      b.addEventListener('click', () => this.zoomTo(node));
      return el('li', {}, b);
    };
    const list = el('ol', {}, crumb(0, names[tree.func[0]] || 'total'), ...path.map((n) => crumb(n, names[tree.func[n]])));
    const weight = (isDiff ? tree.bTotal : tree.total)[this.focus];
    const all = (isDiff ? tree.bTotal : tree.total)[0] || 1;
    const share = `${isDiff ? 'B: ' : ''}${percent(weight / all)} · ${value(weight, meta.unit)}`;
    refill(bar, list, el('span', { className: 'crumb-share' }, share));
    list.scrollLeft = list.scrollWidth;
  }
}
