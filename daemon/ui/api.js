// SPDX-License-Identifier: GPL-2.0
/**
 * The daemon's HTTP interface as the page uses it. Every failure becomes an
 * ApiError whose kind says what a person can do about it.
 */

export const PROFILE_TYPE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
const MAX_NODES = 100000;
const TIMEOUT_MS = 30000;

/** kind: auth, gone, busy, bad, missing, server, format; of the page itself: file, stopped */
export class ApiError extends Error {
  constructor(kind, detail = '', status = 0) {
    super(detail);
    this.kind = kind;
    this.status = status;
  }
}

const KINDS = { 400: 'bad', 401: 'auth', 403: 'auth', 404: 'missing', 429: 'busy', 503: 'busy', 504: 'busy' };

/**
 * Address of an API path. Built on the origin: a page opened as
 * http://user:token@host/ must not hand that on, fetch refuses such addresses.
 */
function address(path, params) {
  const folder = location.pathname.replace(/[^/]*$/, '');
  const url = new URL(folder + path, location.origin);
  for (const [k, v] of Object.entries(params ?? {})) url.searchParams.set(k, v);
  return url.href;
}

const quoted = (value) => `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;

/** What a state's host stands for: "" this host, for which nothing is said, a name, or all that there are. */
export const ALL_HOSTS = '*';

/** The selector with the host that is chosen; one that names a host itself stays as it is. */
export function withHost(query, host) {
  if (!host || /[{,]\s*host\s*[=!]/.test(query)) return query;
  const matcher = host === ALL_HOSTS ? 'host=~".+"' : `host=${quoted(host)}`;
  return /^\{\s*\S/.test(query) && !/^\{\s*\}/.test(query) ? `{${matcher},${query.slice(1)}` : `{${matcher}}`;
}

const typed = ({ query, host }) => PROFILE_TYPE + (withHost(query, host) || '{}');

function profileParams(state, format) {
  // pprof keeps every frame: who reads it merges
  const shape = format === 'pprof' || (state.merge ?? 'function') === 'function' ? {} : { merge: state.merge };
  return { query: typed(state), from: state.from, until: state.until, format, ...shape };
}

/* cores are what the daemon compares by itself, where both sides count time */
function diffParams(a, b, scale, format) {
  return {
    a_query: typed(a), a_from: a.from, a_until: a.until, b_query: typed(b), b_from: b.from, b_until: b.until, format,
    ...(scale === 'share' && { by: 'share' }),
  };
}

/** Address of the range on show in another format. `meta` pins the range that was answered. */
export function downloadAddress(state, meta, format) {
  const params = profileParams(state, format);
  if (meta?.to) {
    params.from = String(Math.round(meta.from));
    params.until = String(Math.round(meta.to));
  }
  return address('api/v1/profile', params);
}

/* an error's text: JSON {"error": ...} or plain; never HTML, never long */
async function errorText(response) {
  const body = (await response.text().catch(() => '')).slice(0, 2000);
  try {
    const json = JSON.parse(body);
    return String(json.error?.message ?? json.error ?? json.message ?? '').slice(0, 500);
  } catch {
    return /<\w/.test(body) ? '' : body.trim().slice(0, 500);
  }
}

/** Positions in a selector as its author counts them, without what the page puts in front of it. @param {object} asked by parameter */
function ownPositions(text, asked) {
  return text.replace(/\b((?:[ab]_)?query): position (\d+)/g, (all, name, at) => {
    const own = asked[name]?.query;
    return own ? `${name}: position ${Math.max(1, at - (typed(asked[name]).length - own.length))}` : all;
  });
}

/** `asked`: by parameter, whose selector it is: {query, host}. */
async function getJson(url, signal, asked = {}) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const both = new AbortController();
  const stop = () => both.abort();
  limit.addEventListener('abort', stop);
  signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(url, { signal: both.signal, credentials: 'same-origin', cache: 'no-store' });
    if (!response.ok) {
      throw new ApiError(KINDS[response.status] ?? 'server', ownPositions(await errorText(response), asked), response.status);
    }
    return await response.json();
  } catch (e) {
    if (e instanceof ApiError) throw e;
    if (signal?.aborted) throw new DOMException('superseded', 'AbortError');
    if (limit.aborted) throw new ApiError('busy', `no answer within ${TIMEOUT_MS / 1000} s`);
    if (e instanceof SyntaxError) throw new ApiError('format', e.message);
    throw new ApiError('gone', e.message);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The flame graph's JSON for a state. */
export function fetchProfile(state, signal) {
  return getJson(address('api/v1/profile', { ...profileParams(state, 'flamegraph'), max_nodes: MAX_NODES }), signal, { query: state });
}

/** Two sides' answer {query, from, until} each, merged and judged by the daemon. @param {'cores'|'share'} scale */
export function fetchDiff(a, b, scale, signal) {
  return getJson(address('api/v1/diff', { ...diffParams(a, b, scale, 'flamegraph'), max_nodes: MAX_NODES }), signal, { a_query: a, b_query: b });
}

export const diffAddress = (a, b, scale, format) => address('api/v1/diff', diffParams(a, b, scale, format));

/** CPU over time. @param {{query: string, host: string, from: string, until: string, by: string, points: number}} what */
export function fetchSeries({ query, host, from, until, by, points }, signal) {
  const group = by === 'total' ? {} : { group_by: by };
  return getJson(address('api/v1/profile', { query: typed({ query, host }), from, until, format: 'series', max_points: points, ...group }), signal, { query: { query, host } });
}

/** A daemon without a history has no list of its own: its processes, added up. */
function servicesOfProcesses(json) {
  const seconds = new Map();
  for (const p of Array.isArray(json?.processes) ? json.processes : []) {
    const name = String(p.service_name ?? '');
    if (name) seconds.set(name, (seconds.get(name) ?? 0) + (Number(p.cpu_seconds) || 0));
  }
  const all = [...seconds.values()].reduce((s, v) => s + v, 0) || 1;
  return [...seconds].map(([name, s]) => ({ service_name: name, cores: 0, share: s / all }));
}

let noServices = false;

/**
 * Services of a range, as /api/v1/services has them. Only a daemon that has no
 * such list is asked for its processes: of another range, and for a question that
 * was refused, they would be wrong.
 */
export async function fetchServices(from, until, host, signal) {
  if (!noServices) {
    const query = withHost('', host);
    const json = await getJson(address('api/v1/services', { from, until, ...(query && { query }) }), signal).catch((e) => {
      if (e.kind !== 'missing') throw e;
      noServices = true;
    });
    if (json) return json;
  }
  return servicesOfProcesses(await getJson(address('api/v1/processes'), signal));
}

/** Ranges of other hosts that were imported: {host, from, until}, ms; [] when that can't be had. */
export async function fetchImports() {
  const json = await getJson(address('api/v1/pins')).catch(() => null);
  return (Array.isArray(json?.pins) ? json.pins : []).filter((p) => p?.origin)
    .map((p) => ({ host: String(p.origin), from: Number(p.from_ms) || 0, until: Number(p.to_ms) || 0 }));
}

/** A selector of equal labels; quotes and backslashes escaped as in Prometheus. */
export function selectorOf(labels) {
  return `{${Object.entries(labels).map(([k, v]) => `${k}=${quoted(v)}`).join(',')}}`;
}

/** A selection narrowed to these labels. */
export function narrowed(query, labels) {
  const known = query.replace(/^\{\s*|\s*,?\s*\}$/g, '');
  const more = Object.entries(labels).map(([k, v]) => `${k}=${quoted(v)}`).filter((m) => !`,${known},`.includes(`,${m},`));
  return `{${[known, ...more].filter(Boolean).join(',')}}`;
}

export const serviceSelector = (name) => selectorOf({ service_name: name });

/** The service a selector names, when it names just one. */
export function selectedService(query) {
  const m = /^\{service_name="((?:[^"\\]|\\.)*)"\}$/.exec(query);
  return m ? m[1].replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c)) : null;
}
