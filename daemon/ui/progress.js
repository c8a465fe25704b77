// SPDX-License-Identifier: GPL-2.0
/** Says that an answer takes its time, and lets the reader stop it. Short waits are not shown. */
import { $, setText } from './dom.js';

const PATIENCE_MS = 300;

export class Progress {
  /** @param {() => void} cancel */
  constructor(cancel) {
    this.box = $('progress');
    $('cancel').addEventListener('click', cancel);
  }

  show(busy) {
    document.body.setAttribute('aria-busy', String(busy));
    clearTimeout(this.timer);
    if (!busy) {
      this.box.hidden = true;
      return;
    }
    this.begin = performance.now();
    this.timer = setTimeout(() => this.tick(), PATIENCE_MS);
  }

  tick() {
    const seconds = Math.floor((performance.now() - this.begin) / 1000);
    this.box.hidden = false;
    setText($('progress-text'), 'Waiting for the answer');
    setText($('progress-time'), seconds < 1 ? '' : `${seconds} s`);
    this.timer = setTimeout(() => this.tick(), 1000);
  }
}
