// SPDX-License-Identifier: GPL-2.0
/**
 * A flame graph in an element: canvas, scrolling, pointer and keyboard. The
 * canvas has the view's size and sticks to it, because browsers limit a
 * canvas to 32,767 pixels; an empty element behind it is as tall as the tree,
 * so that scrolling is the browser's own.
 *
 * What is looked at is a window [lo, hi) of the root's weight. Zooming to a
 * node moves the window to the node's box; dragging and Ctrl+wheel move it
 * freely. Callers learn of all that through the callbacks.
 */
import { Painter, ROW } from './draw.js';
import { onFrame } from './frame.js';
import { nodeAt, rowsInView } from './tree.js';

const GLIDE_MS = 170;
const MIN_WINDOW = 1e-7;
const DRAG_START = 4;
let painted = null; // the page's first picture: its tests ask how long it took

const element = (parent, tag, className) => {
  const e = document.createElement(tag);
  e.className = className;
  parent.append(e);
  return e;
};

/**
 * @typedef {object} FlameCallbacks
 * @property {(node: number) => void} zoom    a node was asked for
 * @property {(node: number, x: number, y: number) => void} hover  -1: none; page coordinates
 * @property {(node: number) => void} select  by keyboard
 * @property {(node: number) => void} open    double click: look at the function itself
 * @property {(window: number[]|null) => void} moved  fractions of the root, after drag or wheel
 */
export class FlameView {
  /** @param {HTMLElement} parent @param {FlameCallbacks} callbacks @param {string} label */
  constructor(parent, callbacks, label) {
    this.callbacks = callbacks;
    this.scroller = element(parent, 'div', 'flame');
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute('role', 'group');
    this.scroller.setAttribute('aria-label', label);
    this.spacer = element(this.scroller, 'div', 'flame-space');
    this.canvas = element(this.spacer, 'canvas', 'flame-canvas');
    this.canvas.setAttribute('aria-hidden', 'true');
    this.hoverBox = element(this.spacer, 'div', 'flame-box flame-hover');
    this.selectBox = element(this.spacer, 'div', 'flame-box flame-select');
    this.painter = new Painter(this.canvas);
    this.scene = null;
    this.selected = -1;
    this.outlined = -1;
    this.pointer = null;
    this.drag = null;
    this.fromBottom = 0; // kept while the root is at the bottom
    this.frame = (now) => this.onFrame(now);
    this.listen();
    new ResizeObserver(() => this.resized()).observe(this.scroller);
    // on small screens the page itself scrolls, and the detail of the box chosen goes with it
    addEventListener('scroll', () => this.selected >= 0 && this.ask(), { passive: true });
  }

  listen() {
    const on = (type, f, options) => this.scroller.addEventListener(type, f, options);
    on('scroll', () => this.scrolled(), { passive: true });
    on('pointermove', (e) => this.moved(e));
    on('pointerdown', (e) => this.pressed(e));
    on('pointerup', (e) => this.released(e));
    on('pointercancel', () => (this.drag = null));
    on('pointerleave', () => this.left());
    on('dblclick', () => this.under() > 0 && this.callbacks.open(this.under()));
    on('wheel', (e) => this.wheeled(e), { passive: false });
    on('keydown', (e) => this.key(e));
    on('blur', () => this.select(-1));
  }

  /**
   * Shows a tree. `window` is [lo, hi] in fractions of the root, null: the
   * focus node's box. `reveal`: scroll to the focus node.
   */
  show({ tree, slots, names, shorts, marked, levels = null, note = null, focus, window, flip, reveal = false }) {
    const turned = this.scene && this.scene.flip !== flip;
    const first = !this.scene || this.scene.tree !== tree;
    this.scene = { tree, slots, names, shorts, marked, levels, note, focus, flip, lo: 0, hi: 1, contentHeight: 0, scrollTop: 0 };
    if (first) this.select(-1);
    this.glide = null;
    this.setWindow(...(window ? window.map((f) => f * tree.total[0]) : this.boxOf(focus)));
    if (turned) {
      this.fromBottom = 0;
      if (!flip) this.scroller.scrollTop = 0;
    }
    this.hold();
    if (reveal || turned) this.reveal(focus);
    this.ask();
  }

  boxOf(node) {
    const { x, total } = this.scene.tree;
    return [x[node], x[node] + total[node]];
  }

  setMarked(marked) {
    if (this.scene) this.scene.marked = marked;
    this.ask();
  }

  setPalette(palette) {
    this.painter.setPalette(palette);
    this.ask();
  }

  /** Moves to a node's box, gliding there unless the reader wants no motion. */
  focusOn(node, still = false) {
    const s = this.scene;
    s.focus = node;
    const [lo, hi] = this.boxOf(node);
    if (still || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.setWindow(lo, hi);
    } else {
      this.glide = { from: [s.lo, s.hi], to: [lo, hi], begin: performance.now() };
      this.layout(lo, hi);
    }
    this.reveal(node);
    this.ask();
  }

