// SPDX-License-Identifier: GPL-2.0
/** Deploys and notes on the time line: a mark each, its words in a card. */
import { clockTime, currentZone } from './clock.js';
import { el, refill } from './dom.js';

const APART = 13; // CSS pixels; nearer ones share a mark
const CARD_EVENTS = 8;

export function eventTitle(e) {
  const what = e.kind === 'deploy' ? `${e.service || 'deploy'} ${e.version}`.trim() : e.text || e.kind || 'event';
  return what || 'event';
}

export class EventMarks {
  /** @param {HTMLElement} plot @param {(event: object) => void} around compare before and after */
  constructor(plot, around) {
    this.around = around;
    this.box = el('div', { className: 'tl-events' });
    this.card = el('div', { className: 'tl-card', hidden: true });
    this.card.setAttribute('role', 'dialog');
    this.card.setAttribute('aria-label', 'Events');
    plot.append(this.box, this.card);
    this.card.addEventListener('keydown', (e) => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      this.close();
    });
    document.addEventListener('pointerdown', (e) => {
      if (!this.card.hidden && !e.target.closest('.tl-card, .tl-event')) this.close();
    });
  }

  close() {
    this.card.hidden = true;
    this.opener?.focus();
    this.opener = null;
  }

  /** @param {object[]} events in order of time @param {{from: number, to: number}} view @param {number} width CSS pixels */
  show(events, view, width) {
    const place = (t) => ((t - view.from) / (view.to - view.from)) * width;
    const marks = [];
    for (const e of events) {
      const x = place(e.time);
      if (x < 0 || x > width) continue;
      const last = marks.at(-1);
      if (last && x - last.x < APART) last.events.push(e);
      else marks.push({ x, events: [e] });
    }
    const id = JSON.stringify([currentZone(), ...marks.map((m) => [Math.round(m.x), m.events.length, eventTitle(m.events[0])])]);
    if (id === this.shown) return;
    this.shown = id;
    refill(this.box, ...marks.map((m) => this.mark(m, width)));
    if (!this.card.hidden && !this.opener?.isConnected) this.card.hidden = true;
  }

  mark({ x, events }, width) {
    const more = events.length > 1 ? ` and ${events.length - 1} more` : '';
    const title = `${eventTitle(events[0])}${more}, ${clockTime(events[0].time)}`;
    const b = el('button', { className: 'tl-event', title }, el('span', { className: 'sr' }, title));
    b.dataset.kind = events.every((e) => e.kind === 'deploy') ? 'deploy' : 'note';
    b.style.left = `${(x / width) * 100}%`;
    b.addEventListener('click', () => this.open(b, events, x / width));
    return b;
  }

  open(button, events, at) {
    this.opener = button;
    this.card.replaceChildren(...events.slice(0, CARD_EVENTS).map((e) => this.entry(e)),
      ...(events.length > CARD_EVENTS ? [el('p', { className: 'muted' }, `${events.length - CARD_EVENTS} more`)] : []));
    this.card.hidden = false;
    this.card.style.left = at > 0.5 ? 'auto' : `${at * 100}%`;
    this.card.style.right = at > 0.5 ? `${(1 - at) * 100}%` : 'auto';
    this.card.querySelector('button')?.focus();
  }

  entry(e) {
    const b = el('button', {}, 'Compare before and after');
    b.addEventListener('click', () => {
      this.card.hidden = true;
      this.around(e);
    });
    return el('div', { className: 'tl-entry' }, el('b', {}, eventTitle(e)),
      el('span', { className: 'muted' }, [clockTime(e.time), e.gitRef, e.kind === 'deploy' ? e.text : ''].filter(Boolean).join(' · ')), b);
  }
}
