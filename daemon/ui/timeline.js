// SPDX-License-Identifier: GPL-2.0
/**
 * The time line over the picture: CPU by time, the range on show (in compare
 * mode both), deploys. Dragging over it selects a range; what was selected is
 * told to the page, which asks again.
 *
 * The view [from, to) of the line and the answer drawn in it are two things:
 * while a new answer is under way, the old one is drawn where it belongs.
 */
import { Band } from './band.js';
import { clockTime } from './clock.js';
import { $, el, press, refill, setText } from './dom.js';
import { EventMarks } from './events.js';
import { digits3 } from './format.js';
import { onFrame } from './frame.js';
import { TOP_GROUPS } from './series.js';
import { TimelinePainter, readStep, timelinePalette } from './tldraw.js';

const DRAG_START = 4;
const LEAST_SPAN = 10000;
const LEAST_RAW_SPAN = 100; // where there are single samples
const RAW_LABELS = ['cpu', 'pid', 'tid'];
const MOST_SPAN = 400 * 86400000;

/**
 * @typedef {object} TimelineCallbacks
 * @property {(side: 'a'|'b', from: number, until: number) => void} select
 * @property {(at: number) => void} pick  a click: the base's place in compare mode
 * @property {(from: number, until: number|'now') => void} span  zoom or pan
 * @property {() => void} fit
 * @property {(by: string) => void} by
 * @property {(chart: string) => void} chart
 * @property {(labels: object) => void} group  a group was chosen in the legend
 * @property {(event: object) => void} around  compare before and after a deploy
 * @property {() => number} now  the daemon's, ms
 */
export class Timeline {
  /** @param {TimelineCallbacks} callbacks */
  constructor(callbacks) {
    this.on = callbacks;
    this.plot = $('tl-plot');
    this.canvas = this.plot.querySelector('canvas');
    this.painter = new TimelinePainter(this.canvas);
    this.scene = { series: null, colours: [], from: 0, to: 1, chart: 'area' };
    this.colourOf = new Map(); // a group keeps its colour as long as the page lives
    this.draft = el('div', { className: 'tl-band tl-draft', hidden: true });
    this.hair = el('div', { className: 'tl-hair', hidden: true });
    this.plot.append(this.hair, this.draft);
    this.bands = { a: this.band('a'), b: this.band('b') };
    this.marks = new EventMarks(this.plot, callbacks.around);
    this.frame = () => this.draw();
    this.listen();
    new ResizeObserver(() => this.resized()).observe(this.plot);
  }

  band(side) {
    return new Band(this.plot, side, (from, until, done) => {
      this.bands[side].show([from, until], this.view(), side === this.side || this.compare ? side.toUpperCase() : '');
      if (done) this.settle(() => this.on.select(side, from, until));
    });
  }

  /** Keys come in rows: only the last one asks. */
  settle(f) {
    clearTimeout(this.timer);
    this.timer = setTimeout(f, 250);
  }

  listen() {
    const on = (type, f, options) => this.plot.addEventListener(type, f, options);
    on('pointerdown', (e) => this.pressed(e));
    on('pointermove', (e) => this.moved(e));
    on('pointerup', (e) => this.released(e));
    on('pointercancel', () => this.dropDrag());
    on('pointerleave', () => this.read(null));
    on('wheel', (e) => this.wheeled(e), { passive: false });
    on('keydown', (e) => this.key(e));
    $('tl-by').addEventListener('change', () => this.on.by($('tl-by').value));
    for (const b of document.querySelectorAll('#tl-chart button')) b.addEventListener('click', () => this.on.chart(b.dataset.chart));
    $('tl-in').addEventListener('click', () => this.zoom(0.5));
    $('tl-out').addEventListener('click', () => this.zoom(2));
    $('tl-fit').addEventListener('click', () => {
      clearTimeout(this.timer); // of a zoom that has not been told yet
      this.on.fit();
    });
  }

  setPalette(theme) {
    this.painter.palette = timelinePalette(theme);
    this.legend();
    this.ask();
  }

