// SPDX-License-Identifier: GPL-2.0
/**
 * Puts the page together. One state (state.js, in the URL); every change goes
 * through change(), which writes the URL, asks what is to be asked (ask.js)
 * and renders what depends on it.
 */
import { importsQuestion, lineQuery, pictureQuestion, seriesQuestion, servicesQuestion, sides } from './ask.js';
import { narrowed, selectorOf, serviceSelector } from './api.js';
import { ZONES, rememberZone, rememberedZone, setZone } from './clock.js';
import { CompareBar, around, rangeBefore } from './compare.js';
import { HostControl, RangeControl, ServiceControl } from './controls.js';
import { relook } from './diff.js';
import { $, el, press, setText } from './dom.js';
import { setTextSize } from './draw.js';
import { Feed } from './feed.js';
import { Files } from './files.js';
import { onFrame } from './frame.js';
import { listenKeys } from './keys.js';
import { showNotice } from './notice.js';
import { Picture } from './picture.js';
import { Progress } from './progress.js';
import { firstRecorded } from './series.js';
import { ServiceList } from './services.js';
import { Share } from './share.js';
import { isRelative, readState, spanOf, timeMs, writeState } from './state.js';
import { THEMES, applyTheme, onSystemTheme, rememberTheme, rememberedTheme } from './theme.js';
import { Timeline } from './timeline.js';

let state = readState(location.hash);
let series = null;
let services = null;
let theme = null;
let told = null; // what went wrong with the picture, [kind, detail]
let toldOf = null; // key of the question that it is about
let servicesTold = null; // and with the list of services
let servicesToldOf = null;
/* keys of the questions that the picture and the list answer */
let pictured = null;
let listed = null;
let lined = null; // and the time line
let noLine = false; // a daemon without series, or a credential that the picture asks for
const LINE_FAILED = { gone: 'no answer yet', busy: 'no answer yet', server: 'the daemon failed to answer', format: 'the answer can’t be read' };

const fixed = (ms) => String(Math.round(ms));
const bigText = matchMedia('(min-width: 2600px)');
const sizeText = () => setTextSize(bigText.matches ? 17 : 13);
sizeText();

const picture = new Picture(change);
const { data, flame, sides: views } = picture;
const range = new RangeControl(change);
const service = new ServiceControl(change);
const host = new HostControl(change);
const list = new ServiceList({
  open: (name) => change({ view: 'flame', query: serviceSelector(name), zoom: [], window: null }),
  versions: compareVersions,
});
const bar = new CompareBar({ change, side: () => render(), swap });
const timeline = new Timeline({
  select: selectRange,
  pick: (at) => state.compare && bar.side === 'a' && putBase(at),
  span: (from, until) => change(moves(from, until) ? { spanFrom: back(from), spanUntil: 'now' } : { spanFrom: fixed(from), spanUntil: fixed(until) }, { replace: true }),
  fit: () => change({ spanFrom: '', spanUntil: '' }),
  by: (by) => change({ by }),
  chart: (chart) => change({ chart }),
  group: (labels) => change({ query: narrowed(lineQuery(state), labels), zoom: [], window: null }),
  around: compareAround,
  now: () => daemonNow(),
});
const files = new Files(openFile, (name, why) => {
  tell('unread', `${name}: ${why}`);
});
const progress = new Progress(() => feed.cancel());
const feed = new Feed({
  question: () => pictureQuestion(state, files), arrived: take, failed: fail, busy: (yes) => progress.show(yes),
});
const seriesFeed = new Feed({
  question: () => seriesQuestion(state, $('tl-plot').clientWidth || innerWidth - 28),
  arrived: (answer) => {
    series = answer;
    lined = seriesFeed.asked;
    compareClocks(answer);
    asOf = Math.min(answer.to, daemonNow());
    noLine = false;
    timeline.fail('');
    renderTimeline();
  },
  failed: (kind, detail) => {
    noLine = kind === 'missing' || kind === 'auth' || (kind === 'bad' && detail.startsWith('format:'));
    if (noLine || seriesFeed.asked !== lined) series = null;
    timeline.fail(LINE_FAILED[kind] ?? detail);
    renderTimeline();
  },
  busy: (yes) => $('timeline').setAttribute('aria-busy', String(yes)),
});
const servicesFeed = new Feed({
  question: () => servicesQuestion(state),
  arrived: (rows) => {
    services = rows;
    listed = servicesFeed.asked;
    servicesTold = null;
    service.setServices(rows);
    onFrame(renderPicture);
  },
  failed: (kind, detail) => {
    if (servicesFeed.asked !== listed) services = null;
    servicesTold = [kind, detail];
    servicesToldOf = servicesFeed.asked;
    onFrame(renderPicture);
  },
  // the list of another range is not that of this one
  busy: (yes) => $('view-services').setAttribute('aria-busy', String(yes && servicesFeed.asked !== listed)),
});
const importsFeed = new Feed({
  question: importsQuestion, arrived: (imports) => host.setImports(imports), failed: () => {}, busy: () => {},
});
const share = new Share({ state: () => state, profile: () => (feed.asked === pictured ? data.profile : null), services: () => services ?? [], files, change, now });

