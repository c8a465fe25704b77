// SPDX-License-Identifier: GPL-2.0
/**
 * Other trees out of the same stacks: bottom-up (callers under each leaf) and
 * the two halves of the sandwich (callers of a function, what it calls).
 *
 * Both work on groups: a group is a run of entries in one pool, each entry a
 * node of the source tree, and becomes one node of the new tree. Its entries
 * step on (to the parent, or to the children), the new run is sorted apart by
 * function, and each part is a group one level deeper. An explicit stack of
 * groups gives the nodes in pre-order, heaviest child first, without recursion.
 */
import { finishTree } from './tree.js';

/** More new nodes than this are not made; light branches end early instead. */
const MAX_NODES = 1_500_000;

/** Nodes of the new tree as they are found. */
class Output {
  constructor(capacity) {
    this.n = 0;
    this.parent = new Int32Array(capacity);
    this.func = new Int32Array(capacity);
    this.total = new Float64Array(capacity);
    this.self = new Float64Array(capacity);
  }

  add(parent, func, total) {
    const i = this.n++;
    this.parent[i] = parent;
    this.func[i] = func;
    this.total[i] = total;
    return i;
  }

  finish(pruned) {
    const cut = (a) => a.slice(0, this.n);
    return finishTree(cut(this.parent), cut(this.func), cut(this.total), cut(this.self), pruned);
  }
}

/** Sorts runs of entries apart by function, heaviest function first. */
class Splitter {
  constructor(nFuncs, node, weight) {
    this.node = node;
    this.weight = weight;
    this.weightOf = new Float64Array(nFuncs);
    this.countOf = new Int32Array(nFuncs);
    this.place = new Int32Array(nFuncs);
    this.spareNode = new Int32Array(node.length);
    this.spareWeight = new Float64Array(node.length);
    /** groups waiting: [lo, hi, parent in the new tree] each */
    this.stack = [];
  }

  /** Splits entries [lo, hi) by funcOf[node] and pushes the parts, lightest first. */
  push(lo, hi, parent, funcOf) {
    if (hi - lo < 2) {
      if (hi > lo) this.stack.push(lo, hi, parent);
      return;
    }
    const { node, weight, weightOf, countOf, place } = this;
    const found = [];
    for (let i = lo; i < hi; i++) {
      const f = funcOf[node[i]];
      if (countOf[f]++ === 0) found.push(f);
      weightOf[f] += weight[i];
    }
    if (found.length > 1) {
      found.sort((a, b) => weightOf[a] - weightOf[b] || b - a);
      this.distribute(lo, hi, found, funcOf);
    }
    let at = lo;
    for (const f of found) {
      this.stack.push(at, at + countOf[f], parent);
      at += countOf[f];
      countOf[f] = 0;
      weightOf[f] = 0;
      place[f] = 0;
    }
  }

  distribute(lo, hi, found, funcOf) {
    const { node, weight, countOf, place, spareNode, spareWeight } = this;
    let at = lo;
    for (const f of found) {
      place[f] = at;
      at += countOf[f];
    }
    for (let i = lo; i < hi; i++) {
      const to = place[funcOf[node[i]]]++;
      spareNode[to] = node[i];
      spareWeight[to] = weight[i];
    }
    node.set(spareNode.subarray(lo, hi), lo);
    weight.set(spareWeight.subarray(lo, hi), lo);
  }
}

/** Emits one entry's whole way up: most groups soon hold a single stack. */
function emitChain(out, tree, from, parent, weight) {
  let at = parent;
  for (let i = from; i > 0; i = tree.parent[i]) at = out.add(at, tree.func[i], weight);
  out.self[at] = weight;
}

/** Steps every entry of [lo, hi) to its parent; those at the root leave. Returns the new end. */
function stepUp(tree, node, weight, lo, hi, out, at) {
  let keep = lo;
  for (let i = lo; i < hi; i++) {
    const up = tree.parent[node[i]];
    if (up > 0) {
      const w = weight[i];
      node[keep] = up;
      weight[keep++] = w;
    } else {
      out.self[at] += weight[i];
    }
  }
  return keep;
}

