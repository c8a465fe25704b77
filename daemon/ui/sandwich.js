// SPDX-License-Identifier: GPL-2.0
/** One function in the middle, who calls it above, what it calls below. */
import { FlameView } from './flame.js';
import { callersOf, calleesOf } from './regroup.js';
import { baseName, percent } from './format.js';
import { KIND } from './model.js';
import { figures } from './tooltip.js';
import { $, setText } from './dom.js';

export class Sandwich {
  /** @param {{pick: (f: number) => void, hover: Function, select: Function}} callbacks */
  constructor(callbacks) {
    const view = (id, which, label) => new FlameView($(id), {
      zoom: (node) => node > 0 && callbacks.pick(this[which].func[node]),
      open: () => {},
      moved: () => {},
      hover: (node, x, y) => {
        if (node < 0 && this.hovered !== which) return; // the detail that there is comes from the other half
        this.hovered = node < 0 ? null : which;
        callbacks.hover(this[which], node, x, y);
      },
      select: (node) => callbacks.select(this[which], node),
    }, label);
    this.up = view('sandwich-callers', 'callers', 'Callers');
    this.down = view('sandwich-callees', 'callees', 'Callees');
  }

  setPalette(palette) {
    this.up.setPalette(palette);
    this.down.setPalette(palette);
  }

  /** The function shown when none was chosen: the one with most self time, a remark only if there is nothing else. */
  static heaviest(profile) {
    const root = profile.tree.func[0];
    const { self } = profile.totals;
    const code = (f) => profile.kinds[f] !== KIND.MARK;
    let best = -1;
    for (let f = 0; f < profile.nFuncs; f++) {
      if (f === root) continue;
      if (best < 0 || code(f) > code(best) || (code(f) === code(best) && self[f] > self[best])) best = f;
    }
    return best;
  }

  /** @param {object} look slots, names, shorts, marked */
  show(profile, func, look) {
    if (this.profile !== profile || this.func !== func) {
      this.callers = Object.assign(callersOf(profile.tree, profile.nFuncs, func), { middle: func });
      this.callees = Object.assign(calleesOf(profile.tree, profile.nFuncs, func), { middle: func });
      Object.assign(this, { profile, func });
    }
    setText($('sandwich-name'), profile.names[func]);
    const total = figures(profile, profile.totals.total[func]);
    const self = figures(profile, profile.totals.self[func]);
    setText($('sandwich-figures'),
      `${baseName(profile.objects[func]) || 'no object'} · total ${percent(total.share)} (${total.time}) · self ${percent(self.share)} (${self.time})`);
    const part = { ...look, focus: 0, window: null };
    this.up.show({ ...part, tree: this.callers, flip: true });
    this.down.show({ ...part, tree: this.callees, flip: false });
  }
}
