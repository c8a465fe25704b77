// SPDX-License-Identifier: GPL-2.0
/**
 * Draws the part of a tree that is in view onto a canvas of the view's size.
 *
 * One pass over the pre-order arrays collects the boxes: subtrees left of the
 * view, narrower than half a device pixel or below the last row are stepped
 * over as a whole, and the pass ends at the right edge. The boxes are then
 * painted colour by colour, labels last. Cost follows what is seen, not the
 * size of the tree. Coordinates are device pixels; boxes begin and end on
 * whole ones, so that edges stay sharp at any scale.
 */
import { DIFF_LEVELS, SLOTS, familyOf } from './color.js';

/* CSS pixels: a row, one of them the rule between rows, and its text; larger on screens where all is larger */
export let ROW = 19;
let TEXT = 12;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const PAD = 5;
const MIN_LABEL = 26;

/** Rows and labels for a page whose text has this size. */
export function setTextSize(px) {
  TEXT = Math.round((px * 12) / 13);
  ROW = Math.round((px * 19) / 13);
}

/** How boxes of one bucket are painted; a bucket is a colour slot, plain or faded, or one of these. */
const BUCKET_FADED = SLOTS;
const BUCKET_IDLE = SLOTS * 2;
const BUCKET_MATCH = SLOTS * 2 + 1;
const BUCKET_DIFF = SLOTS * 2 + 2 + DIFF_LEVELS; // level 0
const BUCKET_DIFF_FADED = BUCKET_DIFF + DIFF_LEVELS * 2 + 1;
const BUCKETS = BUCKET_DIFF_FADED + DIFF_LEVELS + 1;

const isFaded = (bucket) => (bucket >= BUCKET_FADED && bucket < BUCKET_IDLE) || bucket >= BUCKET_DIFF_FADED - DIFF_LEVELS;

/** Label widths without asking the canvas each time. */
class Ruler {
  constructor(ctx, scale) {
    this.font = FONT.replace('12px', `${TEXT * scale}px`);
    ctx.font = this.font;
    this.width = new Float32Array(128);
    for (let c = 32; c < 127; c++) this.width[c] = ctx.measureText(String.fromCharCode(c)).width;
    this.other = ctx.measureText('\u4e00').width;
    this.dots = ctx.measureText('…').width;
  }

  /** As much of the text as fits, "" if less than three letters do. */
  fit(text, room) {
    let w = 0;
    let keep = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      w += c < 127 ? this.width[c] : this.other;
      if (w + this.dots <= room) keep = i + 1;
      if (w > room) return keep < 3 ? '' : text.slice(0, keep) + '…';
    }
    return text;
  }
}

/**
 * @typedef {object} Scene
 * @property {import('./tree.js').Tree} tree
 * @property {Uint8Array} slots      colour slot per function
 * @property {string[]} names        label per function
 * @property {string[]} shorts       label per function where the name does not fit
 * @property {number} lo             value at the left edge
 * @property {number} hi             value at the right edge
 * @property {number} focus          zoomed node: boxes above it are faded
 * @property {Uint8Array|null} marked  search result per function
 * @property {Int8Array|null} levels   a comparison's colour per node, see DIFF_LEVELS
 * @property {((node: number) => string)|null} note  what stands behind a name
 * @property {boolean} flip          root at the bottom
 * @property {number} contentHeight  CSS pixels, at least the view's
 * @property {number} scrollTop      CSS pixels
 */
