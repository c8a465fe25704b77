// SPDX-License-Identifier: GPL-2.0
/**
 * Standard errors of a profile's shares: the daemon's, from how stretches of
 * the range differ, and never less than the number of samples allows. What it
 * has not measured is a part of what it has (of a function's own time, or of
 * all that stands around the sandwich's middle) and spreads as that does.
 */
import { standardError } from './format.js';

const shareOf = (p, weight) => (p.tree.total[0] > 0 ? weight / p.tree.total[0] : 0);

/** By how much a measured error exceeds that of independent samples. */
function spread(p, measured, weight) {
  const alone = standardError(shareOf(p, weight), p.meta.samples);
  return alone > 0 ? Math.max(1, measured / alone) : 1;
}

const ofFunction = (p, which, f) => (p.errors ? spread(p, p.errors[which][f], p.totals[which][f]) : 1);
const alone = (p, weight) => standardError(shareOf(p, weight), p.meta.samples);

/** Of a function's own time and its total. @returns {{self: number, total: number}} */
export function functionErrors(p, f) {
  const of = (which) => alone(p, p.totals[which][f]) * ofFunction(p, which, f);
  return { self: of('self'), total: of('total') };
}

/** Of a box of one of the profile's trees. @returns {{self: number, total: number}} */
export function boxErrors(p, tree, node) {
  const [self, total] = [alone(p, tree.self[node]), alone(p, tree.total[node])];
  if (tree.middle !== undefined) {
    const k = ofFunction(p, 'total', tree.middle);
    return { self: self * k, total: total * k };
  }
  const own = ofFunction(p, 'self', (tree.leaf ?? tree.func)[node]);
  if (tree.leaf) return { self: self * own, total: total * own };
  const measured = Math.max(total, tree.errors?.[node] ?? 0);
  return { self: tree.self[node] === tree.total[node] ? measured : self * own, total: measured };
}
