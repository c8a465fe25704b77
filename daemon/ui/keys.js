// SPDX-License-Identifier: GPL-2.0
/** Keys of the whole page. Those of the flame graph and the time line are theirs, when they have the focus. */
import { $ } from './dom.js';

/** @param {Record<string, () => void>} keys @param {{escape: () => void, clears: () => boolean}} how */
export function listenKeys(keys, { escape, clears }) {
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector('dialog[open]')) return;
    const typing = e.target.matches('input, select, textarea');
    if (typing && e.key === 'Escape') {
      if (e.target === $('search') && clears()) escape();
      e.target.blur();
      return;
    }
    if (e.key === 'Escape') return void (e.preventDefault(), escape());
    if (typing || !Object.hasOwn(keys, e.key)) return;
    e.preventDefault();
    keys[e.key]();
  });
}
