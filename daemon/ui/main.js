// SPDX-License-Identifier: GPL-2.0
/**
 * Puts the page together. One state (state.js, in the URL), one profile (the
 * last answer); every change goes through change(), which writes the URL and
 * renders what depends on it.
 */
import { downloadAddress } from './api.js';
import { slotsOf } from './color.js';
import { RangeControl, ServiceControl } from './controls.js';
import { $, el, press, setText } from './dom.js';
import { Feed } from './feed.js';
import { FlameView } from './flame.js';
import { percent, shortName, value } from './format.js';
import { onFrame } from './frame.js';
import { showNotice } from './notice.js';
import { bottomUp } from './regroup.js';
import { Sandwich } from './sandwich.js';
import { markFunctions, parseSearch } from './search.js';
import { initialState, isRelative, readState, writeState } from './state.js';
import { showLegend, showStatus } from './status.js';
import { THEMES, applyTheme, onSystemTheme, rememberTheme, rememberedTheme } from './theme.js';
import { Tooltip, figures, spoken } from './tooltip.js';
import { TopTable } from './top.js';
import { followPath, markedWeight, pathOf } from './tree.js';

/** What the last answer gave, and what was made of it. */
const data = { profile: null, inverted: null, slots: null, shorts: null, marked: null, palette: null };
let state = readState(location.hash);
let focus = 0; // zoomed node of the tree on show
let pathMissing = false;
let panned = false; // the last change came from the view itself, which stands where it should
let shownZoom = null; // the zoom last scrolled to
let selectedPath = null; // keys of the box chosen by keyboard, to find it again in the next answer

const tooltip = new Tooltip($('tooltip'));
const hover = (tree, node, x, y) => {
  if (node < 0 || !data.profile) return tooltip.hide();
  tooltip.show(data.profile, tree, node, x, y, {
    inverted: state.inverted && state.view === 'flame',
    zoomed: tree === shownTree() ? tree.total[focus] : 0,
  });
};
const announce = (tree, node) => node >= 0 && setText($('announce'), spoken(data.profile, tree, node));

const flame = new FlameView($('flame'), {
  zoom: (node) => zoomTo(node),
  open: (node) => openSandwich(shownTree().func[node]),
  hover: (node, x, y) => hover(shownTree(), node, x, y),
  select: (node) => {
    selectedPath = node < 0 ? null : keysTo(node);
    announce(shownTree(), node);
  },
  moved: (window) => change({ window }, { keepView: true }),
}, 'Flame graph. Arrow keys walk, Enter zooms, the Top view has the same as a table.');
const sandwich = new Sandwich({ pick: openSandwich, hover, select: announce });
const top = new TopTable($('top-table'), $('top-more'), {
  sort: (sort) => change({ sort }),
  pick: (f) => change({ view: 'flame', search: `="${data.profile.names[f]}"` }),
  open: openSandwich,
});
const range = new RangeControl((patch) => change(patch));
const service = new ServiceControl((patch) => change(patch));
const feed = new Feed({
  state: () => state,
  arrived: take,
  failed: fail,
  busy: (yes) => document.body.setAttribute('aria-busy', String(yes)),
  services: (list) => service.setServices(list),
});

function shownTree() {
  const p = data.profile;
  if (!state.inverted) return p.tree;
  data.inverted ??= bottomUp(p.tree, p.nFuncs);
  return data.inverted;
}

/** Function keys from the root down to a node of the tree on show. */
function keysTo(node) {
  const tree = shownTree();
  return pathOf(tree, node).map((n) => data.profile.keys[tree.func[n]]);
}

/* ---- state ---- */

/** Applies a patch, keeps the URL in step, renders. `replace`: no new history entry. */
function change(patch, { replace = false, keepView = false } = {}) {
  const before = state;
  state = { ...state, ...patch };
  const url = location.pathname + location.search + writeState(state);
  if (replace) history.replaceState(null, '', url);
  else if (writeState(before) !== writeState(state)) history.pushState(null, '', url);
  render(before, keepView);
}

/** The reader went back or forward, or edited the address. */
function navigated() {
  const before = state;
  state = { ...readState(location.hash) };
  render(before, false);
}

function render(before, keepView) {
  range.show(state, data.profile?.meta);
  service.show(state);
  renderTheme();
  renderButtons();
  feed.update(before.live);
  panned = keepView;
  onFrame(renderProfile);
}

function renderTheme() {
  const theme = state.theme === 'auto' ? rememberedTheme() : state.theme;
  if (theme === data.theme) return;
  data.theme = theme;
  repaint();
}

