// SPDX-License-Identifier: GPL-2.0
/**
 * Paints the time line: CPU by group stacked per step, a strip of the total's
 * heat below, or one row of heat per group. What was not recorded is hatched,
 * never zero. Coordinates are device pixels.
 */
import { niceCeil, stepAt } from './series.js';
import { oklch } from './color.js';
import { ticks } from './clock.js';
import { digits3 } from './format.js';

const HUES = [255, 55, 150, 320, 200, 95, 20, 285];
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const HEAT_STEPS = 24;

const css = (rgb) => `rgb(${rgb.join(',')})`;
const between = (a, b, k) => a.map((v, i) => Math.round(v + (b[i] - v) * k));

const THEMES = {
  light: { group: [0.74, 0.115], other: [0.84, 0], empty: [252, 252, 251], hot: [0.5, 0.19, 27], warm: [0.84, 0.13, 75],
    text: '#5a636d', line: 'rgba(40,50,60,.12)', hatch: 'rgba(40,50,60,.16)', lost: '#b3261e' },
  dark: { group: [0.58, 0.1], other: [0.42, 0], empty: [19, 22, 25], hot: [0.66, 0.2, 30], warm: [0.45, 0.1, 75],
    text: '#9aa5af', line: 'rgba(220,230,240,.12)', hatch: 'rgba(220,230,240,.17)', lost: '#ff8a80' },
};

/** Colours of a theme: groups in order, the last one for what is added up, and the heat's steps. */
export function timelinePalette(theme) {
  const t = THEMES[theme];
  const warm = oklch(...t.warm);
  const hot = oklch(...t.hot);
  const heat = Array.from({ length: HEAT_STEPS + 1 }, (_, i) => {
    const k = i / HEAT_STEPS;
    return css(k < 0.5 ? between(t.empty, warm, k * 2) : between(warm, hot, k * 2 - 1));
  });
  return { ...t, groups: [...HUES.map((h) => css(oklch(...t.group, h))), css(oklch(...t.other, 0))], heat, background: css(t.empty) };
}

/**
 * @typedef {object} TimelineScene
 * @property {import('./series.js').Series} series
 * @property {number[]} colours  index into the palette's groups, per group
 * @property {number} from  ms at the left edge
 * @property {number} to
 * @property {'area'|'heat'} chart
 */