/**
 * @param {import('./tree.js').Tree} tree
 * @param {number} nFuncs
 * @param {number} rootFunc function of the new root
 * @param {Int32Array} node first entries, none the root; taken over
 * @param {Float64Array} weight taken over
 * @param {number} rootSelf weight that has no caller at all
 */
function groupUp(tree, nFuncs, rootFunc, node, weight, rootSelf) {
  let sum = rootSelf;
  let work = 1;
  let deepest = 0;
  for (let i = 0; i < node.length; i++) {
    sum += weight[i];
    work += tree.depth[node[i]];
    deepest = Math.max(deepest, tree.depth[node[i]]);
  }
  // each level holds at most sum/light groups that are followed further
  const light = work <= MAX_NODES ? 0 : (sum * deepest) / MAX_NODES;
  const out = new Output(Math.min(work, MAX_NODES + node.length) + 64);
  const split = new Splitter(nFuncs, node, weight);
  out.self[out.add(-1, rootFunc, sum)] = rootSelf;
  split.push(0, node.length, 0, tree.func);
  while (split.stack.length) {
    const parent = split.stack.pop();
    const hi = split.stack.pop();
    const lo = split.stack.pop();
    if (hi - lo === 1 && weight[lo] >= light) {
      emitChain(out, tree, node[lo], parent, weight[lo]);
      continue;
    }
    let total = 0;
    for (let i = lo; i < hi; i++) total += weight[i];
    const at = out.add(parent, tree.func[node[lo]], total);
    if (total < light) out.self[at] = total;
    else split.push(lo, stepUp(tree, node, weight, lo, hi, out, at), at, tree.func);
  }
  return out.finish(light);
}

/** Bottom-up: below the root the functions by self weight, under each its callers. */
export function bottomUp(tree, nFuncs) {
  let n = 0;
  for (let i = 1; i < tree.n; i++) if (tree.self[i] > 0) n++;
  const node = new Int32Array(n);
  const weight = new Float64Array(n);
  for (let i = 1, k = 0; i < tree.n; i++) {
    if (tree.self[i] > 0) {
      node[k] = i;
      weight[k++] = tree.self[i];
    }
  }
  return groupUp(tree, nFuncs, tree.func[0], node, weight, tree.self[0]);
}

/** The boxes of a function that lie in no other box of it. */
export function outermost(tree, func) {
  const found = [];
  let i = 1;
  while (i < tree.n) {
    if (tree.func[i] === func) {
      found.push(i);
      i = tree.end[i];
    } else {
      i++;
    }
  }
  return found;
}

/** Who calls `func`: its callers, theirs, and so on. */
export function callersOf(tree, nFuncs, func) {
  const node = [];
  const weight = [];
  let rootSelf = 0;
  for (const i of outermost(tree, func)) {
    if (tree.parent[i] > 0) {
      node.push(tree.parent[i]);
      weight.push(tree.total[i]);
    } else {
      rootSelf += tree.total[i];
    }
  }
  return groupUp(tree, nFuncs, func, Int32Array.from(node), Float64Array.from(weight), rootSelf);
}

/** What `func` calls: all its subtrees laid on one another. */
export function calleesOf(tree, nFuncs, func) {
  const seeds = outermost(tree, func);
  let room = seeds.length + 1;
  for (const i of seeds) room += tree.end[i] - i;
  const node = new Int32Array(room);
  const weight = new Float64Array(room);
  const split = new Splitter(nFuncs, node, weight);
  const out = new Output(room);
  let fill = 0;
  for (const i of seeds) {
    node[fill] = i;
    weight[fill++] = tree.total[i];
  }
  if (fill === 0) out.add(-1, func, 0);
  else split.stack.push(0, fill, -1);
  while (split.stack.length) {
    const parent = split.stack.pop();
    const hi = split.stack.pop();
    const lo = split.stack.pop();
    const at = out.add(parent, tree.func[node[lo]], 0);
    const begin = fill;
    for (let i = lo; i < hi; i++) {
      const from = node[i];
      out.total[at] += tree.total[from];
      out.self[at] += tree.self[from];
      for (let c = from + 1; c < tree.end[from]; c = tree.end[c]) {
        node[fill] = c;
        weight[fill++] = tree.total[c];
      }
    }
    split.push(begin, fill, at, tree.func);
  }
  return out.finish(0);
}
