// SPDX-License-Identifier: GPL-2.0
/**
 * Two profiles laid on one another: base A and new B. A Diff has the shape of
 * a Profile, so that the views take it as one; the weights of both sides
 * stand beside, and its tree's weights are whatever widths were asked for.
 *
 * Sides are compared in cores where both count CPU time and say how long they
 * took, else by their share. A change within the error is none, see judge.js.
 */
import { judgeBoxes, judgeFunction, readJudged } from './judge.js';
import { ModelError, checkOrder, checkSums, column, need, readFuncs, readMeta, weights } from './model.js';
import { bottomUp } from './regroup.js';
import { finishTree, functionTotals, leavesOf } from './tree.js';

/**
 * @typedef {object} Side
 * @property {object} meta
 * @property {Float64Array} self   per node, the profile's unit
 * @property {Float64Array} total
 * @property {number} scale        factor from the unit to what is compared
 */

const timed = (m) => m.unit === 'nanoseconds' && m.duration > 0;

/** What is compared, in words and factors. */
function scaleOf(a, b, by) {
  if (by === 'cores' && timed(a) && timed(b)) return { kind: 'cores', a: 1e-6 / a.duration, b: 1e-6 / b.duration };
  return { kind: 'share', a: 1 / (a.total || 1), b: 1 / (b.total || 1) };
}

/** Can these two be compared in cores? */
export const inCores = (diff) => timed(diff.a.meta) && timed(diff.b.meta);

/* ---- merging ---- */

/**
 * One table of functions for both; maps from each side's numbers. Objects that
 * only one side has count as one (a program built twice into different places,
 * a file without mappings), so that their functions meet by name.
 */
function mergeFunctions(a, b) {
  const ids = new Map();
  const out = { names: [], objects: [], files: [], lines: [], kinds: [], keys: [] };
  const objects = [a, b].map((p) => new Set(p.objects));
  const shared = (object) => (objects.every((set) => set.has(object)) ? object : '\u0000');
  const map = (p) => Int32Array.from(p.names, (name, f) => {
    const id = f === p.tree.func[0] ? '\n\n' : `${shared(p.objects[f])}\n${name}`;
    let at = ids.get(id);
    if (at === undefined) {
      ids.set(id, (at = out.names.length));
      for (const k of Object.keys(out)) out[k].push(p[k][f]);
    }
    return at;
  });
  const mapB = map(b); // names, files and lines of the newer side where both have them
  const mapA = map(a);
  out.kinds = Uint8Array.from(out.kinds);
  out.keys = Uint32Array.from(out.keys);
  return { functions: { ...out, nFuncs: out.names.length }, mapA, mapB };
}

/** A side's children of `nodes` go into pairs, by function. */
function pairChildren(tree, nodes, map, side, pairs) {
  for (const node of nodes) {
    for (let c = node + 1; c < tree.end[node]; c = tree.end[c]) {
      const f = map[tree.func[c]];
      let pair = pairs.get(f);
      if (!pair) pairs.set(f, (pair = { func: f, nodes: [[], []], up: 0, weight: 0 }));
      pair.nodes[side].push(c);
    }
  }
}

const sumOf = (column, nodes) => {
  let sum = 0;
  for (const n of nodes) sum += column[n];
  return sum;
};

/**
 * Both trees in one, nodes in pre-order, the heavier of both sides first. A
 * new node may stand for several of one side, whose functions have become one.
 */
function mergeTrees(ta, tb, mapA, mapB, kA, kB) {
  const columns = { parent: [], func: [], aSelf: [], aTotal: [], bSelf: [], bTotal: [] };
  const stack = [{ func: mapB[tb.func[0]], nodes: [[0], [0]], up: -1 }];
  while (stack.length) {
    const { func, nodes: [a, b], up } = stack.pop();
    const at = columns.parent.length;
    const row = [up, func, sumOf(ta.self, a), sumOf(ta.total, a), sumOf(tb.self, b), sumOf(tb.total, b)];
    Object.values(columns).forEach((c, i) => c.push(row[i]));
    const pairs = new Map();
    pairChildren(ta, a, mapA, 0, pairs);
    pairChildren(tb, b, mapB, 1, pairs);
    const list = [...pairs.values()];
    for (const p of list) {
      p.up = at;
      if (list.length > 1) p.weight = Math.max(sumOf(ta.total, p.nodes[0]) * kA, sumOf(tb.total, p.nodes[1]) * kB);
    }
    if (list.length > 1) list.sort((x, y) => x.weight - y.weight);
    for (const p of list) stack.push(p);
  }
  const typed = (name, v) => (name === 'parent' || name === 'func' ? Int32Array.from(v) : Float64Array.from(v));
  return Object.fromEntries(Object.entries(columns).map(([name, v]) => [name, typed(name, v)]));
}

/* ---- widths ---- */

/** Weight per node such that children and self add up, by what was asked for. */
function widths(diff, cols, width) {
  const n = cols.parent.length;
  if (width !== 'change') return { self: cols.bSelf, total: cols.bTotal };
  const self = new Float64Array(n);
  for (let i = 0; i < n; i++) self[i] = Math.abs(cols.bSelf[i] * diff.scale.b - cols.aSelf[i] * diff.scale.a);
  const total = self.slice();
  for (let i = n - 1; i > 0; i--) total[cols.parent[i]] += total[i];
  return { self, total };
}