export class TimelinePainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = canvas.getContext('2d', { alpha: false });
  }

  /** Sizes in CSS pixels; `text` is the page's, 13 on most screens. */
  resize(width, height, device, text) {
    const scale = (device * text) / 13;
    this.scale = scale;
    this.canvas.width = Math.max(1, Math.round(width * device));
    this.canvas.height = Math.max(1, Math.round(height * device));
    this.axis = Math.round(17 * scale);
    this.strip = Math.round(7 * scale);
  }

  /** @param {TimelineScene} scene */
  draw(scene) {
    const { ctx, canvas, palette } = this;
    ctx.fillStyle = palette.background;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    this.bottom = canvas.height - this.axis;
    this.k = canvas.width / (scene.to - scene.from);
    if (scene.series) {
      this.drawGaps(scene);
      if (scene.chart === 'heat') this.drawRows(scene);
      else this.drawAreas(scene);
      this.drawLost(scene);
    }
    this.drawAxis(scene);
  }

  x(scene, ms) {
    return Math.round((ms - scene.from) * this.k);
  }

  /** Calls f(i, left, width) for every step in view. */
  steps(scene, f) {
    const { series, from, to } = scene;
    const first = Math.max(0, Math.floor((from - series.from) / series.step));
    const last = Math.min(series.n - 1, Math.ceil((to - series.from) / series.step));
    for (let i = first; i <= last; i++) {
      const left = this.x(scene, series.from + i * series.step);
      const right = this.x(scene, Math.min(series.to, series.from + (i + 1) * series.step));
      if (right > left) f(i, left, right - left);
    }
  }

  drawAreas(scene) {
    const { ctx, palette } = this;
    const { series, colours } = scene;
    const base = this.bottom - this.strip;
    const max = this.top(scene);
    const height = (base - 4 * this.scale) / max;
    const level = new Float64Array(series.n);
    series.groups.forEach((g, at) => {
      ctx.fillStyle = palette.groups[colours[at]];
      this.steps(scene, (i, left, width) => {
        if (!(g.values[i] > 0)) return;
        const low = base - Math.round(level[i] * height);
        level[i] += g.values[i];
        const high = base - Math.round(level[i] * height);
        ctx.fillRect(left, high, width, low - high);
      });
    });
    const most = series.total.reduce((m, v) => (v > m ? v : m), 0) || 1;
    this.drawHeat(scene, series.total, most, base, this.strip);
    this.drawScale(base, max, height);
  }

  /** Cores at the upper edge. */
  top(scene) {
    let most = 0;
    this.steps(scene, (i) => {
      let sum = 0;
      for (const g of scene.series.groups) sum += g.values[i] || 0;
      most = Math.max(most, sum, scene.series.total[i] || 0);
    });
    return niceCeil(most);
  }

  drawScale(base, max, height) {
    const { ctx, palette, scale } = this;
    ctx.font = `${10 * scale}px ${FONT}`;
    ctx.textBaseline = 'top';
    for (const part of [1, 0.5]) {
      const y = base - Math.round(max * part * height);
      ctx.fillStyle = palette.line;
      ctx.fillRect(0, y, this.canvas.width, Math.max(1, Math.round(scale)));
      ctx.fillStyle = palette.text;
      ctx.fillText(`${digits3(max * part)}${part === 1 ? ' CPUs' : ''}`, 3 * scale, y + 2 * scale);
    }
  }

  drawRows(scene) {
    const { series } = scene;
    const rows = Math.max(1, series.groups.length);
    const most = Math.max(1e-9, ...series.groups.map((g) => g.values.reduce((m, v) => (v > m ? v : m), 0)));
    series.groups.forEach((g, at) => {
      const top = Math.round((this.bottom * at) / rows);
      const next = Math.round((this.bottom * (at + 1)) / rows);
      this.drawHeat(scene, g.values, most, top, next - top - Math.max(1, Math.round(this.scale)));
    });
    this.nameRows(series.groups, rows);
  }

  nameRows(groups, rows) {
    const { ctx, palette, scale } = this;
    const room = this.bottom / rows;
    if (room < 9 * scale) return;
    ctx.font = `${Math.min(11 * scale, room - scale)}px ${FONT}`;
    ctx.textBaseline = 'middle';
    groups.forEach((g, at) => {
      const y = room * (at + 0.5);
      const width = ctx.measureText(g.name).width;
      ctx.globalAlpha = 0.82;
      ctx.fillStyle = palette.background;
      ctx.fillRect(0, y - room / 2, width + 8 * scale, room - scale);
      ctx.globalAlpha = 1;
      ctx.fillStyle = palette.text;
      ctx.fillText(g.name, 4 * scale, y);
    });
  }

  drawHeat(scene, values, most, top, height) {
    const { ctx, palette } = this;
    this.steps(scene, (i, left, width) => {
      if (Number.isNaN(values[i])) return;
      ctx.fillStyle = palette.heat[Math.round(Math.min(1, values[i] / most) * HEAT_STEPS)];
      ctx.fillRect(left, top, width, height);
    });
  }

  /** Steps that lost more than a hundredth: a mark at the upper edge. */
  drawLost(scene) {
    const { series } = scene;
    this.ctx.fillStyle = this.palette.lost;
    this.steps(scene, (i, left, width) => {
      if (series.lost[i] > 0.01 * (series.total[i] || 0)) this.ctx.fillRect(left, 0, width, Math.round(3 * this.scale));
    });
  }

  /** What was not recorded, also outside of the answer. */
  drawGaps(scene) {
    const { ctx, canvas } = this;
    const { series } = scene;
    ctx.fillStyle = this.hatch();
    const begin = this.x(scene, series.from);
    const end = this.x(scene, series.to);
    if (begin > 0) ctx.fillRect(0, 0, begin, this.bottom);
    if (end < canvas.width) ctx.fillRect(end, 0, canvas.width - end, this.bottom);
    this.steps(scene, (i, left, width) => {
      if (Number.isNaN(series.total[i])) ctx.fillRect(left, 0, width, this.bottom);
    });
  }

  hatch() {
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
    return this.ctx.createPattern(tile, 'repeat');
  }

  drawAxis(scene) {
    const { ctx, canvas, palette, scale } = this;
    ctx.fillStyle = palette.background;
    ctx.fillRect(0, this.bottom, canvas.width, this.axis);
    ctx.font = `${11 * scale}px ${FONT}`;
    ctx.textBaseline = 'middle';
    for (const t of ticks(scene.from, scene.to, Math.max(2, canvas.width / (90 * scale)))) {
      const x = this.x(scene, t.at);
      ctx.fillStyle = palette.line;
      ctx.fillRect(x, 0, Math.max(1, Math.round(scale)), this.bottom + 3 * scale);
      ctx.fillStyle = palette.text;
      const width = ctx.measureText(t.text).width;
      ctx.fillText(t.text, Math.min(canvas.width - width - 2, Math.max(2, x - width / 2)), this.bottom + this.axis / 2 + scale);
    }
  }
}

/** What a moment's step says, for the pointer. @returns {{at: number, rows: object[], total: number, lost: number}|null} */
export function readStep(scene, ms) {
  const { series } = scene;
  const i = series ? stepAt(series, ms) : -1;
  if (i < 0) return null;
  const rows = series.groups.map((g, at) => ({ name: g.name, colour: scene.colours[at], value: g.values[i] }));
  return { at: series.from + i * series.step, rows: rows.filter((r) => r.value > 0), total: series.total[i], lost: series.lost[i] };
}
