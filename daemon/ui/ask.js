// SPDX-License-Identifier: GPL-2.0
/**
 * From the state to questions: what is asked for the picture, the time line
 * and the services, and when again. Answers come back as Profile, Diff,
 * Series, service rows.
 */
import { ApiError, fetchDiff, fetchImports, fetchProfile, fetchSeries, fetchServices } from './api.js';
import { makeDiff, readDiff } from './diff.js';
import { readProfile } from './model.js';
import { readSeries } from './series.js';
import { readServices } from './services.js';
import { isRelative, spanOf, timeMs } from './state.js';

const LIVE_MS = 10000;
const SERVICES_MS = 60000;
const MOST_POINTS = 600;

/* a long range changes slowly and costs more */
const pace = (length, parts) => Math.min(SERVICES_MS, Math.max(LIVE_MS, length / parts));
const live = (state) => (state.live && isRelative(state) ? pace(timeMs(state.until) - timeMs(state.from), 300) : 0);

/** The two sides of a comparison: {query, host, from, until, file}. */
export function sides(state) {
  const { host } = state;
  return {
    a: { query: state.aQuery ?? state.query, host, from: state.aFrom, until: state.aUntil, file: state.aFile },
    b: { query: state.query, host, from: state.from, until: state.until, file: state.file },
  };
}

function openedFile(files, name, type) {
  const p = files.profile(name, type);
  if (!p) throw new ApiError('file', name);
  return p;
}

async function oneSide(side, type, files, signal) {
  if (side.file) return openedFile(files, side.file, type);
  return Object.assign(readProfile(await fetchProfile(side, signal)), { byCategory: side.merge === 'category' });
}

let noDiff = false;
const ofHistory = (state) => !state.file && !state.aFile;

/** Merged and judged by the daemon, which knows how much windows differ; by the page where a file takes part. */
async function askDiff(state, files, signal) {
  const { a, b } = sides(state);
  const how = { width: state.width, scale: state.scale };
  if (ofHistory(state) && !noDiff) {
    try {
      return readDiff(await fetchDiff(a, b, state.scale, signal), how);
    } catch (e) {
      if (e.kind !== 'missing') throw e;
      noDiff = true; // an older daemon
    }
  }
  const [pa, pb] = await Promise.all([oneSide(a, state.type, files, signal), oneSide(b, state.type, files, signal)]);
  return makeDiff(pa, pb, how);
}

/** @param {import('./files.js').Files} files @returns {import('./feed.js').Question} */
export function pictureQuestion(state, files) {
  const { a, b } = sides(state);
  const opened = (side) => side.file && [side.file, state.type, files.version(side.file)];
  if (state.compare) {
    const scale = ofHistory(state) && state.scale;
    return { key: JSON.stringify(['diff', a, b, opened(a), opened(b), scale]), every: live(state), ask: (signal) => askDiff(state, files, signal) };
  }
  const { merge } = state;
  return { key: JSON.stringify([b, merge, opened(b)]), every: live(state), ask: (signal) => oneSide({ ...b, merge }, state.type, files, signal) };
}

const serviceOf = (query) => /[{,]\s*service_name="((?:[^"\\]|\\.)*)"/.exec(query)?.[0].replace(/^[{,]\s*/, '');

/** What the time line shows: the selection; of two, the service that both are of, else all. */
export function lineQuery(state) {
  const { a, b } = sides(state);
  if (!state.compare || a.file || b.file || a.query === b.query) return state.query;
  const service = serviceOf(a.query);
  return service && service === serviceOf(b.query) ? `{${service}}` : '';
}

/** @param {number} width CSS pixels of the time line */
export function seriesQuestion(state, width) {
  if (state.file && (!state.compare || state.aFile)) return null;
  const span = spanOf(state);
  const points = Math.min(MOST_POINTS, Math.max(60, Math.floor(width / 3 / 20) * 20));
  const what = { query: lineQuery(state), host: state.host, ...span, by: state.by, points };
  const relative = span.until === 'now' && state.live;
  return { key: JSON.stringify(what), every: relative ? pace(timeMs(span.until) - timeMs(span.from), points) : 0, ask: async (signal) => readSeries(await fetchSeries(what, signal), what.query === '') };
}

export function servicesQuestion(state) {
  const { from, until, host } = state;
  return {
    key: JSON.stringify([from, until, host]), every: isRelative(state) ? SERVICES_MS : 0,
    ask: async (signal) => readServices(await fetchServices(from, until, host, signal)),
  };
}

/** Which other hosts there are to choose from. */
export const importsQuestion = () => ({ key: 'imports', every: SERVICES_MS, ask: fetchImports });