  /**
   * @param {object} what
   * @param {import('./series.js').Series|null} what.series
   * @param {number} what.from  ends of the view, ms
   * @param {number} what.to
   * @param {number[]|null} what.a  @param {number[]} what.b  ranges, ms
   * @param {boolean} what.compare
   * @param {string} what.by @param {string} what.chart
   */
  show(what) {
    const { series, from, to, chart } = what;
    const changed = this.scene.series !== series;
    this.compare = what.compare;
    Object.assign(this.scene, { series, from, to, chart });
    if (changed) {
      this.scene.colours = series ? this.colours(series) : [];
      this.legend();
    }
    const label = (side) => (this.compare ? side.toUpperCase() : '');
    if (!this.drag) {
      this.bands.a.show(what.compare ? what.a : null, this.view(), label('a'));
      this.bands.b.show(what.b, this.view(), label('b'));
    }
    this.marks.show(series?.events ?? [], this.view(), this.plot.clientWidth);
    press(document.querySelectorAll('#tl-chart button'), (b) => b.dataset.chart === chart);
    const select = $('tl-by');
    if (![...select.options].some((o) => o.value === what.by)) select.append(el('option', { value: what.by }, what.by));
    // of windows nobody can tell these
    for (const o of select.options) o.disabled = RAW_LABELS.includes(o.value) && !series?.raw && o.value !== what.by;
    select.value = what.by;
    this.plot.classList.toggle('picks', Boolean(what.compare));
    $('timeline').dataset.chart = chart;
    this.ask();
  }

  view() {
    return { from: this.scene.from, to: this.scene.to, step: this.scene.series?.step ?? 10000 };
  }

  colours(series) {
    const taken = new Set();
    return series.groups.map((g) => {
      if (!g.labels) return TOP_GROUPS;
      let c = this.colourOf.get(g.name) ?? -1;
      if (c < 0 || taken.has(c)) c = [...Array(TOP_GROUPS).keys()].find((i) => !taken.has(i)) ?? TOP_GROUPS;
      taken.add(c);
      this.colourOf.set(g.name, c);
      return c;
    });
  }

  legend() {
    const { series, colours } = this.scene;
    const { palette } = this.painter;
    if (!palette) return;
    const items = (series?.groups ?? []).map((g, i) => {
      const swatch = el('span', { className: 'swatch' });
      swatch.style.backgroundColor = palette.groups[colours[i]];
      if (!g.labels || !Object.keys(g.labels).length) return el('span', { className: 'legend-item' }, swatch, g.name);
      const b = el('button', { className: 'legend-item', title: `Only ${g.name}` }, swatch, g.name);
      b.addEventListener('click', () => this.on.group(g.labels));
      return b;
    });
    refill($('tl-legend'), ...items);
  }

  /** No answer: said in the line itself, the page goes on without. */
  fail(text) {
    setText($('tl-failed'), text);
    $('tl-failed').title = text;
  }

  resized() {
    const { clientWidth: w, clientHeight: h } = this.plot;
    if (!w || !h) return;
    this.painter.resize(w, h, window.devicePixelRatio || 1, parseFloat(getComputedStyle(this.plot).fontSize));
    this.marks.show(this.scene.series?.events ?? [], this.view(), w);
    this.ask();
  }

  ask() {
    if (this.painter.palette && this.painter.scale) onFrame(this.frame);
  }

  draw() {
    this.painter.draw(this.scene);
  }

  timeAt(clientX) {
    const r = this.plot.getBoundingClientRect();
    const k = Math.min(1, Math.max(0, (clientX - r.left) / r.width));
    return this.scene.from + k * (this.scene.to - this.scene.from);
  }

  pressed(e) {
    if (e.button !== 0 || e.target.closest('button, [role=slider], .tl-card')) return;
    this.drag = { x: e.clientX, from: this.timeAt(e.clientX), moving: false };
    this.plot.setPointerCapture(e.pointerId);
  }

