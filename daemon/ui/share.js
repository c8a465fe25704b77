// SPDX-License-Identifier: GPL-2.0
/**
 * What can be taken away: the link to exactly this, downloads, the table. The
 * daemon writes profiles of its history; what only the page has (opened files,
 * tables) the page writes.
 */
import { diffAddress, downloadAddress } from './api.js';
import { $, setText } from './dom.js';
import { sortedRows } from './difftable.js';
import { diffCsv, folded, save, servicesCsv, speedscope, topCsv } from './export.js';
import { initialState, spanOf, timeMs, writeState } from './state.js';

const fixed = (ms) => String(Math.round(ms));

/** The state with every moving end pinned to what was answered. */
export function pinned(state, profile, now) {
  const m = profile?.isDiff ? profile.b.meta : profile?.meta;
  const span = spanOf(state, now);
  const pin = { spanFrom: fixed(timeMs(span.from, now)), spanUntil: fixed(timeMs(span.until, now)), live: initialState().live };
  if (!state.file && m?.to && (state.from.startsWith('now') || state.until.startsWith('now'))) Object.assign(pin, { from: fixed(m.from), until: fixed(m.to) });
  if (state.compare && !state.aFile) Object.assign(pin, { aFrom: fixed(timeMs(state.aFrom, now)), aUntil: fixed(timeMs(state.aUntil, now)) });
  return { ...state, ...pin };
}

export class Share {
  /**
   * @param {object} page
   * @param {() => object} page.state
   * @param {() => object|null} page.profile
   * @param {() => object[]} page.services  rows on show
   * @param {import('./files.js').Files} page.files
   * @param {(patch: object) => void} page.change
   * @param {() => number} page.now
   */
  constructor(page) {
    this.page = page;
    $('copy').addEventListener('click', () => this.copyLink());
    $('save-csv').addEventListener('click', () => save(`${this.tableName()}.csv`, 'text/csv', this.table()));
    $('copy-csv').addEventListener('click', () => this.copy(this.table(), 'Table copied'));
    for (const a of document.querySelectorAll('a[data-format]')) a.addEventListener('click', (e) => this.download(e, a.dataset.format));
    document.addEventListener('click', (e) => {
      if (!$('download').contains(e.target) || e.target.closest('a, .menu-item')) $('download').open = false;
    });
    $('download').addEventListener('keydown', (e) => {
      if (e.key !== 'Escape' || !$('download').open) return;
      e.preventDefault();
      $('download').open = false;
      $('download').querySelector('summary').focus();
    });
  }

  /** Addresses of the range on show, for the formats that the daemon writes. */
  render() {
    const { page } = this;
    const state = page.state();
    const profile = page.profile();
    const fixedState = pinned(state, profile, page.now());
    const a = { query: state.aQuery ?? state.query, host: state.host, from: fixedState.aFrom, until: fixedState.aUntil };
    for (const link of document.querySelectorAll('a[data-format]')) {
      const { format } = link.dataset;
      const foreign = state.compare && (state.file || state.aFile);
      link.hidden = state.compare ? format !== 'pprof' || Boolean(foreign) : Boolean(state.file) && !profile;
      if (state.file) link.href = '#';
      else if (state.compare) link.href = diffAddress(a, fixedState, state.scale, format);
      else link.href = downloadAddress(state, profile?.meta, format);
    }
  }

  /** An opened file is written here. */
  download(e, format) {
    const { file, type } = this.page.state();
    if (!file) return;
    e.preventDefault();
    const profile = this.page.profile();
    const name = file.replace(/\.(pb|pprof|gz|prof)\b/g, '');
    if (format === 'pprof') save(file, 'application/octet-stream', this.page.files.raw(file));
    else if (format === 'folded') save(`${name}.folded`, 'text/plain', folded(profile, type));
    else save(`${name}.speedscope.json`, 'application/json', speedscope(profile, file));
  }

  tableName() {
    const state = this.page.state();
    return state.view === 'services' ? 'services' : this.page.profile()?.isDiff ? 'diff' : 'top';
  }

  table() {
    const { sort, view } = this.page.state();
    const p = this.page.profile();
    if (view === 'services') return servicesCsv(this.page.services());
    if (!p) return '';
    return p.isDiff ? diffCsv(p, sortedRows(p, sort, null)) : topCsv(p, sort, null);
  }

  say(text) {
    setText($('copied'), text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => setText($('copied'), ''), 3000);
  }

  async copy(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      this.say(said);
      return true;
    } catch {
      this.say('The browser does not let the page copy');
      return false;
    }
  }

  /** A link to exactly this: ends of ranges as they were answered instead of "now". */
  async copyLink() {
    const { page } = this;
    const state = pinned(page.state(), page.profile(), page.now());
    if (await this.copy(location.origin + location.pathname + writeState(state), 'Link copied')) return;
    // no clipboard without TLS or leave to write: the address bar then holds the link
    page.change(state);
    this.say('The address bar has the link');
  }
}