/* ---- time ---- */

/* by how much the daemon's clock goes before the browser's, 0: as far as one can tell by answers of whole steps they agree */
let ahead = 0;
const CLOSE = 15000;
const daemonNow = () => Date.now() + ahead;

function compareClocks(answer) {
  const off = answer.to - Date.now();
  if (spanOf(state).until === 'now') ahead = Math.abs(off) > CLOSE + answer.step ? off : 0;
}

/* where the time line ends: its last step may not have ended yet */
let asOf = 0;

/** "Now" as the daemon sees it, as far as it has told. */
function now() {
  if (series && spanOf(state).until === 'now') return asOf;
  return isRelative(state) && data.profile?.meta.to ? data.profile.meta.to : daemonNow();
}

const nearNow = (ms) => ms > daemonNow() - 2000;
/* ends at now and goes on with it; one of some seconds is a look at a moment, which stays */
const moves = (from, until) => nearNow(until) && until - from >= 10000;
const back = (ms) => `now-${Math.max(1, Math.round((daemonNow() - ms) / 1000))}s`;
const rangesMs = () => ({
  a: [timeMs(state.aFrom, now()), timeMs(state.aUntil, now())], b: [timeMs(state.from, now()), timeMs(state.until, now())],
});
const asRange = ([from, until], side) => (side === 'a' ? { aFrom: fixed(from), aUntil: fixed(until), aFile: '' } : { from: fixed(from), until: fixed(until), file: '' });

/** Ends of the time line, ms. One that nobody zoomed leaves out the time before the recording began. */
function viewMs() {
  const span = spanOf(state, now());
  const [from, to] = [timeMs(span.from, now()), timeMs(span.until, now())];
  if (state.spanFrom || !series || series.from > from + 2 * series.step) return [from, to];
  const { a, b } = rangesMs();
  const wanted = state.compare ? Math.min(a[0], b[0]) : b[0];
  return [Math.max(from, Math.min(wanted, firstRecorded(series)) - 0.02 * (to - from)), to];
}

/** The time line stays where it is when a range is chosen on it. */
function keepSpan() {
  const span = spanOf(state, now());
  const [from] = viewMs();
  const cut = from > timeMs(span.from, now());
  return { spanFrom: !cut ? span.from : span.until === 'now' ? `now-${Math.round((now() - from) / 1000)}s` : fixed(from), spanUntil: span.until };
}

/* ---- state ---- */

/** Applies a patch, keeps the URL in step, renders. `replace`: no new history entry. */
function change(patch, { replace = false, keepView = false } = {}) {
  const before = state;
  state = { ...state, ...patch };
  if (replace || writeState(before) !== writeState(state)) keepUrl(replace);
  render(keepView);
}

function keepUrl(replace) {
  const url = location.pathname + location.search + writeState(state);
  try {
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
  } catch {
    /* some browsers allow so many a minute, which a fast typist exceeds: the next change tells this one, too */
  }
}

function render(keepView = false) {
  setZone(state.zone === 'auto' ? rememberedZone() : state.zone);
  renderTheme();
  renderButtons();
  feed.update();
  if (toldOf !== feed.asked || told?.[0] === 'unread') told = null; // another question, or the reader goes on
  seriesFeed.update();
  servicesFeed.update();
  importsFeed.update();
  picture.panned = keepView;
  onFrame(renderPicture);
  renderTimeline();
}

function renderTheme() {
  const wanted = state.theme === 'auto' ? rememberedTheme() : state.theme;
  if (wanted === theme) return;
  theme = wanted;
  repaint();
}

function repaint() {
  const palette = applyTheme(theme);
  picture.setPalette(palette);
  timeline.setPalette(palette.theme);
  setText($('theme-name'), { auto: 'Auto', light: 'Light', dark: 'Dark' }[theme]);
  $('theme').dataset.theme = theme;
}