export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = canvas.getContext('2d', { alpha: false });
    this.head = new Int32Array(BUCKETS);
    this.grow(4096);
    this.runBegin = new Int32Array(0);
    this.runEnd = new Int32Array(0);
    this.scale = 0;
  }

  grow(capacity) {
    const bigger = (old) => {
      const a = new Int32Array(capacity);
      if (old) a.set(old);
      return a;
    };
    this.node = bigger(this.node);
    this.next = bigger(this.next);
    this.left = bigger(this.left);
    this.right = bigger(this.right);
    this.top = bigger(this.top);
  }

  /** Takes the view's size in CSS pixels. */
  resize(width, height, scale) {
    const w = Math.max(1, Math.round(width * scale));
    const h = Math.max(1, Math.round(height * scale));
    if (this.canvas.width !== w) this.canvas.width = w;
    if (this.canvas.height !== h) this.canvas.height = h;
    if (this.scale !== scale || this.text !== TEXT) this.ruler = null;
    this.scale = scale;
    this.text = TEXT;
    this.hatch = null;
  }

  setPalette(palette) {
    this.palette = palette;
    this.hatch = null;
  }

  /** @param {Scene} scene @returns {number} boxes drawn */
  draw(scene) {
    const { ctx, canvas, palette } = this;
    if (!this.ruler) this.ruler = new Ruler(ctx, this.scale);
    this.row = Math.round(ROW * this.scale);
    ctx.fillStyle = palette.background;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    this.head.fill(-1);
    const n = this.collect(scene);
    this.paintBoxes();
    this.paintLabels(scene);
    return n;
  }

  /** Top edge of a row, device pixels. */
  rowTop(scene, depth) {
    const below = scene.flip ? scene.contentHeight / ROW - depth - 1 : depth;
    return Math.round((below * ROW - scene.scrollTop) * this.scale);
  }

  /** First and last depth in view. */
  rowRange(scene) {
    const rows = this.canvas.height / this.scale / ROW;
    const top = scene.scrollTop / ROW;
    if (!scene.flip) return [Math.floor(top), Math.ceil(top + rows)];
    const last = scene.contentHeight / ROW - top;
    return [Math.floor(last - rows) - 1, Math.ceil(last)];
  }

  collect(scene) {
    const { tree, lo, hi, focus } = scene;
    const { n, x, total, end, depth } = tree;
    const width = this.canvas.width;
    const k = width / (hi - lo);
    const [first, last] = this.rowRange(scene);
    const focusDepth = depth[focus];
    this.resetRuns(last + 2);
    let boxes = 0;
    let i = 0;
    while (i < n && x[i] < hi) {
      const d = depth[i];
      const right = (x[i] + total[i] - lo) * k;
      if (right <= 0 || d > last || total[i] === 0) {
        i = end[i];
        continue;
      }
      const left = (x[i] - lo) * k;
      if (right - left < 0.5) {
        if (d >= first) this.fillGap(scene, d, Math.floor(left));
        i = end[i];
        continue;
      }
      if (d >= first) {
        const a = left < 0 ? 0 : Math.round(left);
        const b = right > width ? width : Math.round(right);
        if (b > a) this.addBox(scene, i, a, b, d < focusDepth, boxes++);
      }
      i++;
    }
    this.flushRuns(scene);
    return boxes;
  }

  addBox(scene, i, left, right, faded, at) {
    if (at === this.node.length) this.grow(at * 2);
    const func = scene.tree.func[i];
    let bucket = scene.slots[func];
    if (scene.marked) bucket = scene.marked[func] ? BUCKET_MATCH : BUCKET_IDLE;
    else if (scene.levels) bucket = (faded ? BUCKET_DIFF_FADED : BUCKET_DIFF) + scene.levels[i];
    else if (faded) bucket += BUCKET_FADED;
    this.node[at] = i;
    this.left[at] = left;
    this.right[at] = right;
    this.top[at] = this.rowTop(scene, scene.tree.depth[i]);
    this.next[at] = this.head[bucket];
    this.head[bucket] = at;
  }

  /* boxes too narrow to draw leave a tint, one strip per run of them */
  resetRuns(rows) {
    if (this.runEnd.length < rows) {
      this.runBegin = new Int32Array(rows);
      this.runEnd = new Int32Array(rows);
    }
    this.runEnd.fill(-1);
  }

  fillGap(scene, depth, column) {
    const end = this.runEnd[depth];
    if (column < end) return;
    if (column > end) {
      this.flushRun(scene, depth);
      this.runBegin[depth] = column;
    }
    this.runEnd[depth] = column + 1;
  }

  flushRun(scene, depth) {
    const end = this.runEnd[depth];
    if (end < 0) return;
    this.ctx.fillStyle = this.palette.filler;
    this.ctx.fillRect(this.runBegin[depth], this.rowTop(scene, depth), end - this.runBegin[depth], this.row - 1);
  }

  flushRuns(scene) {
    for (let d = 0; d < this.runEnd.length; d++) this.flushRun(scene, d);
  }

  paintBoxes() {
    const { ctx, palette } = this;
    const height = this.row - Math.max(1, Math.round(this.scale));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.head[bucket] < 0) continue;
      ctx.fillStyle = this.colourOf(bucket, palette);
      this.fillBucket(bucket, height);
      if (bucket < BUCKET_IDLE && familyOf(bucket % SLOTS) === 'mark') {
        ctx.fillStyle = this.hatchPattern();
        this.fillBucket(bucket, height);
      }
    }
  }

  colourOf(bucket, palette) {
    if (bucket === BUCKET_MATCH) return palette.match;
    if (bucket === BUCKET_IDLE) return palette.idle;
    if (bucket < BUCKET_FADED) return palette.fill[bucket];
    if (bucket < BUCKET_IDLE) return palette.faded[bucket - BUCKET_FADED];
    const diff = bucket - BUCKET_DIFF + DIFF_LEVELS;
    return palette.diff[diff] ?? palette.diffFaded[diff - palette.diff.length];
  }

  fillBucket(bucket, height) {
    const { ctx, next, left, right, top } = this;
    for (let b = this.head[bucket]; b >= 0; b = next[b]) {
      const w = right[b] - left[b];
      ctx.fillRect(left[b], top[b], w > 3 ? w - 1 : w, height);
    }
  }

  hatchPattern() {
    if (this.hatch) return this.hatch;
    const size = Math.round(6 * this.scale);
    const tile = document.createElement('canvas');
    tile.width = tile.height = size;
    const t = tile.getContext('2d');
    t.strokeStyle = this.palette.hatch;
    t.lineWidth = this.scale;
    t.beginPath();
    for (const d of [-size / 2, size / 2]) {
      t.moveTo(d, size);
      t.lineTo(d + size, 0);
    }
    t.stroke();
    this.hatch = this.ctx.createPattern(tile, 'repeat');
    return this.hatch;
  }

  paintLabels(scene) {
    const { ctx, palette } = this;
    ctx.font = this.ruler.font;
    ctx.textBaseline = 'middle';
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.head[bucket] < 0) continue;
      if (bucket === BUCKET_MATCH) ctx.fillStyle = palette.matchText;
      else if (bucket === BUCKET_IDLE) ctx.fillStyle = palette.idleText;
      else ctx.fillStyle = isFaded(bucket) ? palette.fadedText : palette.text;
      for (let b = this.head[bucket]; b >= 0; b = this.next[b]) this.paintLabel(scene, b);
    }
  }

  /** The name without arguments, else what stands behind its last "::". */
  fitShort(short, space) {
    const text = this.ruler.fit(short, space);
    const last = text === short ? 0 : short.lastIndexOf('::');
    return last > 0 ? this.ruler.fit(short.slice(last + 2), space) : text;
  }

  /** What fits: the name and its note, the name, its short form. */
  labelOf(scene, node, space) {
    const func = scene.tree.func[node];
    const name = scene.names[func];
    const note = scene.note?.(node);
    if (note && this.ruler.fit(`${name} ${note}`, space) === `${name} ${note}`) return `${name} ${note}`;
    const text = this.ruler.fit(name, space);
    return text === name ? text : this.fitShort(scene.shorts[func], space);
  }

  paintLabel(scene, b) {
    const room = this.right[b] - this.left[b];
    if (room < MIN_LABEL * this.scale) return;
    const pad = PAD * this.scale;
    const text = this.labelOf(scene, this.node[b], room - 2 * pad);
    if (text) this.ctx.fillText(text, this.left[b] + pad, this.top[b] + this.row / 2);
  }
}
