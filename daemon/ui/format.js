// SPDX-License-Identifier: GPL-2.0
/**
 * Numbers and names as people read them. Pure functions, no DOM.
 *
 * Values are nanoseconds of CPU time unless a unit says otherwise. Digits are
 * kept to what the sampling can carry: three significant ones.
 */

/** Control, line-breaking, text-direction and unseen characters: symbol names come from hostile files. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
/** More marks on a letter than any script has: they grow over the rows around. */
const MARKS = /(\p{M}{4})\p{M}+/gu;
const MAX_NAME = 4096;

/** A string from outside, safe to lay out on one line. */
export function cleanName(s) {
  const cut = s.length > MAX_NAME ? s.slice(0, MAX_NAME) + '…' : s;
  return cut.replace(UNSAFE, '\ufffd').replace(MARKS, '$1');
}

/** Three significant digits, without an exponent. */
export function digits3(v) {
  const a = Math.abs(v);
  if (a === 0) return '0';
  if (a >= 99.95) return Math.round(v).toLocaleString('en-US');
  if (a >= 9.995) return v.toFixed(1);
  if (a >= 0.9995) return v.toFixed(2);
  return a < 0.0005 ? '< 0.001' : v.toFixed(3);
}

/** CPUs in use, three significant digits however few they are: differences are small. */
export function cores(v) {
  const a = Math.abs(v);
  if (a >= 0.09995 || a === 0) return digits3(v);
  return a < 1e-6 ? '< 0.000001' : v.toFixed(Math.min(8, 2 - Math.floor(Math.log10(a))));
}

/** Nanoseconds of CPU time as text: "1.24 s", "38.2 ms", "2 h 03 min". */
export function cpuTime(ns) {
  const s = ns / 1e9;
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${pad2(Math.floor(s / 60) % 60)} min`;
  if (s >= 120) return `${Math.floor(s / 60)} min ${pad2(Math.floor(s) % 60)} s`;
  if (s >= 1 || ns === 0) return `${digits3(s)} s`;
  if (s >= 1e-3) return `${digits3(s * 1e3)} ms`;
  return `${digits3(s * 1e6)} µs`;
}

function pad2(n) {
  return String(n).padStart(2, '0');
}

/** A share 0..1 as percent with two decimals: "12.34 %", "< 0.01 %". */
export function percent(share) {
  const p = share * 100;
  if (p > 0 && p < 0.005) return '< 0.01\u00a0%';
  return `${p.toFixed(2)}\u00a0%`;
}

/** A difference of two shares, in percentage points. */
export const points = (share) => percent(share).replace('%', 'pp');

/** Whole numbers with thousands apart. */
export function count(n) {
  return Math.round(n).toLocaleString('en-US');
}

/** Wall-clock length in ms: "5 min", "299.9 s". */
export function wallTime(ms) {
  const s = ms / 1000;
  if (s >= 7200) return `${digits3(s / 3600)} h`;
  if (s >= 120) return `${digits3(s / 60)} min`;
  return `${digits3(s)} s`;
}

/** A share's standard error from `samples` independent samples (binomial). */
export function standardError(share, samples) {
  if (samples <= 0) return 0;
  const p = Math.min(1, Math.max(0, share));
  return Math.sqrt((p * (1 - p)) / samples);
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function bytes(v) {
  const step = v < 1024 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(v) / 10));
  return `${step ? digits3(v / 1024 ** step) : count(v)} ${BYTES[step]}`;
}

const SCALE = { nanoseconds: 1, microseconds: 1e3, milliseconds: 1e6, seconds: 1e9 };

/** A value of the profile's unit: CPU time for nanoseconds, else a number with its unit. */
export function value(v, unit) {
  if (unit === 'nanoseconds') return cpuTime(v);
  if (unit in SCALE) return cpuTime(v * SCALE[unit]);
  if (unit === 'bytes') return bytes(v);
  return unit === 'count' || !unit ? count(v) : `${count(v)} ${unit}`;
}

/** A change relative to what was: "+12.3 %", "−4.0 %", "new", "gone". */
export function relative(a, b) {
  if (a === b) return '0\u00a0%';
  if (a <= 0) return 'new';
  if (b <= 0) return 'gone';
  const p = (b / a - 1) * 100;
  if (p >= 1000) return `×${digits3(b / a)}`;
  return `${p > 0 ? '+' : '\u2212'}${Math.abs(p) >= 99.95 ? Math.round(Math.abs(p)) : Math.abs(p).toFixed(1)}\u00a0%`;
}

/** The last part of a path; names in brackets stay whole. */
export function baseName(path) {
  if (path.startsWith('[')) return path;
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

/** The text without the parameter list it ends in: "f(int) const" -> "f". Go's "pkg.(*T).M" has none. */
function withoutParameters(name) {
  const s = name.replace(/( const| volatile| &{1,2}| \[[^\]]*\])+$/, '');
  if (!s.endsWith(')')) return s;
  let depth = 0;
  for (let i = s.length - 1; i > 0; i--) {
    if (s[i] === ')') depth++;
    else if (s[i] === '(' && --depth === 0) return /[.:\s]/.test(s[i - 1]) ? s : s.slice(0, i);
  }
  return s;
}

/**
 * A function's name without template arguments and parameter list, for narrow
 * boxes: "std::vector<int>::push_back(int&&)" -> "std::vector::push_back".
 */
export function shortName(name) {
  if (name.startsWith('[') || name.includes('operator')) return name;
  let out = '';
  let angle = 0;
  for (const c of withoutParameters(name)) {
    if (c === '<') angle++;
    if (angle === 0) out += c;
    if (c === '>' && angle > 0) angle--;
  }
  out = out.replace(/^::/, '').trim();
  return angle === 0 && out ? out : name;
}