  setWindow(lo, hi) {
    const all = this.scene.tree.total[0] || 1;
    const size = Math.min(all, Math.max(hi - lo, all * MIN_WINDOW));
    this.scene.lo = Math.min(Math.max(0, lo), all - size);
    this.scene.hi = this.scene.lo + size;
    this.layout(this.scene.lo, this.scene.hi);
  }

  /** Height of what can be scrolled over: the rows that hold a visible box. */
  layout(lo, hi) {
    const s = this.scene;
    const view = this.scroller.clientHeight;
    const device = Math.max(1, this.canvas.width);
    const rows = rowsInView(s.tree, lo, hi, (0.5 * (hi - lo)) / device);
    const height = Math.max(rows * ROW + 2, view);
    s.contentHeight = height;
    this.spacer.style.height = `${height}px`;
    this.hold();
  }

  /** With the root at the bottom, what is seen keeps its distance from there. */
  hold() {
    const s = this.scene;
    if (s.flip) this.scroller.scrollTop = s.contentHeight - this.scroller.clientHeight - this.fromBottom;
  }

  scrolled() {
    const s = this.scene;
    if (s) this.fromBottom = Math.max(0, s.contentHeight - this.scroller.clientHeight - this.scroller.scrollTop);
    this.ask();
  }

  /** Scrolls so that a node's row is in view. */
  reveal(node) {
    const top = this.topOf(node);
    const view = this.scroller.clientHeight;
    const at = this.scroller.scrollTop;
    if (view < ROW || (top >= at && top + ROW <= at + view)) return;
    this.scroller.scrollTop = top - view / 3;
  }

  topOf(node) {
    const s = this.scene;
    const d = s.tree.depth[node];
    return s.flip ? s.contentHeight - (d + 1) * ROW : d * ROW;
  }

  resized() {
    const { clientWidth: w, clientHeight: h } = this.scroller;
    if (!w || !h) return;
    this.painter.resize(w, h, window.devicePixelRatio || 1);
    this.canvas.style.width = `${w}px`;
    this.canvas.style.height = `${h}px`;
    if (this.scene) this.layout(this.scene.lo, this.scene.hi);
    this.ask();
  }

  ask() {
    if (this.scene) onFrame(this.frame);
  }

  onFrame(now) {
    const s = this.scene;
    if (!this.scroller.clientWidth || !this.painter.palette || !this.painter.scale) return;
    if (this.glide) this.step(now);
    s.scrollTop = this.scroller.scrollTop;
    this.boxes = this.painter.draw(s);
    if (!painted) painted = performance.mark('picture');
    this.place(this.selectBox, this.selected);
    this.hovered();
  }

  step(now) {
    const { from, to, begin } = this.glide;
    const t = Math.min(1, Math.max(0, now - begin) / GLIDE_MS);
    const k = 1 - (1 - t) ** 3;
    this.scene.lo = from[0] + (to[0] - from[0]) * k;
    this.scene.hi = from[1] + (to[1] - from[1]) * k;
    if (t < 1) this.ask();
    else this.glide = null;
  }

  /** The node under the pointer, -1: none. */
  under() {
    if (!this.pointer || !this.scene) return -1;
    const s = this.scene;
    const r = this.scroller.getBoundingClientRect();
    const px = this.pointer.x - r.left;
    const py = this.pointer.y - r.top + s.scrollTop;
    const depth = Math.floor((s.flip ? s.contentHeight - py : py) / ROW);
    const value = s.lo + (px / this.scroller.clientWidth) * (s.hi - s.lo);
    const node = nodeAt(s.tree, value, depth);
    const narrow = (0.5 * (s.hi - s.lo)) / this.canvas.width;
    return node >= 0 && s.tree.total[node] >= narrow ? node : -1;
  }

  hovered() {
    const node = this.drag?.moving ? -1 : this.under();
    this.place(this.hoverBox, node < 0 ? this.outlined : node);
    if (this.pointer || this.selectBox.hidden) return this.callbacks.hover(node, this.pointer?.x ?? 0, this.pointer?.y ?? 0);
    // no pointer: the detail is that of the box chosen by keyboard, below it
    const { left, bottom } = this.selectBox.getBoundingClientRect();
    const view = this.scroller.getBoundingClientRect();
    const seen = bottom > view.top && bottom - ROW < Math.min(view.bottom, innerHeight);
    return this.callbacks.hover(seen ? this.selected : -1, left, bottom - ROW);
  }

  /** Marks a node as if it were pointed at, -1: none; told by another view of the same nodes. */
  outline(node) {
    if (this.outlined === node) return;
    this.outlined = node;
    this.ask();
  }

  /** Lays an outline over a node's box. */
  place(box, node) {
    const s = this.scene;
    box.hidden = node < 0 || node >= s.tree.n;
    if (box.hidden) return;
    const k = this.scroller.clientWidth / (s.hi - s.lo);
    const [a, b] = this.boxOf(node);
    const left = Math.max(0, (a - s.lo) * k);
    const right = Math.min(this.scroller.clientWidth, (b - s.lo) * k);
    box.hidden = right <= left;
    box.style.transform = `translate(${left}px, ${this.topOf(node)}px)`;
    box.style.width = `${Math.max(2, right - left)}px`;
    box.style.height = `${ROW - 1}px`;
  }

