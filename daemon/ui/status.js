// SPDX-License-Identifier: GPL-2.0
/**
 * What the picture rests on: the status line (samples, losses, truncation,
 * sampling error; always shown) and the legend (which colour is whose).
 */
import { familyOf, legendSlot, ownerOf } from './color.js';
import { clockRange } from './clock.js';
import { baseName, count, digits3, percent, standardError, value, wallTime } from './format.js';
import { el, refill } from './dom.js';

const WARN_SHARE = 0.01;
const LEGEND_OBJECTS = 7;

function fact(label, text, title, warn) {
  const e = el('span', { className: warn ? 'fact warn' : 'fact', title },
    el('span', { className: 'fact-label' }, label), ' ', el('b', {}, text));
  return e;
}

/** When: a file may know how long it took and not when it was. */
function rangeText(m) {
  if (!(m.to > m.from)) return '—';
  return m.from > 0 ? `${clockRange(m.from, m.to)} (${wallTime(m.to - m.from)})` : wallTime(m.to - m.from);
}

/** A range with holes: rates are of what was recorded. */
function holes(m) {
  const all = m.to - m.from;
  if (!(m.from > 0 && m.duration > 0 && m.duration < all * 0.98)) return [];
  return [fact('recorded', `${wallTime(m.duration)} of ${wallTime(all)}`, 'in the rest of the range nothing was sampled; rates and CPUs in use are of what was', true)];
}

/** What lies in the range and is not in the numbers. */
function otherHosts(m) {
  return m.otherHosts > 0 ? [fact('other hosts', `${m.otherHosts} not included`, 'imported ranges of other hosts lie in this range; choose a host, or all, beside the service')] : [];
}

/* an answer made of whole windows may be longer than what was asked for, by one at each end */
const MUCH_LONGER = 1.5;

/** When, and whether that is far more than was asked for. @param {number[]|null} asked ms */
function rangeFact(m, asked, title) {
  const more = asked && m.from > 0 && m.to - m.from > MUCH_LONGER * (asked[1] - asked[0]);
  const why = `the range asked for has ${more ? wallTime(asked[1] - asked[0]) : ''}, but of that time there are only whole windows, and the numbers are of them`;
  return more ? fact('whole windows', rangeText(m), why, true) : fact('range', rangeText(m), title);
}

function sideFacts(name, m, asked) {
  return [
    fact(`${name} samples`, count(m.samples), `samples of side ${name}`, m.samples < 2500),
    fact('total', value(m.total, m.unit), `what the samples of side ${name} stand for`),
    rangeFact(m, asked, `what side ${name} covers`),
    ...holes(m),
    fact('lost', count(m.lostSamples), `samples lost on the whole host in side ${name}’s range, by all causes`),
    ...otherHosts(m),
  ];
}

/**
 * @param {import('./model.js').Profile|null} profile @param {number} pruned share not followed, 0: none
 * @param {{a: number[]|null, b: number[]|null}} asked  ranges, ms; null: of a file
 */
export function showStatus(box, profile, pruned, asked) {
  if (!profile) {
    box.replaceChildren(fact('samples', '—', 'nothing was answered yet'));
    return;
  }
  if (profile.isDiff) {
    const cut = profile.a.meta.cut || profile.b.meta.cut;
    box.replaceChildren(...sideFacts('B', profile.b.meta, asked.b), ...sideFacts('A', profile.a.meta, asked.a),
      ...(cut ? [fact('shown', 'heaviest boxes only', 'the rest is added up in “(other)”', true)] : []));
    return;
  }
  const m = profile.meta;
  const all = m.total || 1;
  const lost = m.lost / (m.total + m.lost || 1);
  const truncated = m.truncated / all;
  const wall = m.duration * 1e6;
  const error = Math.max(standardError(0.5, m.samples), profile.tree.errors?.reduce((most, e) => Math.max(most, e), 0) ?? 0);
  const facts = [
    fact('samples', count(m.samples), 'samples in this range and selection'),
    m.unit === 'nanoseconds' ? fact('CPU time', `${digits3(m.total / 1e9)} s`, 'CPU time the samples stand for')
      : fact('total', value(m.total, m.unit), 'sum of the values'),
    ...(m.cpus > 0 ? [fact('in use', wall > 0 ? `${digits3(m.total / wall)} of ${m.cpus} CPUs` : `${m.cpus} CPUs`,
      'CPUs kept busy on average, of those sampled')] : []),
    rangeFact(m, asked.b, 'what closed windows cover of the range asked for'),
    ...holes(m),
    ...(m.tiers?.some((t) => t !== 'memory') ? [fact('steps', m.tiers.join(', '), 'resolutions of the history that the answer was made of; raw: single samples, cut to the range')] : []),
    ...(m.refused > 0 ? [fact('files', `${m.refused} unreadable`, 'parts of the history on disk that could not be read', true)] : []),
    ...otherHosts(m),
    ...(m.windows > 0 ? [fact('windows', count(m.windows), 'closed windows in the range')] : []),
    fact('lost', `${count(m.lostSamples)} (${percent(lost)})`,
      'samples lost on the whole host in this range, by all causes, and the share of CPU time they stood for', lost > WARN_SHARE),
    fact('truncated', percent(truncated),
      'CPU time whose stacks end in [truncated: reason] instead of a root', truncated > 10 * WARN_SHARE),
    fact('sampling error', m.samples > 0 ? `≤ ±${percent(error)}` : '—',
      'one standard error of a share, at most: by how much windows differ, and never below that of the number of samples; see a frame’s detail',
      m.samples < 2500),
  ];
  if (m.cut) facts.push(fact('shown', 'heaviest boxes only', 'the rest is added up in “(other)”; narrow the range or the selection to see it', true));
  if (pruned > 0) facts.push(fact('callers', `followed above ${percent(pruned)}`, 'lighter branches of the inverted view end early'));
  box.replaceChildren(...facts);
}

