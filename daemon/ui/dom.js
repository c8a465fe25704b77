// SPDX-License-Identifier: GPL-2.0
/** Small helpers to build elements. Text only ever goes in as text, never as markup. */

export const $ = (id) => document.getElementById(id);

/** el('td', {className: 'num'}, 'text', child, ...) */
export function el(tag, props = {}, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

/** Sets text only when it changes, so that screen readers aren't told again. */
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

/** Marks one of a group of toggle buttons as pressed. */
export function press(buttons, isPressed) {
  for (const b of buttons) b.setAttribute('aria-pressed', String(isPressed(b)));
}
