// SPDX-License-Identifier: GPL-2.0
/**
 * A stack tree in typed arrays, nodes in pre-order: the subtree of node i is
 * the range [i, end[i]), so that skipping a subtree is one assignment and no
 * walk ever recurses. Index 0 is the root.
 *
 * x is where a node's box begins, in value units from the root's left edge:
 * children stand side by side from their parent's left edge, the parent's own
 * (self) weight is the room left at the right. Hence x never falls in
 * pre-order, which lets drawing stop at the right edge of the view.
 */

/**
 * @typedef {object} Tree
 * @property {number} n
 * @property {Int32Array} parent  -1 for the root
 * @property {Int32Array} func    index into the profile's functions
 * @property {Int32Array} depth
 * @property {Int32Array} end     one past the last node of the subtree
 * @property {Float64Array} x
 * @property {Float64Array} total
 * @property {Float64Array} self
 * @property {number} pruned      weight below which branches were not followed, 0: all were
 */

/** Fills depth, end and x of nodes that are in pre-order. @returns {Tree} */
export function finishTree(parent, func, total, self, pruned = 0) {
  const n = parent.length;
  const depth = new Int32Array(n);
  const end = new Int32Array(n);
  const x = new Float64Array(n);
  const nextChild = new Float64Array(n);
  parent[0] = -1;
  for (let i = 1; i < n; i++) {
    const p = parent[i];
    depth[i] = depth[p] + 1;
    x[i] = nextChild[p];
    nextChild[i] = x[i];
    nextChild[p] += total[i];
  }
  for (let i = 0; i < n; i++) end[i] = i + 1;
  for (let i = n - 1; i > 0; i--) {
    if (end[i] > end[parent[i]]) end[parent[i]] = end[i];
  }
  return { n, parent, func, depth, end, x, total, self, pruned };
}

/** Node indices from the root (excluded) down to node. */
export function pathOf(tree, node) {
  const path = [];
  for (let i = node; i > 0; i = tree.parent[i]) path.push(i);
  return path.reverse();
}

/** The child of `node` whose function has this key, or -1. */
export function childByKey(tree, node, keys, key) {
  for (let c = node + 1; c < tree.end[node]; c = tree.end[c]) {
    if (keys[tree.func[c]] === key) return c;
  }
  return -1;
}

/**
 * Follows function keys from the root.
 * @returns {{node: number, found: number}} how far it got: `found` keys matched
 */
export function followPath(tree, keys, path) {
  let node = 0;
  let found = 0;
  for (const key of path) {
    const c = childByKey(tree, node, keys, key);
    if (c < 0) break;
    node = c;
    found++;
  }
  return { node, found };
}

/** The node at this depth whose box covers x (value units), or -1. */
export function nodeAt(tree, x, depth) {
  let node = 0;
  if (x < 0 || x >= tree.total[0]) return -1;
  while (tree.depth[node] < depth) {
    let hit = -1;
    for (let c = node + 1; c < tree.end[node] && tree.x[c] <= x; c = tree.end[c]) {
      if (x < tree.x[c] + tree.total[c]) hit = c;
    }
    if (hit < 0) return -1;
    node = hit;
  }
  return node;
}

/** How many rows hold a box of at least `min` weight within [lo, hi). */
export function rowsInView(tree, lo, hi, min) {
  const { n, x, total, end, depth } = tree;
  let deepest = 0;
  let i = 0;
  while (i < n && x[i] < hi) {
    if (total[i] < min || x[i] + total[i] <= lo) {
      i = end[i];
      continue;
    }
    if (depth[i] > deepest) deepest = depth[i];
    i++;
  }
  return deepest + 1;
}

/**
 * Self and total per function. A function that calls itself counts once: only
 * its outermost box adds to the total.
 */
export function functionTotals(tree, nFuncs) {
  const self = new Float64Array(nFuncs);
  const total = new Float64Array(nFuncs);
  const openUntil = new Int32Array(nFuncs);
  for (let i = 1; i < tree.n; i++) {
    const f = tree.func[i];
    self[f] += tree.self[i];
    if (i >= openUntil[f]) {
      total[f] += tree.total[i];
      openUntil[f] = tree.end[i];
    }
  }
  return { self, total };
}

/** Of a tree upside down, per node: the function whose own time the box is a part of. */
export function leavesOf(tree) {
  const leaf = tree.func.slice();
  for (let i = 1; i < tree.n; i++) if (tree.parent[i] > 0) leaf[i] = leaf[tree.parent[i]];
  return leaf;
}

/** Weight of the outermost boxes whose function is marked, within node's subtree. */
export function markedWeight(tree, marked, node) {
  let sum = 0;
  let i = node;
  while (i < tree.end[node]) {
    if (i > 0 && marked[tree.func[i]]) {
      sum += tree.total[i];
      i = tree.end[i];
    } else {
      i++;
    }
  }
  return sum;
}