/** What the colours of a comparison mean. */
export function showDiffLegend(box, palette) {
  const scale = palette.diff.map((colour) => {
    const s = el('span', { className: 'step' });
    s.style.backgroundColor = colour;
    return s;
  });
  box.replaceChildren(el('span', { className: 'legend-item' }, 'better', el('span', { className: 'steps' }, ...scale), 'worse'),
    el('span', { className: 'legend-item muted' }, 'grey: no change beyond the error (99 %)'));
}

/** Self time by colour: families first merged, then the heaviest binaries. */
function legendEntries(profile, slots) {
  const byKey = new Map();
  for (let f = 0; f < profile.nFuncs; f++) {
    const self = profile.totals.self[f];
    if (self <= 0 || f === profile.tree.func[0]) continue;
    const family = familyOf(slots[f]);
    const single = profile.byCategory ? family !== 'mark' : family === 'user' || family === 'kernel';
    const key = single ? ownerOf(profile, f)[1] : family;
    const e = byKey.get(key) ?? { family, key, single, slot: legendSlot(slots[f]), self: 0 };
    e.self += self;
    byKey.set(key, e);
  }
  return [...byKey.values()].sort((a, b) => b.self - a.self);
}

const NAMES = { kernel: 'kernel', jit: 'JIT', vdso: 'vDSO', unknown: 'unknown', mark: 'lost or truncated' };

function entryName(e) {
  if (!e.single) return NAMES[e.family];
  if (e.key === '[kernel.kallsyms]') return 'kernel';
  return baseName(e.key) || '(no name)';
}

/** Families that tell kinds apart stay in the legend however light they are. */
export function legendRows(profile, slots) {
  const entries = legendEntries(profile, slots);
  const shown = entries.filter((e, i) => i < LEGEND_OBJECTS || !e.single);
  const rest = entries.filter((e, i) => i >= LEGEND_OBJECTS && e.single);
  return { shown, rest: rest.reduce((sum, e) => sum + e.self, 0), count: rest.length };
}

/** @param {(search: string) => void} find called with the search that marks an entry */
export function showLegend(box, profile, slots, palette, find) {
  if (!profile) {
    box.replaceChildren();
    return;
  }
  const all = profile.tree.total[0] || 1;
  const { shown, rest, count: others } = legendRows(profile, slots);
  const items = shown.map((e) => {
    const swatch = el('span', { className: 'swatch' });
    swatch.style.backgroundColor = palette.fill[e.slot];
    const label = [swatch, entryName(e), el('span', { className: 'muted' }, percent(e.self / all))];
    if (!e.single) return el('span', { className: 'legend-item' }, ...label);
    const b = el('button', { className: 'legend-item', title: `Self time in ${e.key}. Click to mark it.` }, ...label);
    b.addEventListener('click', () => find(profile.byCategory ? `="${e.key}"` : `object:="${e.key}"`));
    return b;
  });
  if (others > 0) {
    items.push(el('span', { className: 'legend-item muted' }, `${count(others)} more ${percent(rest / all)}`));
  }
  refill(box, ...items);
}
