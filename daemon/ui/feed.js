// SPDX-License-Identifier: GPL-2.0
/**
 * Keeps asking the daemon: at once when the question changes, every window in
 * live mode, again after a failure that may pass, never while nobody looks.
 * One request at a time; a newer question drops the older one's answer.
 */
import { ApiError, fetchProfile, fetchServices } from './api.js';
import { ModelError, readProfile } from './model.js';
import { isRelative } from './state.js';

const LIVE_MS = 10000;
const RETRY_MS = 5000;
const SERVICES_MS = 60000;
/* asking again the same way cannot help */
const FINAL = ['auth', 'bad'];

const question = (state) => `${state.query}\n${state.from}\n${state.until}`;

/**
 * @typedef {object} FeedCallbacks
 * @property {() => import('./state.js').State} state
 * @property {(profile: import('./model.js').Profile) => void} arrived
 * @property {(kind: string, detail: string) => void} failed  kind as in ApiError
 * @property {(busy: boolean) => void} busy
 * @property {(services: object[]) => void} services
 */
export class Feed {
  /** @param {FeedCallbacks} callbacks */
  constructor(callbacks) {
    this.on = callbacks;
    this.asked = null;
    this.failure = null;
    this.pending = null;
    this.timer = 0;
    document.addEventListener('visibilitychange', () => this.seen());
  }

  /** The state has changed: asks if the question has, or if live was just switched on. */
  update(wasLive) {
    const state = this.on.state();
    if (question(state) !== this.asked || (state.live && !wasLive && isRelative(state))) this.ask();
    else this.schedule();
  }

  async ask() {
    const state = this.on.state();
    this.asked = question(state);
    this.pending?.abort();
    const own = (this.pending = new AbortController());
    clearTimeout(this.timer);
    this.on.busy(true);
    try {
      const profile = readProfile(await fetchProfile(state, own.signal));
      this.failure = null;
      this.on.arrived(profile);
    } catch (e) {
      if (e.name === 'AbortError') return;
      this.fail(e);
    }
    this.on.busy(false);
    this.schedule();
  }

  fail(e) {
    if (e instanceof ApiError) this.failure = e.kind;
    else this.failure = e instanceof ModelError ? 'format' : 'server';
    if (!(e instanceof ApiError || e instanceof ModelError)) console.error(e);
    this.on.failed(this.failure, this.failure === 'gone' ? '' : e.message);
  }

  schedule() {
    clearTimeout(this.timer);
    const state = this.on.state();
    if (FINAL.includes(this.failure) || document.hidden) return;
    const wait = this.failure ? RETRY_MS : state.live && isRelative(state) ? LIVE_MS : 0;
    if (wait) this.timer = setTimeout(() => this.ask(), wait);
  }

  seen() {
    const state = this.on.state();
    if (document.hidden) clearTimeout(this.timer);
    else if (this.failure || (state.live && isRelative(state))) this.ask();
  }

  async keepServices() {
    if (!document.hidden) this.on.services(await fetchServices());
    setTimeout(() => this.keepServices(), SERVICES_MS);
  }
}
