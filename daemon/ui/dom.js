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

/** What tells a control from its neighbours, in the old content and in the new. */
const identity = (e) => e.dataset.id ?? (e.title || e.textContent);

/** Replaces a box's content; the control that had the focus hands it on to its successor, else to who stands in its place. */
export function refill(box, ...children) {
  const controls = () => [...box.querySelectorAll('button, a[href]')];
  const at = controls().indexOf(document.activeElement);
  const held = at < 0 ? null : identity(document.activeElement);
  box.replaceChildren(...children);
  if (held === null) return;
  const now = controls();
  const near = now[Math.min(at, now.length - 1)];
  const next = near && identity(near) === held ? near : now.find((e) => identity(e) === held) ?? near;
  next?.focus({ preventScroll: true });
}

/** Escape takes back what was typed, before the field is left and what is in it counts. @param {() => string} before */
export function takesBack(input, before) {
  input.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') input.value = before();
  });
}

/** Marks one of a group of toggle buttons as pressed. */
export function press(buttons, isPressed) {
  for (const b of buttons) b.setAttribute('aria-pressed', String(isPressed(b)));
}