function repaint() {
  data.palette = applyTheme(data.theme);
  flame.setPalette(data.palette);
  sandwich.setPalette(data.palette);
  setText($('theme-name'), { auto: 'Auto', light: 'Light', dark: 'Dark' }[data.theme]);
  $('theme').dataset.theme = data.theme;
}

function renderButtons() {
  press(document.querySelectorAll('#views button'), (b) => b.dataset.view === state.view);
  press([$('invert')], () => state.inverted);
  press([$('direction')], () => state.flame);
  press([$('live')], () => state.live && isRelative(state));
  for (const id of ['invert', 'direction']) $(id).disabled = state.view !== 'flame';
  $('live').disabled = !isRelative(state);
  if (document.activeElement !== $('search')) $('search').value = state.search;
}

/* ---- the profile on show ---- */

function renderProfile() {
  const p = data.profile;
  const has = p !== null && p.tree.total[0] > 0;
  document.body.dataset.state = has ? 'ready' : 'empty';
  for (const v of ['flame', 'top', 'sandwich']) $(`view-${v}`).hidden = !has || v !== state.view;
  renderSearch();
  let pruned = 0;
  if (has) {
    const look = { slots: data.slots, names: p.names, shorts: data.shorts, marked: data.marked };
    if (state.view === 'flame') pruned = renderFlame(look);
    else if (state.view === 'top') top.show(p, state.sort, data.marked, data.palette, data.slots);
    else renderSandwich(look);
  }
  if (state.view !== 'flame') tooltip.hide();
  renderCrumbs(has && state.view === 'flame');
  showStatus($('status'), p, pruned);
  showLegend($('legend'), has ? p : null, data.slots, data.palette, (search) => change({ search }));
  renderLinks();
  if (!feed.failure) renderNotice(has);
}

function renderFlame(look) {
  const tree = shownTree();
  const got = followPath(tree, data.profile.keys, state.zoom);
  pathMissing = got.found < state.zoom.length;
  const glides = flame.scene?.tree === tree && flame.scene.flip === state.flame && !state.window;
  const old = focus;
  focus = got.node;
  const still = panned && flame.scene?.tree === tree;
  panned = false;
  if (still) return tree.pruned / (tree.total[0] || 1);
  if (glides && (old !== focus || flame.scene.lo !== tree.x[focus])) {
    flame.setMarked(look.marked);
    flame.focusOn(focus);
  } else if (glides) flame.setMarked(look.marked);
  else showFlame(look, tree);
  return tree.pruned / (tree.total[0] || 1);
}

/** A new tree. What the reader was doing goes on: a drag, a scroll, a choice by keyboard. */
function showFlame(look, tree) {
  const kept = selectedPath;
  const window = flame.movingWindow() ?? (pathMissing ? null : state.window);
  flame.show({ ...look, tree, focus, window, flip: state.flame, reveal: state.zoom !== shownZoom });
  shownZoom = state.zoom;
  if (!kept) return;
  const again = followPath(tree, data.profile.keys, kept);
  if (again.found < kept.length) return;
  selectedPath = kept;
  flame.reselect(again.node);
}

function renderSandwich(look) {
  const p = data.profile;
  let func = state.focus === null ? -1 : p.keys.indexOf(state.focus);
  if (func < 0) func = Sandwich.heaviest(p);
  sandwich.show(p, func, look);
}

function renderSearch() {
  const search = parseSearch(state.search);
  const p = data.profile;
  data.marked = p ? markFunctions(p, search) : null;
  let text = '';
  if (search?.error) text = search.error;
  else if (data.marked) {
    const weight = markedWeight(p.tree, data.marked, 0);
    const f = figures(p, weight);
    text = `${percent(f.share)} matched`;
    $('matched').title = `${f.time} ± ${percent(f.error)} in frames that match and what they call`;
  }
  setText($('matched'), text);
  $('search').setAttribute('aria-invalid', String(Boolean(search?.error)));
  $('search-clear').hidden = !state.search;
}

function renderCrumbs(on) {
  const bar = $('crumbs');
  const path = on ? pathOf(shownTree(), focus) : [];
  bar.hidden = !on; // there even when not zoomed: a zoom must not move the picture
  if (!on) return;
  const { names, meta } = data.profile;
  const tree = shownTree();
  const crumb = (node, text) => {
    const b = el('button', { className: 'crumb', title: text }, shortName(text));
    b.addEventListener('click', () => zoomTo(node));
    return el('li', {}, b);
  };
  const list = el('ol', {}, crumb(0, names[tree.func[0]] || 'total'), ...path.map((n) => crumb(n, names[tree.func[n]])));
  const share = `${percent(tree.total[focus] / tree.total[0])} · ${value(tree.total[focus], meta.unit)}`;
  bar.replaceChildren(list, el('span', { className: 'crumb-share' }, share));
  list.scrollLeft = list.scrollWidth;
}