  moved(e) {
    const d = this.drag;
    if (d && !d.moving && Math.abs(e.clientX - d.x) > DRAG_START) d.moving = true;
    if (d?.moving) this.showDraft(this.drafted(e));
    this.read(this.timeAt(e.clientX), e.target.closest('.tl-card'));
  }

  /** What is being selected: whole steps, outwards. */
  drafted(e) {
    const { series } = this.scene;
    const [a, b] = [this.drag.from, this.timeAt(e.clientX)].sort((x, y) => x - y);
    const step = series?.step ?? 1000;
    const base = series?.from ?? 0;
    const from = base + Math.floor((a - base) / step) * step;
    return [from, Math.max(from + step, base + Math.ceil((b - base) / step) * step)];
  }

  showDraft([a, b]) {
    const { from, to } = this.scene;
    this.draft.hidden = false;
    this.draft.style.left = `${((a - from) / (to - from)) * 100}%`;
    this.draft.style.width = `${((b - a) / (to - from)) * 100}%`;
  }

  released(e) {
    const d = this.drag;
    if (!d) return;
    const range = d.moving ? this.drafted(e) : null;
    this.dropDrag();
    if (range) this.on.select(this.side ?? 'b', ...range);
    else this.on.pick(d.from);
  }

  dropDrag() {
    this.drag = null;
    this.draft.hidden = true;
  }

  /** What stands under the pointer, as text beside the legend. */
  read(ms, off = false) {
    const step = ms === null || off ? null : readStep(this.scene, ms);
    this.hair.hidden = ms === null;
    if (ms !== null) this.hair.style.left = `${((ms - this.scene.from) / (this.scene.to - this.scene.from)) * 100}%`;
    if (!step) return setText($('tl-read'), '');
    const rows = step.rows.sort((a, b) => b.value - a.value).slice(0, 3).map((r) => `${r.name} ${digits3(r.value)}`);
    const total = Number.isNaN(step.total) ? 'not recorded' : `${digits3(step.total)} CPUs`;
    setText($('tl-read'), [clockTime(step.at, { fine: this.view().step < 1000 }), total, ...rows].join(' · '));
  }

  wheeled(e) {
    if (!(e.ctrlKey || e.metaKey || e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))) return;
    e.preventDefault();
    if (e.ctrlKey || e.metaKey) this.zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.006), this.timeAt(e.clientX));
    else this.pan(((e.deltaX || e.deltaY) / this.plot.clientWidth));
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'Escape' && this.drag) {
      e.stopPropagation();
      return this.dropDrag();
    }
    const act = { '+': () => this.zoom(0.5), '=': () => this.zoom(0.5), '-': () => this.zoom(2), '<': () => this.pan(-0.5), '>': () => this.pan(0.5) }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }

  zoom(by, around = null) {
    const { from, to } = this.scene;
    const size = Math.min(MOST_SPAN, Math.max(this.leastSpan(), (to - from) * by));
    const [b0, b1] = this.bands.b.range ?? [from, to];
    const middle = (b0 + b1) / 2;
    const at = around ?? (middle > from && middle < to ? middle : to);
    const begin = at - ((at - from) / (to - from)) * size;
    this.moveView(begin, begin + size);
  }

  /** How short the view may get: windows are 10 s, unless the answer is made of single samples. */
  leastSpan() {
    return this.scene.series?.raw ? LEAST_RAW_SPAN : LEAST_SPAN;
  }

  pan(share) {
    const { from, to } = this.scene;
    this.moveView(from + share * (to - from), to + share * (to - from));
  }

  /** The old answer moves at once, the new one is asked for when the hand rests. */
  moveView(from, to) {
    const late = Math.max(0, to - this.on.now());
    Object.assign(this.scene, { from: from - late, to: to - late });
    for (const band of Object.values(this.bands)) if (!band.box.hidden) band.show(band.range, this.view(), band.name.textContent);
    this.marks.show(this.scene.series?.events ?? [], this.view(), this.plot.clientWidth);
    this.ask();
    this.settle(() => this.on.span(this.scene.from, this.scene.to));
  }
}
