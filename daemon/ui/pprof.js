// SPDX-License-Identifier: GPL-2.0
/**
 * Anyone's pprof file (profile.proto, with or without gzip) as a Profile of
 * one of its sample types. Frames are told apart by function and binary, as
 * in the daemon's own answers, so that a file can be compared with them.
 */
import { cleanName } from './format.js';
import { KIND, ModelError, hash32 } from './model.js';
import { Reader, readFields } from './proto.js';
import { finishTree, functionTotals } from './tree.js';

const MAX_BYTES = 512 << 20;
const MAX_NODES = 4_000_000;
const MAX_DEPTH = 4096;

const need = (ok, what) => {
  if (!ok) throw new ModelError(what);
};

/** The bytes without gzip around them; a file that swells beyond all measure is refused. */
export async function unpack(bytes, limit = MAX_BYTES) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts = [];
  let length = 0;
  try {
    for (let r = await reader.read(); !r.done; r = await reader.read()) {
      length += r.value.length;
      need(length <= limit, `more than ${limit >> 20} MiB without its compression`);
      parts.push(r.value);
    }
  } catch (e) {
    if (e instanceof ModelError) throw e;
    throw new ModelError('the gzip around it is damaged');
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

const valueType = (r) => {
  const t = { type: 0, unit: 0 };
  readFields(r.message(), { 1: (m) => (t.type = m.number()), 2: (m) => (t.unit = m.number()) });
  return t;
};

function sample(r) {
  const s = { stack: [], values: [] };
  readFields(r.message(), { 1: (m) => m.numbers(s.stack), 2: (m) => m.numbers(s.values) });
  return s;
}

function mapping(r) {
  const m = { id: 0, start: 0, file: 0 };
  readFields(r.message(), { 1: (f) => (m.id = f.number()), 2: (f) => (m.start = f.number()), 5: (f) => (m.file = f.number()) });
  return m;
}

function location(r) {
  const l = { id: 0, mapping: 0, address: 0, lines: [] };
  const line = (f) => {
    const n = { func: 0, line: 0 };
    readFields(f.message(), { 1: (m) => (n.func = m.number()), 2: (m) => (n.line = m.number()) });
    l.lines.push(n);
  };
  readFields(r.message(), {
    1: (f) => (l.id = f.number()), 2: (f) => (l.mapping = f.number()), 3: (f) => (l.address = f.number()), 4: line,
  });
  return l;
}

function func(r) {
  const f = { id: 0, name: 0, system: 0, file: 0, line: 0 };
  readFields(r.message(), {
    1: (m) => (f.id = m.number()), 2: (m) => (f.name = m.number()), 3: (m) => (f.system = m.number()),
    4: (m) => (f.file = m.number()), 5: (m) => (f.line = m.number()),
  });
  return f;
}

/** The file's messages, indexes still unresolved. @param {Uint8Array} bytes unpacked */
export function readPprof(bytes) {
  const p = {
    types: [], samples: [], mappings: new Map(), locations: new Map(), functions: new Map(), strings: [],
    time: 0, duration: 0, period: 0, periodType: null, initial: 0,
  };
  const decoder = new TextDecoder();
  readFields(new Reader(bytes), {
    1: (r) => p.types.push(valueType(r)), 2: (r) => p.samples.push(sample(r)),
    3: (r) => keep(p.mappings, mapping(r)), 4: (r) => keep(p.locations, location(r)), 5: (r) => keep(p.functions, func(r)),
    6: (r) => p.strings.push(cleanName(r.text(decoder))),
    9: (r) => (p.time = r.number()), 10: (r) => (p.duration = r.number()), 11: (r) => (p.periodType = valueType(r)), 12: (r) => (p.period = r.number()),
    14: (r) => (p.initial = r.number()),
  });
  need(p.types.length > 0 && p.strings.length > 0, 'not a profile: it has no sample types');
  const named = (t) => ({ type: string(p, t.type), unit: string(p, t.unit) });
  p.types = p.types.map(named);
  if (p.periodType) p.periodType = named(p.periodType);
  return p;
}

const keep = (map, message) => map.set(message.id, message);
const string = (p, i) => {
  need(i >= 0 && i < p.strings.length, `string ${i} does not exist`);
  return p.strings[i];
};

const UNITS = [
  ['nanoseconds', 1, /^(ns|nanoseconds?)$/], ['nanoseconds', 1e3, /^(us|microseconds?)$/], ['nanoseconds', 1e6, /^(ms|milliseconds?)$/],
  ['nanoseconds', 1e9, /^(s|sec|seconds?)$/], ['bytes', 1, /^(b|bytes?)$/], ['bytes', 1024, /^(kb|kilobytes)$/],
  ['bytes', 1048576, /^(mb|megabytes)$/], ['bytes', 1073741824, /^(gb|gigabytes)$/],
];

/** A unit as [its base, how many of it]. */
function baseUnit(unit) {
  const u = UNITS.find(([, , words]) => words.test(unit));
  return u ? [u[0], u[1]] : [unit, 1];
}

/** Index of the sample type of that name; without one as `go tool pprof` chooses: the default, else the last. */
export function typeIndex(p, name) {
  const wanted = name || (p.initial > 0 ? string(p, p.initial) : '');
  const i = p.types.findIndex((t) => t.type === wanted);
  return i >= 0 ? i : p.types.length - 1;
}

/** A mapping's file as the daemon names objects. */
function objectName(p, id) {
  const m = p.mappings.get(id);
  const name = m ? string(p, m.file) : '';
  return /^\[kernel\.kallsyms\]/.test(name) ? '[kernel.kallsyms]' : name;
}

function kindOf(name, object) {
  if (/^\[(truncated|lost)\b/.test(name)) return KIND.MARK;
  if (object === '[vdso]') return KIND.VDSO;
  if (object === '[anon]' || object === '[jit]') return KIND.JIT;
  if (/^\[.*\]$/.test(object)) return KIND.KERNEL;
  return object || !/^0x/.test(name) ? KIND.USER : KIND.UNKNOWN;
}

/** Functions of the new profile, one per name and object. */
class Functions {
  constructor(p) {
    this.p = p;
    this.ids = new Map();
    this.frames = new Map();
    Object.assign(this, { names: [], objects: [], files: [], lines: [], kinds: [], keys: [] });
    this.add('total', '', '', 0, KIND.UNKNOWN);
  }

  add(name, object, file, line, kind) {
    const id = `${object}\n${name}`;
    let f = this.ids.get(id);
    if (f !== undefined) return f;
    f = this.names.length;
    this.ids.set(id, f);
    this.names.push(name);
    this.objects.push(object);
    this.files.push(file);
    this.lines.push(line);
    this.kinds.push(kind);
    this.keys.push(hash32(id));
    return f;
  }

  /** A location's frames, outermost first: inlined functions stand within their caller. */
  of(id) {
    let list = this.frames.get(id);
    if (list) return list;
    const l = this.p.locations.get(id);
    need(l, `location ${id} does not exist`);
    const object = objectName(this.p, l.mapping);
    const address = `0x${l.address.toString(16)}`;
    const lines = l.lines.length ? l.lines : [{ func: 0 }];
    list = lines.map((n) => this.line(n.func, object, address)).reverse();
    this.frames.set(id, list);
    return list;
  }

  /** One line's frame; without a function it is told by its address. */
  line(id, object, address) {
    if (id === 0) return this.add(address, object, '', 0, kindOf(address, object));
    const f = this.p.functions.get(id);
    need(f, `function ${id} does not exist`);
    const name = string(this.p, f.name) || string(this.p, f.system) || address;
    return this.add(name, object, string(this.p, f.file), f.line, kindOf(name, object));
  }
}

/** Merges stacks into a tree, nodes in order of appearance. */
class Merger {
  constructor() {
    this.children = new Map();
    Object.assign(this, { parent: [-1], func: [0], self: [0] });
  }

  child(node, f) {
    const key = node * 0x800000 + f;
    let c = this.children.get(key);
    if (c === undefined) {
      need(this.parent.length < MAX_NODES, `more than ${MAX_NODES} different frames`);
      c = this.parent.length;
      this.children.set(key, c);
      this.parent.push(node);
      this.func.push(f);
      this.self.push(0);
    }
    return c;
  }

  /** The tree in pre-order, heaviest child first. */
  finish() {
    const n = this.parent.length;
    const total = Float64Array.from(this.self);
    for (let i = n - 1; i > 0; i--) total[this.parent[i]] += total[i];
    const kids = Array.from({ length: n }, () => null);
    for (let i = 1; i < n; i++) (kids[this.parent[i]] ??= []).push(i);
    const out = { parent: new Int32Array(n), func: new Int32Array(n), total: new Float64Array(n), self: new Float64Array(n) };
    const stack = [[0, -1]];
    for (let at = 0; stack.length; at++) {
      const [i, parent] = stack.pop();
      out.parent[at] = parent;
      out.func[at] = this.func[i];
      out.total[at] = total[i];
      out.self[at] = this.self[i];
      for (const c of (kids[i] ?? []).sort((a, b) => total[a] - total[b])) stack.push([c, at]);
    }
    return finishTree(out.parent, out.func, out.total, out.self);
  }
}

/** How many samples stand behind a row: a column says, else the period, else one. Never guessed upwards. */
function counter(p, which) {
  const counts = p.types.findIndex((t) => t.type === 'samples' && t.unit === 'count');
  if (counts >= 0) return (values) => Math.max(0, values[counts]);
  const same = p.period > 0 && p.periodType?.unit === p.types[which].unit;
  return same ? (values) => values[which] / p.period : () => 1;
}

function merge(p, which, functions) {
  const merger = new Merger();
  const countOf = counter(p, which);
  const [unit, factor] = baseUnit(p.types[which].unit);
  const sums = { samples: 0, lost: 0, lostSamples: 0, truncated: 0 };
  for (const s of p.samples) {
    need(s.values.length === p.types.length, 'a sample has more or fewer values than there are types');
    need(s.values[which] >= 0, 'it is a difference of two profiles: it has negative values');
    need(s.stack.length <= MAX_DEPTH, `a stack of ${s.stack.length} frames`);
    if (s.values[which] === 0) continue;
    const v = s.values[which] * factor;
    const n = countOf(s.values);
    let node = 0;
    let root = '';
    for (let i = s.stack.length - 1; i >= 0; i--) {
      for (const f of functions.of(s.stack[i])) {
        root ||= functions.names[f];
        node = merger.child(node, f);
      }
    }
    merger.self[node] += v;
    if (root.startsWith('[truncated')) sums.truncated += v;
    if (root.startsWith('[lost')) {
      sums.lost += v;
      sums.lostSamples += n;
    } else {
      sums.samples += n;
    }
  }
  return { tree: merger.finish(), unit, ...sums };
}

/**
 * @param {object} p of readPprof
 * @param {string} type name of the sample type, "" the default
 * @returns {import('./model.js').Profile}
 */
export function pprofProfile(p, type) {
  const which = typeIndex(p, type);
  const f = new Functions(p);
  const { tree, unit, samples, lost, lostSamples, truncated } = merge(p, which, f);
  const ms = p.time > 0 ? p.time / 1e6 : 0;
  return {
    meta: {
      unit, period: p.period, from: ms, to: ms + p.duration / 1e6, duration: p.duration / 1e6, total: tree.total[0] - lost, samples, lost, lostSamples, truncated,
      cpus: 0, windows: 0, cut: false, type: p.types[which].type, types: p.types.map((t) => t.type),
    },
    nFuncs: f.names.length, names: f.names, objects: f.objects, files: f.files, lines: f.lines,
    kinds: Uint8Array.from(f.kinds), keys: Uint32Array.from(f.keys), tree, totals: functionTotals(tree, f.names.length),
  };
}
