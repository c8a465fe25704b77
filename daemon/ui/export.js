// SPDX-License-Identifier: GPL-2.0
/**
 * What is on show as text: tables as CSV, and opened files, of which the
 * daemon knows nothing, as folded stacks and for speedscope. Pure functions.
 */
import { topRows } from './top.js';

/* a field that begins like a formula must not become one in a spreadsheet */
function field(v) {
  let s = String(v);
  if (/^[=+\-@\t]/.test(s) && !/^-?[\d.]+(e[+-]?\d+)?$/.test(s)) s = `'${s}`;
  return /[",\n\r]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
}

export const csv = (rows) => rows.map((r) => r.map(field).join(',') + '\r\n').join('');

/** Functions of a profile by the order on show. */
export function topCsv(p, sort, marked) {
  const all = p.tree.total[0] || 1;
  const rows = topRows(p, sort, marked).map((f) => {
    const [self, total] = [p.totals.self[f], p.totals.total[f]];
    return [self, (100 * self) / all, total, (100 * total) / all, p.names[f], p.objects[f], p.files[f], p.lines[f] || ''];
  });
  return csv([[`self_${p.meta.unit}`, 'self_percent', `total_${p.meta.unit}`, 'total_percent', 'function', 'binary', 'file', 'line'], ...rows]);
}

export function diffCsv(diff, rows) {
  const unit = diff.scale.kind;
  const part = (w) => [w.a, w.b, w.delta, w.se, w.sure ? 1 : 0];
  const head = ['self', 'total'].flatMap((s) => ['a', 'b', 'delta', 'standard_error'].map((c) => `${s}_${c}_${unit}`).concat(`${s}_significant`));
  return csv([[...head, 'function', 'binary'],
    ...rows.map((r) => [...part(r.self), ...part(r.total), diff.names[r.f], diff.objects[r.f]])]);
}

export function servicesCsv(services) {
  return csv([['service', 'cores', 'share_percent', 'versions'],
    ...services.map((s) => [s.name, s.cores, 100 * s.share, s.versions.map((v) => v.version).join(' ')])]);
}

/** Calls f(functions from the root down, self weight) for every stack. */
function eachStack(p, f) {
  const { tree } = p;
  const stack = [];
  for (let i = 1; i < tree.n; i++) {
    stack.length = tree.depth[i] - 1;
    stack.push(tree.func[i]);
    if (tree.self[i] > 0) f(stack, tree.self[i]);
  }
}

/** "root;...;leaf weight" lines. */
export function folded(p) {
  const lines = [];
  eachStack(p, (stack, weight) => lines.push(`${stack.map((f) => p.names[f].replace(/;/g, ':')).join(';')} ${Math.round(weight)}\n`));
  return lines.join('');
}

const SPEEDSCOPE_UNITS = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'];

export function speedscope(p, name) {
  const samples = [];
  const weights = [];
  eachStack(p, (stack, weight) => {
    samples.push(stack.slice());
    weights.push(weight);
  });
  const frames = p.names.map((n, f) => {
    const file = p.files[f] || p.objects[f];
    return { name: n, ...(file && { file }), ...(p.files[f] && p.lines[f] > 0 && { line: p.lines[f] }) };
  });
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json', name, exporter: 'ringprof', activeProfileIndex: 0, shared: { frames },
    profiles: [{
      type: 'sampled', name, unit: SPEEDSCOPE_UNITS.includes(p.meta.unit) ? p.meta.unit : 'none', startValue: 0,
      endValue: weights.reduce((s, w) => s + w, 0), samples, weights,
    }],
  });
}

/** Hands a file made in the page to the reader. */
export function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const a = document.createElement('a');
  Object.assign(a, { href: url, download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
