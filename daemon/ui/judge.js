// SPDX-License-Identifier: GPL-2.0
/**
 * Is a change of a comparison more than chance? One judgement for the boxes,
 * the table, the detail and the verdict: the daemon's, where it made the
 * comparison, because it knows how much stretches of time differ. What it does
 * not judge by itself, a part of a function's own time, spreads as the whole
 * of that does. Where opened files take part there is only the number of
 * samples: Poisson, for shares binomial.
 */
import { ModelError, column, need } from './model.js';

/** How many standard errors a change must exceed: 99 % of those by chance do not. */
const Z = 2.576;

/**
 * @typedef {object} Change  in the compared unit
 * @property {number} a
 * @property {number} b
 * @property {number} delta
 * @property {number} se     standard error of delta
 * @property {boolean} sure  delta is beyond the error
 *
 * @typedef {object} Judged  what the daemon says beside its tree
 * @property {number[]} limit  standard errors to exceed: of independent samples, of a larger spread
 * @property {{se: number, sure: boolean}} whole
 * @property {{se: Float64Array, sure: Uint8Array}} self   per function
 * @property {{se: Float64Array, sure: Uint8Array}} total  per function
 * @property {{se: Float64Array, sure: Uint8Array}} nodes  of the totals
 */

/** Standard error of a weight in compared units, of independent samples. */
function errorOf(weight, meta, scale, kind) {
  if (!(meta.total > 0) || !(meta.samples > 0)) return kind === 'share' ? 1 : 0;
  const share = Math.min(1, weight / meta.total);
  const n = share * meta.samples;
  // seen never is not never: the next sample might have been one
  const count = Math.max(1, kind === 'share' ? n * (1 - share) : n);
  return (meta.total / meta.samples) * scale * Math.sqrt(count);
}

const changeOf = ({ scale }, a, b, se, sure) => ({ a: a * scale.a, b: b * scale.b, delta: b * scale.b - a * scale.a, se, sure });

/** Of independent samples. @returns {Change} */
export function compareWeights(diff, a, b) {
  const { scale } = diff;
  const se = Math.hypot(errorOf(a, diff.a.meta, scale.a, scale.kind), errorOf(b, diff.b.meta, scale.b, scale.kind));
  const change = changeOf(diff, a, b, se, false);
  return Object.assign(change, { sure: Math.abs(change.delta) > Z * se });
}

/** Own time of function f, or a part of it. */
function ownTime(diff, f, a, b) {
  const change = compareWeights(diff, a, b);
  if (!diff.judged) return change;
  const { self, limit } = diff.judged;
  const [allA, allB] = [diff.a.totals.self[f], diff.b.totals.self[f]];
  if (a === allA && b === allB) return Object.assign(change, { se: self.se[f], sure: self.sure[f] === 1 });
  const spread = self.se[f] / (compareWeights(diff, allA, allB).se || 1);
  const se = change.se * spread;
  return Object.assign(change, { se, sure: Math.abs(change.delta) > limit[spread > 1.001 ? 1 : 0] * se });
}

/** The whole of both sides. */
export function judgeWhole(diff) {
  const [a, b] = [diff.a.meta.total, diff.b.meta.total];
  return diff.judged ? changeOf(diff, a, b, diff.judged.whole.se, diff.judged.whole.sure) : compareWeights(diff, a, b);
}

/** A box with what it calls; the root is the whole, of which losses are no part though they have boxes. */
export function judgeBox(diff, tree, node) {
  if (node === 0) return judgeWhole(diff);
  return changeOf(diff, tree.aTotal[node], tree.bTotal[node], tree.se[node], tree.sure[node] === 1);
}

/** What ends in a box. */
export function judgeBoxSelf(diff, tree, node) {
  const [a, b] = [tree.aSelf[node], tree.bSelf[node]];
  if (a === tree.aTotal[node] && b === tree.bTotal[node]) return judgeBox(diff, tree, node);
  return ownTime(diff, (tree.leaf ?? tree.func)[node], a, b);
}

/** A function's own time and its total, which counts once where it calls itself. */
export function judgeFunction(diff, f) {
  const { a: { totals: a }, b: { totals: b }, judged } = diff;
  const total = judged ? changeOf(diff, a.total[f], b.total[f], judged.total.se[f], judged.total.sure[f] === 1)
    : compareWeights(diff, a.total[f], b.total[f]);
  return { self: ownTime(diff, f, a.self[f], b.self[f]), total };
}

/** All boxes of a tree but the root, as {se, sure}; of one upside down (`leaf`, see tree.js) they are parts of own time. */
export function judgeBoxes(diff, tree) {
  const se = new Float64Array(tree.n);
  const sure = new Uint8Array(tree.n);
  for (let i = 1; i < tree.n; i++) {
    const [a, b] = [tree.aTotal[i], tree.bTotal[i]];
    const w = tree.leaf ? ownTime(diff, tree.leaf[i], a, b) : compareWeights(diff, a, b);
    se[i] = w.se;
    sure[i] = w.sure ? 1 : 0;
  }
  return { se, sure };
}

function flags(owner, se, sure, n) {
  const errors = Float64Array.from(column(owner, se, n));
  for (const v of errors) need(v >= 0 && v < Infinity, `${se} is no error`);
  return { se: errors, sure: Uint8Array.from(column(owner, sure, n), (v) => (v ? 1 : 0)) };
}

/** @param {object} json a comparison by the daemon @returns {Judged} */
export function readJudged(json, nFuncs, nNodes) {
  const { limit, whole } = json;
  need(Array.isArray(limit) && limit.length === 2 && limit.every((v) => v > 0), 'limit is missing');
  if (!(whole?.se >= 0)) throw new ModelError('whole is missing');
  return {
    limit, whole: { se: whole.se, sure: whole.significant === true },
    self: flags(json.funcs, 'self_se', 'self_significant', nFuncs), total: flags(json.funcs, 'total_se', 'total_significant', nFuncs),
    nodes: flags(json.nodes, 'se', 'significant', nNodes),
  };
}