function renderButtons() {
  const comparing = state.compare;
  press(document.querySelectorAll('#views button'), (b) => b.dataset.view === state.view);
  press([$('invert')], () => state.inverted);
  press([$('direction')], () => state.flame);
  press([$('compare-mode')], () => comparing);
  press([$('live')], () => state.live && isRelative(state));
  for (const id of ['invert', 'direction']) $(id).disabled = state.view !== 'flame';
  document.querySelector('[data-view=sandwich]').disabled = comparing;
  $('merge').value = state.merge;
  $('merge').hidden = comparing || Boolean(state.file);
  $('live').disabled = !isRelative(state);
  setText($('zone-name'), zone() === 'utc' ? 'UTC' : 'Local');
  if (document.activeElement !== $('search')) $('search').value = state.search;
  $('file-bar').hidden = comparing || !state.file;
  setText($('file-name'), state.file);
}

const zone = () => (state.zone === 'auto' ? rememberedZone() : state.zone);

function renderTimeline() {
  const [from, to] = viewMs();
  const known = series !== null || (Boolean(seriesFeed.failure) && !noLine);
  $('timeline').hidden = !(known || seriesFeed.pending) || seriesQuestion(state, 600) === null;
  const ranges = rangesMs();
  timeline.side = state.compare ? bar.side : 'b';
  timeline.show({
    series, from, to, compare: state.compare,
    a: state.aFile ? null : ranges.a, b: state.file ? null : ranges.b, by: state.by, chart: state.chart,
  });
}

function renderPicture() {
  const meta = data.profile?.isDiff ? data.profile.b.meta : data.profile?.meta;
  const p = data.profile;
  if (p?.isDiff) picture.take(relook(p, state));
  range.show(state, rangesMs().b);
  service.show(state);
  host.show(state, rangesMs().b);
  // while another answer is under way, the old one is not what was asked for
  const asked = feed.asked === pictured ? rangesMs() : {};
  const has = picture.render(state, { a: state.aFile ? null : asked.a, b: state.file ? null : asked.b });
  const listing = state.view === 'services';
  document.body.dataset.state = has || (listing && services) ? 'ready' : 'empty';
  $('view-services').hidden = !listing || !services;
  if (listing && services) list.show(services);
  bar.show(state, rangesMs(), data.profile?.isDiff ? data.profile : null);
  renderTypes(meta);
  share.render();
  renderNotice(has, listing);
}

/** The kinds of values of an opened file. */
function renderTypes(meta) {
  const types = (state.file && meta?.types) || [];
  if (types.join() !== [...$('file-type').options].map((o) => o.value).join()) {
    $('file-type').replaceChildren(...types.map((t) => el('option', { value: t }, t)));
  }
  if (types.length) $('file-type').value = meta.type;
}

function renderNotice(has, listing) {
  if (listing && servicesTold && servicesFeed.asked === servicesToldOf) return showNotice($('notice'), ...servicesTold, !services);
  if (told) return showNotice($('notice'), ...told, data.profile === null && !(listing && services));
  if (!data.profile || listing) return showNotice($('notice'), null);
  const chosen = state.query || state.host || state.compare || !isRelative(state);
  if (!has) return showNotice($('notice'), chosen ? 'nothing' : 'empty', '', true);
  return showNotice($('notice'), picture.missing());
}

function take(profile) {
  told = null;
  pictured = feed.asked;
  picture.take(profile);
  onFrame(renderPicture);
  renderTimeline();
}

function fail(kind, detail) {
  // the last picture stays, unless it answers another question
  if (feed.asked !== pictured || ['bad', 'auth', 'file', 'stopped', 'format'].includes(kind)) picture.take(null);
  tell(kind, detail);
}

function tell(kind, detail) {
  told = [kind, detail];
  toldOf = feed.asked;
  onFrame(renderPicture);
}

/* ---- ranges and comparisons ---- */

function selectRange(side, from, until) {
  change({ ...asRange([from, until], side), ...keepSpan(), zoom: side === 'b' && state.compare ? [] : state.zoom });
}

/** The base, as long as side B, around a moment. */
function putBase(at) {
  const { b } = rangesMs();
  const half = (b[1] - b[0]) / 2;
  change({ ...asRange([at - half, at + half], 'a'), ...keepSpan() });
}

const begin = { compare: true, inverted: false, zoom: [], window: null, file: '', aFile: '' };
const viewOf = () => (state.view === 'top' ? 'top' : 'flame');

