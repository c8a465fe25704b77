// SPDX-License-Identifier: GPL-2.0
/**
 * CPU over time, as the time line and the list of services use it. Takes the
 * daemon's format=series, gives typed arrays, checked; null in the answer
 * (nothing was recorded) is NaN here.
 */
import { cleanName } from './format.js';
import { ModelError } from './model.js';

const MAX_STEPS = 20000;
const MAX_EVENTS = 500;
/** Groups that get a colour and a row of their own; the others are added up. */
export const TOP_GROUPS = 8;

/**
 * @typedef {object} Group
 * @property {string} name
 * @property {object|null} labels  null: the other groups together
 * @property {Float64Array} values cores per step
 * @property {number} sum
 *
 * @typedef {object} Series
 * @property {number} from  ms
 * @property {number} to
 * @property {number} step  ms
 * @property {number} n     steps
 * @property {boolean} raw  made of single samples: steps may be as short as one likes
 * @property {Group[]} groups  heaviest first, at most TOP_GROUPS and one more
 * @property {Float64Array} total
 * @property {Float64Array} lost
 * @property {object[]} events
 */

const need = (ok, what) => {
  if (!ok) throw new ModelError(what);
};

function numbers(list, n, what) {
  need(list === undefined || Array.isArray(list), `${what} is no list`);
  const out = new Float64Array(n).fill(NaN);
  for (let i = 0; i < Math.min(n, list?.length ?? 0); i++) {
    if (Number.isFinite(list[i]) && list[i] >= 0) out[i] = list[i];
  }
  return out;
}

const sum = (values) => values.reduce((s, v) => s + (v > 0 ? v : 0), 0);

function groupName(labels) {
  const values = Object.values(labels).map((v) => cleanName(String(v)));
  return values.filter(Boolean).join(' · ') || '(none)';
}

function other(groups, n) {
  const values = new Float64Array(n).fill(NaN);
  for (const g of groups) {
    for (let i = 0; i < n; i++) if (!Number.isNaN(g.values[i])) values[i] = (values[i] || 0) + g.values[i];
  }
  const name = groups.some((g) => g.labels === null) ? 'others' : `${groups.length} more`;
  return { name, labels: null, values, sum: sum(values) };
}

function readGroups(json, n) {
  const list = (Array.isArray(json.groups) ? json.groups : []).map((g) => {
    const labels = g?.labels && typeof g.labels === 'object' ? g.labels : {};
    const values = numbers(g?.values, n, 'values');
    // the daemon adds up what is beyond its own limit of groups
    if (g?.other) return { name: 'other', labels: null, values, sum: sum(values) };
    return { name: groupName(labels), labels, values, sum: sum(values) };
  });
  list.sort((a, b) => (a.labels === null) - (b.labels === null) || b.sum - a.sum || (a.name < b.name ? -1 : 1));
  if (list.length <= TOP_GROUPS) return list;
  return [...list.slice(0, TOP_GROUPS), other(list.slice(TOP_GROUPS), n)];
}

const word = (v) => cleanName(String(v ?? '')).slice(0, 200);

/** An event's moment in ms, from whichever unit the answer names. */
function eventTime(e) {
  if (Number.isFinite(e.time_ms)) return e.time_ms;
  const t = Number(e.time);
  return t > 1e17 ? t / 1e6 : t > 1e14 ? t / 1e3 : t > 1e11 ? t : t * 1000;
}

export function readEvents(list) {
  const events = (Array.isArray(list) ? list : []).slice(-MAX_EVENTS).map((e) => ({
    time: eventTime(e ?? {}), kind: word(e?.kind), service: word(e?.service), version: word(e?.version),
    gitRef: word(e?.git_ref), text: word(e?.text),
  }));
  return events.filter((e) => Number.isFinite(e.time)).sort((a, b) => a.time - b.time);
}

/**
 * @param {object} json the parsed answer
 * @param {boolean} all of the whole host: only then losses, which are the host's, say something
 * @returns {Series}
 */
export function readSeries(json, all = true) {
  need(json && json.version === 1, `format version ${json?.version} instead of 1`);
  const { from_ms: from, to_ms: to, step_ms: step } = json;
  need(Number.isFinite(from) && Number.isFinite(to) && step > 0 && to >= from, 'the range of the series is broken');
  const n = Math.ceil((to - from) / step - 1e-6);
  need(n <= MAX_STEPS, `${n} steps`);
  const groups = readGroups(json, n);
  return {
    from, to, step, n, groups,
    raw: json.raw === true,
    total: json.total ? numbers(json.total, n, 'total') : other(groups, n).values,
    lost: numbers(all ? json.lost : [], n, 'lost'),
    events: readEvents(json.events),
  };
}

/** Begin of the first step that was recorded; the end where none was. */
export function firstRecorded(series) {
  let i = 0;
  while (i < series.n && Number.isNaN(series.total[i])) i++;
  return series.from + i * series.step;
}

/** The step that holds a moment, -1: none. */
export function stepAt(series, ms) {
  const i = Math.floor((ms - series.from) / series.step);
  return i >= 0 && i < series.n ? i : -1;
}

/** The smallest round number (1, 1.5, 2 ... 8 times a power of ten) that is not below v. */
export function niceCeil(v) {
  if (!(v > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(v));
  return power * ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((k) => k * power >= v * 0.999999) ?? 10);
}
