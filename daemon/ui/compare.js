// SPDX-License-Identifier: GPL-2.0
/**
 * The bar of the compare mode: what the two sides are, which of them the time
 * line and opened files set, how widths and changes are reckoned.
 */
import { clockRange } from './clock.js';
import { $, press, setText, takesBack } from './dom.js';
import { selectedService } from './api.js';
import { change, compared, differing } from './difftable.js';
import { inCores } from './diff.js';
import { judgeWhole } from './judge.js';
import { relative, wallTime } from './format.js';
import { braced } from './state.js';

/** The base when nothing was chosen: as long as the range, right before it. */
export function rangeBefore([from, until]) {
  const length = until - from;
  return [from - length, from];
}

/** Before and after a moment, as long as there is time since, at most an hour each. */
export function around(moment, now) {
  const length = Math.max(60000, Math.min(3600000, now - moment));
  return { a: [moment - length, moment], b: [moment, moment + length] };
}

export class CompareBar {
  /**
   * @param {object} callbacks
   * @param {(patch: object) => void} callbacks.change
   * @param {(side: 'a'|'b') => void} callbacks.side
   * @param {() => void} callbacks.swap
   */
  constructor(callbacks) {
    this.bar = $('compare');
    this.side = 'a';
    for (const side of ['a', 'b']) {
      $(`pick-${side}`).addEventListener('click', () => {
        this.side = side;
        callbacks.side(side);
      });
      $(`unfile-${side}`).addEventListener('click', () => callbacks.change(side === 'a' ? { aFile: '' } : { file: '', type: '' }));
    }
    takesBack($('a-query'), () => this.aQuery);
    $('a-query').addEventListener('change', () => {
      callbacks.change({ aQuery: braced($('a-query').value) || null, zoom: [], window: null });
    });
    for (const b of document.querySelectorAll('#compare [data-width]')) b.addEventListener('click', () => callbacks.change({ width: b.dataset.width }));
    for (const b of document.querySelectorAll('#compare [data-scale]')) b.addEventListener('click', () => callbacks.change({ scale: b.dataset.scale }));
    $('swap').addEventListener('click', callbacks.swap);
    $('compare-end').addEventListener('click', () => callbacks.change({ compare: false, aFile: '', aQuery: null, zoom: [], window: null }));
  }

  /** @param {{a: number[], b: number[]}} ranges ms @param {object|null} diff what is on show */
  show(state, ranges, diff) {
    this.bar.hidden = !state.compare;
    if (!state.compare) return;
    press([$('pick-a'), $('pick-b')], (b) => b.id === `pick-${this.side}`);
    const name = (query) => (query ? selectedService(query) ?? query : 'all processes');
    const side = (s, file, query, range) => {
      setText($(`text-${s}`), file || `${name(query)} · ${clockRange(...range)} (${wallTime(range[1] - range[0])})`);
      $(`unfile-${s}`).hidden = !file;
    };
    side('a', state.aFile, state.aQuery ?? state.query, ranges.a);
    side('b', state.file, state.query, ranges.b);
    this.aQuery = state.aQuery ?? '';
    if (document.activeElement !== $('a-query')) $('a-query').value = this.aQuery;
    $('a-query').hidden = Boolean(state.aFile);
    press(document.querySelectorAll('#compare [data-width]'), (b) => b.dataset.width === state.width);
    press(document.querySelectorAll('#compare [data-scale]'), (b) => b.dataset.scale === (diff?.scale.kind ?? state.scale));
    document.querySelector('#compare [data-scale=cores]').disabled = Boolean(diff) && !inCores(diff);
    setText($('verdict'), diff ? verdict(diff) : '');
    $('verdict').dataset.kind = diff ? kindOf(diff) : '';
  }
}

function kindOf(diff) {
  const t = judgeWhole(diff);
  return !t.sure || diff.scale.kind === 'share' ? 'same' : t.delta > 0 ? 'worse' : 'better';
}

/** The whole comparison in one line. */
export function verdict(diff) {
  const t = judgeWhole(diff);
  if (diff.scale.kind === 'share') return 'shares: how much was used in all is not compared';
  const same = t.sure ? `${relative(t.a, t.b)}` : 'no change beyond the error';
  return `${compared(diff, t.a)} → ${compared(diff, t.b)} CPUs: ${same} (${change(diff, t.delta)} ± ${differing(diff, t.se)})`;
}
