// SPDX-License-Identifier: GPL-2.0
/**
 * Colours. A box's hue says what the code belongs to: warm orange is the
 * kernel, green is JIT code, blue to pink are binaries (the hue is a hash of
 * the file's name, so a binary keeps its colour over time, reloads and
 * hosts), grey is unknown or a remark of the profiler. Within one binary
 * three steps of lightness, by function, tell neighbours apart.
 *
 * Hues come from OKLCH, whose lightness is even: one lightness per theme
 * keeps the labels readable on every one of them.
 */
import { baseName } from './format.js';
import { hash32, KIND } from './model.js';

const SHADES = 3;
const USER_HUES = [232, 262, 292, 322, 208, 277, 247, 307, 340, 220];
const KERNEL_HUES = [58, 74, 44];

/** Families in legend order. */
export const FAMILIES = ['user', 'kernel', 'jit', 'vdso', 'unknown', 'mark'];

/** Every distinct base colour: {family, hue, chroma}; a slot is base * SHADES + shade. */
const BASES = [
  ...[1, 0.55].flatMap((k) => USER_HUES.map((hue) => ({ family: 'user', hue, chroma: k }))),
  ...KERNEL_HUES.map((hue) => ({ family: 'kernel', hue, chroma: 1 })),
  { family: 'jit', hue: 150, chroma: 1 },
  { family: 'vdso', hue: 100, chroma: 0.9 },
  { family: 'unknown', hue: 250, chroma: 0.06 },
  { family: 'mark', hue: 20, chroma: 0.3 },
];
const FIRST = Object.fromEntries(FAMILIES.map((f) => [f, BASES.findIndex((b) => b.family === f)]));
export const SLOTS = BASES.length * SHADES;

function baseOf(kind, object) {
  const h = hash32(baseName(object));
  switch (kind) {
    case KIND.USER: return FIRST.user + ((h ^ (h >>> 15)) >>> 0) % (USER_HUES.length * 2);
    case KIND.KERNEL: return FIRST.kernel + (object === '[kernel.kallsyms]' ? 0 : 1 + (h % 2));
    case KIND.JIT: return FIRST.jit;
    case KIND.VDSO: return FIRST.vdso;
    case KIND.MARK: return FIRST.mark;
    default: return FIRST.unknown;
  }
}

/**
 * What a function belongs to, [kind, object]: its binary; a category is a thing
 * of its own, whatever the kind of the code that was the first of it.
 */
export function ownerOf(profile, f) {
  const kind = profile.kinds[f];
  return profile.byCategory && kind !== KIND.MARK ? [KIND.USER, profile.names[f]] : [kind, profile.objects[f]];
}

/* the daemon's own categories, as far from one another as there are colours; others by their names */
const CATEGORIES = {
  kernel: FIRST.kernel, syscall: FIRST.kernel + 1, gc: FIRST.jit, lock: FIRST.vdso, business: FIRST.user,
  allocator: FIRST.user + 2, crypto: FIRST.user + 3, serialization: FIRST.user + 4, compression: FIRST.user + 8,
};

/** Colour slot per function. @param {import('./model.js').Profile} profile */
export function slotsOf(profile) {
  const slots = new Uint8Array(profile.nFuncs);
  const known = new Map();
  for (let i = 0; i < slots.length; i++) {
    const [kind, object] = ownerOf(profile, i);
    const id = `${kind}${object}`;
    let base = known.get(id);
    if (base === undefined) {
      const own = profile.byCategory && Object.hasOwn(CATEGORIES, object);
      known.set(id, (base = own ? CATEGORIES[object] : baseOf(kind, object)));
    }
    slots[i] = base * SHADES + ((profile.keys[i] >>> 7) % SHADES);
  }
  const root = profile.tree.func[0];
  slots[root] = FIRST.unknown * SHADES + 1;
  return slots;
}

export const familyOf = (slot) => BASES[Math.floor(slot / SHADES)].family;
/** The middle shade of a slot's base: what the legend shows. */
export const legendSlot = (slot) => Math.floor(slot / SHADES) * SHADES + 1;