/** @returns the tree to show, with the sides' weights on it as aSelf, aTotal, bSelf, bTotal */
function treeOf(diff, cols, width) {
  const { self, total } = widths(diff, cols, width);
  return Object.assign(finishTree(cols.parent.slice(), cols.func, total, self), cols);
}

/** The same nodes with the weights of one side only. */
export function oneSide(tree, side) {
  return finishTree(tree.parent.slice(), tree.func, tree[`${side}Total`], tree[`${side}Self`]);
}

/** A Diff's tree upside down. */
export function invertDiff(diff) {
  const [a, b] = ['a', 'b'].map((s) => bottomUp(oneSide(diff.tree, s), diff.nFuncs));
  const same = Int32Array.from({ length: diff.nFuncs }, (_, i) => i);
  const cols = mergeTrees(a, b, same, same, diff.scale.a, diff.scale.b);
  const tree = treeOf(diff, cols, diff.width);
  tree.leaf = leavesOf(tree);
  return Object.assign(tree, judgeBoxes(diff, tree));
}

/* ---- making ---- */

/** @param {import('./judge.js').Judged|null} judged  null: by the page */
function finish(functions, cols, metaA, metaB, how, scale, judged) {
  const diff = { isDiff: true, ...functions, width: how.width, scale, how: how.scale, judged, cols };
  diff.a = { meta: metaA };
  diff.b = { meta: metaB };
  diff.meta = metaB;
  diff.tree = treeOf(diff, cols, how.width);
  Object.assign(diff.tree, judged ? judged.nodes : judgeBoxes(diff, diff.tree));
  diff.totals = functionTotals(diff.tree, diff.nFuncs);
  for (const s of ['a', 'b']) diff[s].totals = functionTotals(oneSide(diff.tree, s), diff.nFuncs);
  return diff;
}

/**
 * @param {import('./model.js').Profile} a base
 * @param {import('./model.js').Profile} b new
 * @param {{width: 'new'|'change'|'sides', scale: 'cores'|'share'}} how
 */
export function makeDiff(a, b, how) {
  if (a.meta.unit !== b.meta.unit) throw new ModelError(`side A is in ${a.meta.unit}, side B in ${b.meta.unit}`);
  const { functions, mapA, mapB } = mergeFunctions(a, b);
  const scale = scaleOf(a.meta, b.meta, how.scale);
  const cols = mergeTrees(a.tree, b.tree, mapA, mapB, scale.a, scale.b);
  return finish(functions, cols, a.meta, b.meta, how, scale, null);
}

/** One side's numbers; what both share stands in the answer itself. */
function readSide(json, name) {
  need(json[name] && typeof json[name] === 'object', `side ${name} is missing`);
  return { ...readMeta({ ...json, ...json[name] }), cut: json.cut === true };
}

/** The daemon's answer. @param {object} json format=flamegraph of /api/v1/diff */
export function readDiff(json, how) {
  need(json && json.version === 1, `format version ${json?.version} instead of 1`);
  const functions = readFuncs(json);
  const n = column(json.nodes, 'parent').length;
  need(n > 0, 'there is no root');
  const weight = (name) => weights(column(json.nodes, name, n), name);
  const cols = {
    parent: Int32Array.from(json.nodes.parent), func: Int32Array.from(column(json.nodes, 'func', n)),
    aSelf: weight('self_a'), aTotal: weight('total_a'), bSelf: weight('self_b'), bTotal: weight('total_b'),
  };
  checkOrder(cols.parent, cols.func, functions.nFuncs);
  cols.parent[0] = -1;
  for (const s of ['a', 'b']) checkSums({ n, parent: cols.parent, total: cols[`${s}Total`], self: cols[`${s}Self`] });
  const sides = ['a', 'b'].map((name) => readSide(json, name));
  return finish(functions, cols, ...sides, how, daemonScale(json), readJudged(json, functions.nFuncs, n));
}

/** What the daemon compared by: its flags are of that alone. */
function daemonScale(json) {
  const factor = (side) => {
    need(side.per > 0, 'per is missing');
    return 1 / side.per;
  };
  return { kind: json.mode === 'share' ? 'share' : 'cores', a: factor(json.a), b: factor(json.b) };
}

/** Does it look as the state wants it? By what the daemon compared, the daemon alone changes. */
const looksAs = (diff, how) => diff.width === how.width && (Boolean(diff.judged) || diff.how === how.scale);

/** The same two profiles looked at as the state wants it. */
export function relook(diff, how) {
  if (looksAs(diff, how)) return diff;
  const { names, objects, files, lines, kinds, keys, nFuncs, cols, judged } = diff;
  const scale = judged ? diff.scale : scaleOf(diff.a.meta, diff.b.meta, how.scale);
  return finish({ names, objects, files, lines, kinds, keys, nFuncs }, cols, diff.a.meta, diff.b.meta, how, scale, judged);
}

/** Functions of a Diff in table order, each with what changed. */
export function diffRows(diff, marked) {
  const rows = [];
  for (let f = 0; f < diff.nFuncs; f++) {
    const { a: { totals: a }, b: { totals: b } } = diff;
    if (f === diff.tree.func[0] || !(a.total[f] || b.total[f]) || (marked && !marked[f])) continue;
    rows.push({ f, ...judgeFunction(diff, f) });
  }
  return rows;
}
