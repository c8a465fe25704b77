// SPDX-License-Identifier: GPL-2.0
/**
 * Takes the daemon's columnar JSON (format=flamegraph) and gives a Profile:
 * typed arrays, checked. The daemon is trusted no further than its shape: an
 * index out of range or a node out of order is a ModelError, never a hang.
 */
import { cleanName } from './format.js';
import { finishTree, functionTotals } from './tree.js';

export const KIND = Object.freeze({ USER: 0, KERNEL: 1, VDSO: 2, JIT: 3, UNKNOWN: 4, MARK: 5 });
export const KIND_TEXT = [
  'user code', 'kernel', 'vDSO', 'JIT or anonymous code', 'no known mapping', 'not code: a remark of the profiler',
];

export class ModelError extends Error {}

/**
 * @typedef {object} Profile
 * @property {object} meta           numbers the answer rests on, see readMeta
 * @property {number} nFuncs
 * @property {string[]} names        per function
 * @property {string[]} objects      per function
 * @property {string[]} files        per function
 * @property {number[]} lines        per function
 * @property {Uint8Array} kinds      per function, KIND
 * @property {Uint32Array} keys      per function, a stable hash of object and name
 * @property {import('./tree.js').Tree} tree
 * @property {{self: Float64Array, total: Float64Array}} totals  per function
 * @property {{self: Float32Array, total: Float32Array}|null} errors  of the shares, per function
 */

/** 32-bit FNV-1a over UTF-16 units: stable over reloads and machines. */
export function hash32(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export const need = (ok, what) => {
  if (!ok) throw new ModelError(what);
};

export function column(owner, name, length) {
  const c = owner?.[name];
  need(Array.isArray(c), `${name} is missing`);
  need(length === undefined || c.length === length, `${name} has ${c.length} entries, not ${length}`);
  return c;
}

const number = (v) => (Number.isFinite(v) ? v : 0);

/** Numbers that an answer, or one side of it, rests on. */
export function readMeta(json) {
  return {
    unit: json.unit === 'nanoseconds' || json.unit === undefined ? 'nanoseconds' : cleanName(String(json.unit)),
    period: number(json.period),
    from: number(json.from_ms),
    to: number(json.to_ms),
    duration: number(json.duration_ms ?? json.to_ms - json.from_ms),
    total: number(json.total),
    samples: number(json.samples),
    lost: number(json.lost),
    lostSamples: number(json.lost_samples),
    truncated: number(json.truncated),
    cpus: number(json.cpus),
    windows: number(json.windows),
    cut: json.cut === true,
    tiers: Object.entries(json.tiers ?? {}).filter(([, n]) => n > 0).map(([name]) => cleanName(name)),
    refused: number(json.files_refused),
    otherHosts: number(json.other_hosts),
  };
}

/** The table of functions. */
export function readFuncs(json) {
  const strings = column(json, 'strings').map((s) => cleanName(String(s)));
  const name = column(json.funcs, 'name');
  const n = name.length;
  const object = column(json.funcs, 'object', n);
  const file = column(json.funcs, 'file', n);
  const lines = column(json.funcs, 'line', n);
  const kind = column(json.funcs, 'kind', n);
  const text = (i) => {
    need(Number.isInteger(i) && i >= 0 && i < strings.length, `string ${i} does not exist`);
    return strings[i];
  };
  const out = {
    nFuncs: n, names: name.map(text), objects: object.map(text), files: file.map(text), lines,
    kinds: Uint8Array.from(kind, (k) => (k >= 0 && k <= KIND.MARK ? k : KIND.UNKNOWN)),
    keys: new Uint32Array(n),
  };
  for (let i = 0; i < n; i++) out.keys[i] = hash32(`${out.objects[i]}\n${out.names[i]}`);
  return out;
}

/** Nanoseconds of 64 bits: over 104 days of CPU time they are rounded, by less than anybody sees. */
export function weights(list, what) {
  const out = Float64Array.from(list);
  for (let i = 0; i < out.length; i++) need(out[i] >= 0 && out[i] < 2 ** 64, `${what} of node ${i} is not a weight`);
  return out;
}

/** Pre-order means: a node's parent is the node before it or one of that one's ancestors. */
export function checkOrder(parent, func, nFuncs) {
  for (let i = 0; i < parent.length; i++) {
    need(func[i] >= 0 && func[i] < nFuncs, `node ${i} has no function`);
    if (i === 0) continue;
    let p = i - 1;
    while (p > 0 && p !== parent[i]) p = parent[p];
    need(p === parent[i], `node ${i} is not in pre-order`);
  }
}

export function checkSums(tree) {
  const children = new Float64Array(tree.n);
  for (let i = 1; i < tree.n; i++) children[tree.parent[i]] += tree.total[i];
  for (let i = 0; i < tree.n; i++) {
    const off = Math.abs(children[i] + tree.self[i] - tree.total[i]);
    need(off <= 1e-9 * tree.total[i] + 0.5, `node ${i}: self and children do not add up to its total`);
  }
}

/** Standard errors of shares, as the windows differ; null where the daemon does not say. */
function readErrors(owner, name, n) {
  if (!owner[name]) return null;
  return Float32Array.from(column(owner, name, n), (v) => number(v) / 1e6);
}

/** @param {object} json the parsed answer @returns {Profile} */
export function readProfile(json) {
  need(json && json.version === 1, `format version ${json?.version} instead of 1`);
  const funcs = readFuncs(json);
  const parentColumn = column(json.nodes, 'parent');
  const n = parentColumn.length;
  need(n > 0, 'there is no root');
  const parent = Int32Array.from(parentColumn);
  const func = Int32Array.from(column(json.nodes, 'func', n));
  const self = weights(column(json.nodes, 'self', n), 'self');
  const total = weights(column(json.nodes, 'total', n), 'total');
  checkOrder(parent, func, funcs.nFuncs);
  const tree = finishTree(parent, func, total, self);
  checkSums(tree);
  tree.errors = readErrors(json.nodes, 'error_ppm', n);
  const [own, all] = ['self_error_ppm', 'total_error_ppm'].map((name) => readErrors(json.funcs, name, funcs.nFuncs));
  return { meta: readMeta(json), ...funcs, tree, errors: own && all && { self: own, total: all }, totals: functionTotals(tree, funcs.nFuncs) };
}
