// SPDX-License-Identifier: GPL-2.0
/** Light and dark: what the system asks for, unless the reader chose. */
import { palette } from './color.js';

const KEY = 'ringprof-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
export const THEMES = ['auto', 'light', 'dark'];

/* storage may be switched off or full: the choice then lasts as long as the page */
export function rememberedTheme() {
  try {
    const t = localStorage.getItem(KEY);
    return THEMES.includes(t) ? t : 'auto';
  } catch {
    return 'auto';
  }
}

export function rememberTheme(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    /* see above */
  }
}

/** Sets the page's theme and gives the canvas colours of it. */
export function applyTheme(theme) {
  const dark = theme === 'dark' || (theme === 'auto' && system.matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  return palette(dark ? 'dark' : 'light');
}

/** Calls f whenever the system changes its mind. */
export function onSystemTheme(f) {
  system.addEventListener('change', f);
}