  moved(e) {
    this.pointer = { x: e.clientX, y: e.clientY };
    const d = this.drag;
    if (d) {
      if (!d.moving && Math.abs(e.clientX - d.x) > DRAG_START) {
        d.moving = true;
        this.scroller.setPointerCapture(e.pointerId);
      }
      if (d.moving) {
        const per = (d.hi - d.lo) / this.scroller.clientWidth;
        const by = (d.x - e.clientX) * per;
        this.glide = null;
        this.setWindow(d.lo + by, d.hi + by);
      }
    }
    this.ask();
  }

  pressed(e) {
    if (e.button !== 0 || e.offsetX > this.scroller.clientWidth) return;
    this.drag = { x: e.clientX, lo: this.scene?.lo ?? 0, hi: this.scene?.hi ?? 1, moving: false };
  }

  released(e) {
    const d = this.drag;
    this.drag = null;
    if (!d || !this.scene) return;
    this.pointer = { x: e.clientX, y: e.clientY };
    if (d.moving) return this.tellWindow();
    const node = this.under();
    if (node < 0) return;
    this.callbacks.zoom(node);
    // a finger does not hover: the box is chosen as by keyboard, for its detail
    if (e.pointerType === 'touch') this.select(node);
  }

  left() {
    this.pointer = null;
    this.ask();
  }

  wheeled(e) {
    if (!this.scene || !(e.ctrlKey || e.metaKey || e.shiftKey || e.deltaX)) return;
    e.preventDefault();
    const s = this.scene;
    const size = s.hi - s.lo;
    this.glide = null;
    if (e.ctrlKey || e.metaKey) {
      const r = this.scroller.getBoundingClientRect();
      const at = (e.clientX - r.left) / this.scroller.clientWidth;
      const next = size * Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.006);
      this.setWindow(s.lo + (size - next) * at, s.lo + (size - next) * at + next);
    } else {
      const by = ((e.deltaX || e.deltaY) / this.scroller.clientWidth) * size;
      this.setWindow(s.lo + by, s.hi + by);
    }
    this.ask();
    clearTimeout(this.wheelTimer);
    this.wheelTimer = setTimeout(() => this.tellWindow(), 250);
  }

  /** The window while it is being moved, in fractions of the root; null: at rest. */
  movingWindow() {
    const s = this.scene;
    if (!s || !(this.drag?.moving || this.wheelTimer)) return null;
    return [s.lo / s.tree.total[0], s.hi / s.tree.total[0]];
  }

  tellWindow() {
    this.wheelTimer = 0;
    const s = this.scene;
    const all = s.tree.total[0];
    const [a, b] = this.boxOf(s.focus);
    const same = Math.abs(a - s.lo) + Math.abs(b - s.hi) < all * 1e-9;
    this.callbacks.moved(same ? null : [s.lo / all, s.hi / all]);
  }

  select(node) {
    this.selected = node;
    if (node >= 0) this.reveal(node);
    this.ask();
    if (this.scene) this.callbacks.select(node);
  }

  /** The box chosen before, found again in a new tree: nothing to tell. */
  reselect(node) {
    this.selected = node;
    this.ask();
  }

  /** Arrow keys walk the tree, Enter zooms, Backspace goes one level out. */
  key(e) {
    if (!this.scene || e.ctrlKey || e.metaKey || e.altKey) return;
    const node = this.selected < 0 ? this.scene.focus : this.selected;
    const next = this.neighbour(e.key, node);
    if (next === undefined) return;
    e.preventDefault();
    this.pointer = null; // until it moves again
    if (e.key === 'Enter') this.callbacks.zoom(node);
    else if (e.key === 'Backspace') this.callbacks.zoom(Math.max(0, this.scene.tree.parent[this.scene.focus]));
    else this.select(next);
  }

  neighbour(key, node) {
    const { parent, end, n } = this.scene.tree;
    const inward = this.scene.flip ? 'ArrowUp' : 'ArrowDown';
    const outward = this.scene.flip ? 'ArrowDown' : 'ArrowUp';
    if (this.selected < 0 && key.startsWith('Arrow')) return node;
    switch (key) {
      case 'Enter': case 'Backspace': return node;
      case inward: return node + 1 < end[node] ? node + 1 : node;
      case outward: return Math.max(0, parent[node]);
      case 'ArrowRight': return node > 0 && end[node] < end[parent[node]] && end[node] < n ? end[node] : node;
      case 'ArrowLeft': return this.previousSibling(node);
      default: return undefined;
    }
  }

  previousSibling(node) {
    const { parent, end } = this.scene.tree;
    if (node <= 0) return node;
    let c = parent[node] + 1;
    while (c < node && end[c] < node) c = end[c];
    return c < node ? c : node;
  }
}