const THEMES = {
  light: {
    lightness: [0.81, 0.838, 0.866], chroma: 0.088, background: [252, 252, 251],
    text: '#16191d', fadedText: '#5b636c', fadedMix: 0.62,
    idle: [236, 238, 240], idleText: '#5b636c', match: [0.775, 0.135, 352], matchText: '#16191d',
    filler: 'rgba(40,50,60,.16)', hatch: 'rgba(40,30,30,.22)', rule: '#fcfcfb',
  },
  dark: {
    lightness: [0.42, 0.45, 0.48], chroma: 0.074, background: [19, 22, 25],
    text: '#f1f3f5', fadedText: '#a3acb5', fadedMix: 0.62,
    idle: [37, 42, 47], idleText: '#a3acb5', match: [0.53, 0.175, 352], matchText: '#ffffff',
    filler: 'rgba(220,230,240,.14)', hatch: 'rgba(240,230,230,.2)', rule: '#131619',
  },
};

/** OKLCH to sRGB bytes, chroma lowered until the colour exists. */
export function oklch(l, c, hue) {
  const a = Math.cos((hue * Math.PI) / 180);
  const b = Math.sin((hue * Math.PI) / 180);
  for (let chroma = c; ; chroma -= 0.004) {
    const rgb = oklabToLinear(l, a * chroma, b * chroma);
    if (chroma <= 0 || rgb.every((v) => v >= -1e-4 && v <= 1.0001)) return rgb.map(gammaByte);
  }
}

function oklabToLinear(l, a, b) {
  const l3 = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m3 = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s3 = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l3 - 3.3077115913 * m3 + 0.2309699292 * s3,
    -1.2684380046 * l3 + 2.6097574011 * m3 - 0.3413193965 * s3,
    -0.0041960863 * l3 - 0.7034186147 * m3 + 1.707614701 * s3,
  ];
}

function gammaByte(v) {
  const c = Math.min(1, Math.max(0, v));
  return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
}

/** A comparison's boxes: level -DIFF_LEVELS (much better) to DIFF_LEVELS (much worse), 0 within the error. */
export const DIFF_LEVELS = 5;
const DIFF = {
  light: { worse: 24, better: 248, near: [0.91, 0.05], far: [0.7, 0.155], same: [0.9, 0] },
  dark: { worse: 24, better: 252, near: [0.39, 0.075], far: [0.53, 0.17], same: [0.34, 0] },
};

function diffColours(theme) {
  const t = DIFF[theme];
  const step = (hue, level) => {
    const k = (level - 1) / (DIFF_LEVELS - 1);
    return oklch(t.near[0] + (t.far[0] - t.near[0]) * k, t.near[1] + (t.far[1] - t.near[1]) * k, hue);
  };
  const list = [oklch(...t.same, 0)];
  for (let level = 1; level <= DIFF_LEVELS; level++) {
    list.push(step(t.worse, level));
    list.unshift(step(t.better, level));
  }
  return list;
}

const css = (rgb) => `rgb(${rgb.join(',')})`;
const mix = (a, b, k) => a.map((v, i) => Math.round(v * (1 - k) + b[i] * k));

/** Every colour the canvas needs. @param {'light'|'dark'} theme */
export function palette(theme) {
  const t = THEMES[theme];
  const rgb = [];
  for (const base of BASES) {
    for (let s = 0; s < SHADES; s++) rgb.push(oklch(t.lightness[s], t.chroma * base.chroma, base.hue));
  }
  const diff = diffColours(theme);
  return {
    theme,
    diff: diff.map(css),
    diffFaded: diff.map((c) => css(mix(c, t.background, 0.5 + t.fadedMix / 2))),
    fill: rgb.map(css),
    faded: rgb.map((c) => css(mix(c, t.background, t.fadedMix))),
    text: t.text, fadedText: t.fadedText,
    idle: css(t.idle), idleText: t.idleText,
    match: css(oklch(...t.match)), matchText: t.matchText,
    filler: t.filler, hatch: t.hatch, background: css(t.background), rule: t.rule,
  };
}
