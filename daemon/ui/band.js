// SPDX-License-Identifier: GPL-2.0
/**
 * A range on the time line: a tinted box with a handle at each end and a grip
 * on top. All three are sliders for the keyboard; what they are moved to is
 * told, not kept: the page's state decides where the band stands.
 */
import { clockTime } from './clock.js';
import { el, setText } from './dom.js';

const PARTS = { from: 'begin', until: 'end', both: 'move' };

export class Band {
  /**
   * @param {HTMLElement} parent
   * @param {'a'|'b'} side
   * @param {(from: number, until: number, done: boolean) => void} moved
   */
  constructor(parent, side, moved) {
    this.side = side;
    this.moved = moved;
    this.name = el('span', { className: 'tl-name' });
    this.parts = Object.keys(PARTS).map((part) => this.slider(part));
    this.box = el('div', { className: `tl-band tl-${side}`, hidden: true }, this.name, ...this.parts);
    parent.append(this.box);
  }

  slider(part) {
    const e = el('div', { className: `tl-grip tl-${part}`, tabIndex: 0 });
    e.setAttribute('role', 'slider');
    e.addEventListener('keydown', (event) => this.key(event, part));
    e.addEventListener('pointerdown', (event) => this.press(event, part));
    return e;
  }

  /** @param {number[]|null} range ms @param {{from: number, to: number, step: number}} view @param {string} label */
  show(range, view, label) {
    this.box.hidden = !range;
    if (!range) return;
    Object.assign(this, { range, view });
    const place = (ms) => Math.min(1, Math.max(0, (ms - view.from) / (view.to - view.from)));
    const [left, right] = range.map(place);
    this.box.style.left = `${left * 100}%`;
    this.box.style.width = `${(right - left) * 100}%`;
    this.box.classList.toggle('outside', right <= left);
    setText(this.name, label);
    this.parts.forEach((e, i) => this.tell(e, Object.keys(PARTS)[i], label));
  }

  tell(e, part, label) {
    const { range, view } = this;
    const at = part === 'until' ? range[1] : range[0];
    const how = { fine: view.step < 1000 };
    const text = part === 'both' ? `${clockTime(range[0], how)} to ${clockTime(range[1], how)}` : clockTime(at, how);
    const attributes = {
      'aria-label': `${label ? `Side ${label}` : 'Range'}, ${PARTS[part]}`, 'aria-valuemin': Math.round(view.from),
      'aria-valuemax': Math.round(view.to), 'aria-valuenow': Math.round(at), 'aria-valuetext': text,
    };
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  }

  /** The range with one part moved by so many ms, inside of the view and never empty. */
  shifted(part, by) {
    const { view, range: [from, until] } = this;
    const least = Math.min(view.step, until - from);
    if (part === 'from') return [Math.min(Math.max(view.from, from + by), until - least), until];
    if (part === 'until') return [from, Math.max(Math.min(view.to, until + by), from + least)];
    const room = Math.min(Math.max(by, view.from - from), view.to - until);
    return [from + room, until + room];
  }

  key(e, part) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[e.key];
    const all = this.view.to - this.view.from;
    let by = steps * this.view.step * (e.shiftKey ? 10 : 1);
    if (e.key === 'Home') by = -all;
    else if (e.key === 'End') by = all;
    else if (!steps || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    this.moved(...this.shifted(part, by), true);
  }

  press(e, part) {
    if (e.button !== 0) return;
    e.preventDefault();
    e.stopPropagation();
    e.target.focus({ preventScroll: true });
    e.target.setPointerCapture(e.pointerId);
    const begin = e.clientX;
    const per = (this.view.to - this.view.from) / this.box.parentNode.clientWidth;
    const held = { ...this, shifted: this.shifted };
    const move = (event, done) => this.moved(...held.shifted(part, (event.clientX - begin) * per), done);
    const dragged = (event) => move(event, false);
    e.target.addEventListener('pointermove', dragged);
    const ended = (event) => {
      e.target.removeEventListener('pointermove', dragged);
      e.target.removeEventListener('pointerup', ended);
      e.target.removeEventListener('pointercancel', ended);
      if (event.type === 'pointercancel') this.moved(...held.range, false);
      else if (Math.abs(event.clientX - begin) > 2) move(event, true);
    };
    e.target.addEventListener('pointerup', ended);
    e.target.addEventListener('pointercancel', ended);
  }
}