function renderLinks() {
  for (const a of document.querySelectorAll('a[data-format]')) {
    a.href = downloadAddress(state, data.profile?.meta, a.dataset.format);
  }
}

function renderNotice(has) {
  if (!data.profile) return;
  if (!has) showNotice($('notice'), state.query ? 'nothing' : 'empty', '', true);
  else if (pathMissing && state.view === 'flame') showNotice($('notice'), 'path');
  else showNotice($('notice'), null);
}

function take(profile) {
  data.profile = profile;
  data.inverted = null;
  data.slots = slotsOf(profile);
  data.shorts = profile.names.map(shortName);
  range.show(state, profile.meta);
  onFrame(renderProfile);
}

function fail(kind, detail) {
  // the last picture stays, unless it answers another question
  if (kind === 'bad' || kind === 'auth') data.profile = null;
  showNotice($('notice'), kind, detail, data.profile === null);
  onFrame(renderProfile);
}

/* ---- what the reader does ---- */

function zoomTo(node) {
  change({ zoom: keysTo(node), window: null });
}

function openSandwich(func) {
  change({ view: 'sandwich', focus: data.profile.keys[func] });
}

/** Escape takes back one thing at a time: zoom first, then the search. */
function escape() {
  if (state.view === 'flame' && (state.zoom.length || state.window)) change({ zoom: [], window: null });
  else if (state.search) {
    $('search').value = '';
    change({ search: '' });
  }
}

/** A link to exactly this: the range's ends as they were answered instead of "now". */
async function copyLink() {
  const m = data.profile?.meta;
  const pinned = m?.to ? { ...state, from: String(Math.round(m.from)), until: String(Math.round(m.to)) } : state;
  const link = location.origin + location.pathname + writeState({ ...pinned, live: initialState().live });
  try {
    await navigator.clipboard.writeText(link);
    setText($('copied'), 'Link copied');
  } catch {
    // no clipboard without TLS or leave to write: the address bar then holds the link
    change(pinned);
    setText($('copied'), 'The address bar has the link');
  }
  setTimeout(() => setText($('copied'), ''), 3000);
}

const KEYS = {
  '/': () => $('search').select(),
  i: () => $('invert').click(),
  o: () => $('direction').click(),
  l: () => $('live').click(),
  t: () => $('theme').click(),
  f: () => change({ view: 'flame' }),
  p: () => change({ view: 'top' }),
  s: () => change({ view: 'sandwich' }),
  '?': () => $('help').showModal(),
  Escape: escape,
};

function keyPressed(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector('dialog[open]')) return;
  const typing = e.target.matches('input, select, textarea');
  if (typing && e.key === 'Escape') {
    if (e.target === $('search') && state.search) escape();
    e.target.blur();
    return;
  }
  if (typing || !Object.hasOwn(KEYS, e.key)) return;
  e.preventDefault();
  KEYS[e.key]();
}

function listen() {
  const click = (id, f) => $(id).addEventListener('click', f);
  for (const b of document.querySelectorAll('#views button')) b.addEventListener('click', () => change({ view: b.dataset.view }));
  click('invert', () => change({ inverted: !state.inverted, zoom: [], window: null }));
  click('direction', () => change({ flame: !state.flame }));
  click('live', () => change({ live: !state.live }));
  click('theme', () => {
    const theme = THEMES[(THEMES.indexOf(data.theme) + 1) % THEMES.length];
    rememberTheme(theme);
    change({ theme });
  });
  click('copy', copyLink);
  click('help-open', () => $('help').showModal());
  click('search-clear', () => {
    $('search').value = '';
    change({ search: '' });
  });
  $('search').addEventListener('input', () => change({ search: $('search').value }, { replace: true }));
  document.addEventListener('keydown', keyPressed);
  document.addEventListener('click', (e) => {
    if (!$('download').contains(e.target)) $('download').open = false;
  });
  addEventListener('popstate', navigated);
  onSystemTheme(() => {
    repaint();
    onFrame(renderProfile); // swatches
  });
}

/* for the page's tests */
export { data, flame };

listen();
document.title = `ringprof · ${location.host}`;
setText($('host'), location.host);
render(state, false);
feed.keepServices();
