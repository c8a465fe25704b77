// SPDX-License-Identifier: GPL-2.0
/**
 * A comparison side by side: the stacks of A and those of B, each as wide as
 * its own side, in the colours of the change. Both trees have the nodes of the
 * merged one, so that a zoom and what is pointed at are the same node in both.
 */
import { oneSide } from './diff.js';
import { compared } from './difftable.js';
import { FlameView } from './flame.js';
import { $, setText } from './dom.js';

/** The node, or what stands around it where this side has nothing of it. */
function heldBy(tree, node) {
  while (node > 0 && !(tree.total[node] > 0)) node = tree.parent[node];
  return node;
}

export class Sides {
  /** @param {{zoom: (node: number) => void, hover: Function, select: (node: number) => void}} callbacks */
  constructor(callbacks) {
    this.views = {};
    this.trees = {};
    for (const [side, other, name] of [['a', 'b', 'A, base'], ['b', 'a', 'B, new']]) {
      this.views[side] = new FlameView($(`sides-${side}`), {
        zoom: callbacks.zoom,
        open: () => {},
        moved: () => {},
        hover: (node, x, y) => {
          if (node < 0 && this.hovered !== side) return; // the detail that there is comes from over there
          this.hovered = node < 0 ? null : side;
          callbacks.hover(this.trees[side], node, x, y);
          this.views[other].outline(node);
        },
        select: (node) => callbacks.select(node),
      }, `Flame graph of side ${name}. Arrow keys walk, Enter zooms both sides, the Top view has the same as a table.`);
    }
  }

  setPalette(palette) {
    for (const v of Object.values(this.views)) v.setPalette(palette);
  }

  /**
   * @param {object} diff @param {import('./tree.js').Tree} tree  merged, maybe inverted
   * @param {object} look  what FlameView.show takes beside tree, focus and window
   */
  show(diff, tree, look, focus) {
    if (this.tree !== tree) {
      // the columns of both sides stay on each tree, for the detail
      for (const s of ['a', 'b']) this.trees[s] = { ...tree, ...oneSide(tree, s) };
      this.tree = tree;
    }
    for (const [s, name] of [['a', 'A base'], ['b', 'B new']]) {
      const side = this.trees[s];
      const all = compared(diff, diff[s].meta.total * diff.scale[s]);
      setText($(`sides-${s}-name`), diff.scale.kind === 'share' ? name : `${name} · ${all} CPUs`);
      const at = heldBy(side, focus);
      this.views[s].show({ ...look, tree: side, focus: at, window: null, reveal: at !== this.views[s].scene?.focus });
    }
  }
}
