// SPDX-License-Identifier: GPL-2.0
/** The list of services: CPUs, share, trend over the range, versions. Two versions picked are compared. */
import { clockTime, currentZone } from './clock.js';
import { $, el, refill, setText } from './dom.js';
import { cleanName, digits3, percent } from './format.js';

const MAX_ROWS = 500;
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
const HEIGHT = 22;

const positive = (v) => (Number.isFinite(v) && v > 0 ? v : 0);

function readVersion(v) {
  return {
    version: cleanName(String(v?.service_version ?? '')), first: Number(v?.first_ms) || 0, last: Number(v?.last_ms) || 0,
  };
}

/** The answer of /api/v1/services as rows, heaviest first. */
export function readServices(json) {
  const list = Array.isArray(json) ? json : json?.services ?? json?.data;
  const rows = (Array.isArray(list) ? list : []).map((s) => ({
    name: cleanName(String(s?.service_name ?? '')), raw: String(s?.service_name ?? ''), cores: positive(s?.cores), share: positive(s?.share),
    trend: (Array.isArray(s?.trend) ? s.trend : []).map((v) => (Number.isFinite(v) ? v : NaN)).slice(0, 200),
    versions: (Array.isArray(s?.versions) ? s.versions : []).map(readVersion).filter((v) => v.version),
  }));
  return rows.filter((r) => r.name).sort((a, b) => b.cores - a.cores || b.share - a.share || (a.name < b.name ? -1 : 1));
}

/** A line over the values; a gap where nothing was recorded. */
function sparkline(trend) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  const most = trend.reduce((m, v) => (v > m ? v : m), 0) || 1;
  const x = (i) => (trend.length > 1 ? (i / (trend.length - 1)) * (WIDTH - 2) + 1 : WIDTH / 2);
  let d = '';
  trend.forEach((v, i) => {
    if (Number.isNaN(v)) return;
    const y = HEIGHT - 2 - (v / most) * (HEIGHT - 4);
    d += `${i > 0 && !Number.isNaN(trend[i - 1]) ? 'L' : 'M'}${x(i).toFixed(1)} ${y.toFixed(1)}`;
  });
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('class', 'spark');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', d || 'M0 0');
  svg.append(path);
  return svg;
}

/** First half against the second: what the line says, in words. */
export function trendWord(trend) {
  const known = trend.filter((v) => !Number.isNaN(v));
  const half = Math.floor(known.length / 2);
  if (half < 2) return '';
  const mean = (list) => list.reduce((s, v) => s + v, 0) / list.length;
  const [a, b] = [mean(known.slice(0, half)), mean(known.slice(-half))];
  if (b > a * 1.1) return 'rising';
  return b < a * 0.9 ? 'falling' : 'steady';
}

/** A build-id by its beginning, as commits are told apart. */
const shortVersion = (v) => (/^[0-9a-f]{32,}$/.test(v) ? v.slice(0, 12) : v);

/** "All versions of a service, newest first", as they were seen. */
const newest = (versions) => [...versions].sort((a, b) => b.first - a.first);

export class ServiceList {
  /**
   * @param {object} callbacks
   * @param {(name: string) => void} callbacks.open
   * @param {(name: string, a: object, b: object) => void} callbacks.versions
   */
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.body = $('services-table').tBodies[0];
    this.picked = null; // {name, version}: the first of two
    this.rows = null;
  }

  show(rows) {
    if (this.rows === rows && this.zone === currentZone()) return;
    Object.assign(this, { rows, zone: currentZone() });
    this.render();
  }

  render() {
    refill(this.body, ...this.rows.slice(0, MAX_ROWS).map((r) => this.row(r)));
    $('services-none').hidden = this.rows.length > 0;
    const more = this.rows.length - MAX_ROWS;
    setText($('services-note'), this.picked ? `${this.picked.name} ${this.picked.version.version} is the base: choose the version to compare with it`
      : more > 0 ? `${more} more with less CPU` : '');
  }

  row(r) {
    const name = el('button', { className: 'link', title: `Flame graph of ${r.name}` }, r.name);
    name.dataset.id = r.name;
    name.addEventListener('click', () => this.callbacks.open(r.raw));
    const bar = el('span', { className: 'bar' });
    bar.style.width = `${Math.min(1, r.share) * 100}%`;
    return el('tr', {},
      el('td', { className: 'fn' }, name), el('td', { className: 'num' }, digits3(r.cores)),
      el('td', { className: 'num share' }, bar, el('span', { className: 'over' }, percent(r.share))),
      el('td', { className: 'trend' }, sparkline(r.trend), el('span', { className: 'muted' }, trendWord(r.trend))),
      el('td', { className: 'versions' }, ...this.versions(r)));
  }

  versions(r) {
    const list = newest(r.versions);
    const chips = list.slice(0, 4).map((v) => this.chip(r, v));
    if (list.length > 4) chips.push(el('span', { className: 'muted' }, `${list.length - 4} more`));
    if (list.length > 1) {
      const both = el('button', { className: 'row-act shown', title: `${list[1].version} against ${list[0].version}` }, 'compare newest two');
      both.dataset.id = `${r.name} both`;
      both.addEventListener('click', () => this.callbacks.versions(r.raw, list[1], list[0]));
      chips.push(both);
    }
    return chips;
  }

  chip(r, v) {
    const seen = `first seen ${clockTime(v.first)}, last ${clockTime(v.last)}; two of them are compared`;
    const b = el('button', { className: 'chip', title: `${v.version}: ${seen}` }, shortVersion(v.version));
    b.dataset.id = `${r.name} ${v.version}`;
    const chosen = this.picked?.name === r.name && this.picked.version.version === v.version;
    b.setAttribute('aria-pressed', String(chosen));
    b.addEventListener('click', () => this.pick(r, v, chosen));
    return b;
  }

  pick(r, v, chosen) {
    const first = this.picked?.name === r.name ? this.picked.version : null;
    this.picked = chosen || first ? null : { name: r.name, version: v };
    this.render();
    if (first && !chosen) this.callbacks.versions(r.raw, first, v);
  }
}