function toggleCompare() {
  if (state.compare) return change({ compare: false, aFile: '', aQuery: null, zoom: [], window: null });
  bar.side = 'a';
  const base = state.file ? {} : asRange(rangeBefore(rangesMs().b), 'a');
  // a range that moves on would leave its base behind
  const still = state.file ? {} : asRange(rangesMs().b, 'b');
  return change({ ...begin, file: state.file, ...base, ...still, ...(state.file ? {} : keepSpan()), view: viewOf(), aQuery: null });
}

function swap() {
  const { a, b } = sides(state);
  change({
    query: a.query, from: a.from, until: a.until, file: a.file, aQuery: b.query === a.query ? null : b.query, aFrom: b.from, aUntil: b.until,
    aFile: b.file, zoom: [], window: null,
  });
}

/** Before and after a deploy, of its service if it names one. */
function compareAround(event) {
  const { a, b } = around(event.time, now());
  const query = event.service ? serviceSelector(event.service) : state.query;
  change({ ...begin, ...asRange(a, 'a'), ...asRange(b, 'b'), ...keepSpan(), view: viewOf(), aQuery: null, query });
}

/** Two versions of a service, each over the part of the range in which it ran. */
function compareVersions(name, a, b) {
  const { b: [from, until] } = rangesMs();
  const part = (v) => {
    const cut = [Math.max(from, v.first || from), Math.min(until, v.last || until)];
    return cut[0] < cut[1] ? cut : [v.first, v.last];
  };
  const query = (v) => selectorOf({ service_name: name, service_version: v.version });
  change({ ...begin, ...asRange(part(a), 'a'), ...asRange(part(b), 'b'), view: 'flame', aQuery: query(a), query: query(b) });
}

/** A file takes the side that is chosen; without a comparison it is what is on show. */
function openFile(name) {
  told = null;
  if (state.compare && bar.side === 'a') change({ aFile: name, zoom: [], window: null });
  else change({ file: name, type: '', zoom: [], window: null, view: state.view === 'services' ? 'flame' : state.view });
}

/** Escape takes back one thing at a time: zoom first, then the search. */
function escape() {
  if (state.view === 'flame' && (state.zoom.length || state.window)) change({ zoom: [], window: null });
  else if (state.search) {
    $('search').value = '';
    change({ search: '' });
  } else if (feed.pending && !$('progress').hidden) feed.cancel();
}

/* ---- what the reader does ---- */

function listen() {
  const click = (id, f) => $(id).addEventListener('click', f);
  for (const b of document.querySelectorAll('#views button')) b.addEventListener('click', () => change({ view: b.dataset.view }));
  click('invert', () => change({ inverted: !state.inverted, zoom: [], window: null }));
  $('merge').addEventListener('change', () => change({ merge: $('merge').value, zoom: [], window: null }));
  click('direction', () => change({ flame: !state.flame }));
  click('live', () => change({ live: !state.live }));
  click('compare-mode', toggleCompare);
  click('theme', () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    rememberTheme(next);
    change({ theme: next });
  });
  click('zone', () => {
    const next = ZONES[(ZONES.indexOf(zone()) + 1) % ZONES.length];
    rememberZone(next);
    change({ zone: next });
  });
  click('help-open', () => $('help').showModal());
  click('file-close', () => change({ file: '', type: '', zoom: [], window: null }));
  $('file-type').addEventListener('change', () => change({ type: $('file-type').value, zoom: [], window: null }));
  click('search-clear', () => {
    $('search').value = '';
    change({ search: '' });
  });
  $('search').addEventListener('input', () => change({ search: $('search').value }, { replace: true }));
  addEventListener('popstate', () => {
    state = { ...readState(location.hash) };
    $('search').value = state.search; // also while it has the focus
    render();
  });
  bigText.addEventListener('change', sizeText);
  onSystemTheme(() => {
    repaint();
    onFrame(renderPicture); // swatches
  });
  const clicks = (id) => () => $(id).click();
  listenKeys({
    '/': () => $('search').select(), i: clicks('invert'), o: clicks('direction'), l: clicks('live'), t: clicks('theme'), u: clicks('zone'),
    c: clicks('compare-mode'), y: clicks('copy'), f: () => change({ view: 'flame' }), p: () => change({ view: 'top' }),
    d: () => state.compare && change({ width: state.width === 'sides' ? 'new' : 'sides' }),
    s: () => state.compare || change({ view: 'sandwich', focus: picture.chosen() ?? state.focus }), v: () => change({ view: 'services' }), '?': () => $('help').showModal(),
  }, { escape, clears: () => Boolean(state.search) });
}

/* for the page's tests */
export { data, flame, views as sides, timeline, files };

listen();
document.title = `ringprof · ${location.host}`;
setText($('host'), location.host);
render();
