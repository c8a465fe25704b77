// SPDX-License-Identifier: GPL-2.0
/** The controls of the upper bar: range, service or selector. Each tells changes as a patch of the state. */
import { ALL_HOSTS, selectedService, serviceSelector } from './api.js';
import { clockRange, inputTime, inputZone, readInputTime } from './clock.js';
import { cleanName, percent } from './format.js';
import { $, el, press, setText, takesBack } from './dom.js';
import { braced } from './state.js';

const CUSTOM = '\u0000custom';

export class RangeControl {
  /** @param {(patch: object) => void} change */
  constructor(change) {
    this.buttons = [...document.querySelectorAll('#ranges button[data-from]')];
    for (const b of this.buttons) {
      b.addEventListener('click', () => change({ from: b.dataset.from, until: 'now', spanFrom: '', spanUntil: '' }));
    }
    this.dialog = $('range-dialog');
    this.error = $('range-error');
    $('range-custom').addEventListener('click', () => this.open());
    // no submit button: Enter would press it, as the form's first
    $('range-cancel').addEventListener('click', () => this.dialog.close());
    $('range-form').addEventListener('submit', (e) => {
      const [from, until] = ['from', 'until'].map((end) => this.read(end));
      const bad = Number.isNaN(from + until) ? 'Both ends need a day and a time.' : from < until ? '' : 'The end must lie after the beginning.';
      setText(this.error, bad);
      if (bad) return e.preventDefault();
      return change({ from: String(from), until: String(until), live: false, spanFrom: '', spanUntil: '' });
    });
  }

  /** The moment of one end. One that nobody touched is what it was: the input has no ms, and an hour that comes twice only once. */
  read(end) {
    const { value } = $(`range-${end}`);
    return value === this.filled[end].text ? this.filled[end].ms : readInputTime(value);
  }

  open() {
    const [from, until] = this.range;
    this.filled = {};
    for (const [end, ms] of [['from', from], ['until', until]]) {
      const input = $(`range-${end}`);
      input.value = inputTime(ms);
      this.filled[end] = { ms: Math.round(ms), text: input.value };
    }
    setText($('range-title'), `Time range, ${inputZone()}`);
    setText(this.error, '');
    this.dialog.showModal();
  }

  /** @param {object} state @param {number[]} range ms, what is asked for */
  show(state, range) {
    this.range = range;
    press(this.buttons, (b) => state.until === 'now' && b.dataset.from === state.from);
    const known = this.buttons.some((b) => b.getAttribute('aria-pressed') === 'true');
    const custom = $('range-custom');
    custom.setAttribute('aria-pressed', String(!known));
    setText(custom, known ? 'Custom…' : state.until === 'now' ? state.from : clockRange(...range));
  }
}

export class ServiceControl {
  /** @param {(patch: object) => void} change */
  constructor(change) {
    this.select = $('service');
    this.input = $('selector');
    this.services = [];
    this.typing = false; // a selector that is not asked for yet
    this.filled = null;
    this.select.addEventListener('change', () => {
      const v = this.select.value;
      this.input.hidden = v !== CUSTOM;
      this.typing = v === CUSTOM;
      if (this.typing) this.input.focus();
      else change({ query: v ? serviceSelector(v) : '', zoom: [], window: null });
    });
    this.select.addEventListener('blur', () => this.state && this.show(this.state));
    this.input.addEventListener('input', () => {
      this.typing = true;
    });
    takesBack(this.input, () => this.state.query);
    this.input.addEventListener('blur', () => {
      this.typing = false;
      if (this.state) this.show(this.state);
    });
    this.input.addEventListener('change', () => {
      this.typing = false;
      change({ query: braced(this.input.value), zoom: [], window: null });
    });
  }

  setServices(services) {
    this.services = services;
    if (this.state) this.show(this.state);
  }

  show(state) {
    this.state = state;
    const name = selectedService(state.query);
    this.fill(name);
    const custom = (state.query !== '' && name === null) || this.typing;
    this.select.value = custom ? CUSTOM : (name ?? '');
    this.input.hidden = !custom;
    if (document.activeElement !== this.input) this.input.value = state.query;
  }

  /** The list, with the selected service in it even when it is not running now. Not under the hand of who is choosing. */
  fill(name) {
    if (this.filled?.services === this.services && this.filled.name === name) return;
    const options = [...this.select.options].map((o) => o.value);
    if (document.activeElement === this.select && options.length > 2 && options.includes(name ?? '')) return;
    this.replace(name);
  }

  replace(name) {
    this.filled = { services: this.services, name };
    const known = this.services.map((s) => s.raw);
    const options = [el('option', { value: '' }, 'All processes')];
    if (name !== null && !known.includes(name)) options.push(el('option', { value: name }, name));
    for (const s of this.services) {
      options.push(el('option', { value: s.raw }, `${s.name} · ${percent(s.share)}`));
    }
    options.push(el('option', { value: CUSTOM }, 'Selector…'));
    this.select.replaceChildren(...options);
  }
}

/** Whose numbers: this host's, those of one whose ranges were imported, or all. Hidden while there is no other. */
export class HostControl {
  /** @param {(patch: object) => void} change */
  constructor(change) {
    this.select = $('host-choice');
    this.imports = [];
    this.select.addEventListener('change', () => change({ host: this.select.value, zoom: [], window: null, ...this.rangeOf(this.select.value) }));
  }

  setImports(imports) {
    this.imports = imports;
    if (this.state) this.show(this.state, this.range);
  }

  /** The range to go to: a host's last one, when nothing of it is in the present range. */
  rangeOf(host) {
    const own = this.imports.filter((p) => p.host === host).sort((a, b) => a.until - b.until);
    const [from, until] = this.range;
    if (!own.length || own.some((p) => p.from < until && p.until > from)) return {};
    return { from: String(own.at(-1).from), until: String(own.at(-1).until), live: false, spanFrom: '', spanUntil: '' };
  }

  /** @param {object} state @param {number[]} range ms */
  show(state, range) {
    Object.assign(this, { state, range });
    const names = [...new Set([...this.imports.map((p) => p.host), ...(state.host && state.host !== ALL_HOSTS ? [state.host] : [])])].sort();
    const key = JSON.stringify(names);
    if (this.filled !== key) {
      this.filled = key;
      this.select.replaceChildren(el('option', { value: '' }, 'This host'), ...names.map((n) => el('option', { value: n }, cleanName(n))),
        el('option', { value: ALL_HOSTS }, 'All hosts'));
    }
    this.select.hidden = names.length === 0 && !state.host;
    this.select.value = state.host;
  }
}
