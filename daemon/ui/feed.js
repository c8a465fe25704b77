// SPDX-License-Identifier: GPL-2.0
/**
 * Keeps asking: at once when the question changes, every window in live mode,
 * again after a failure that may pass, never while nobody looks. One request
 * at a time; a newer question drops the older one's answer. What is asked is
 * the page's to say: one Feed serves the profile, one the time line, one the
 * services.
 */
import { ApiError } from './api.js';
import { ModelError } from './model.js';

const RETRY_MS = 5000;
/* asking again the same way cannot help */
const FINAL = ['auth', 'bad', 'missing', 'file', 'stopped', 'format'];

/**
 * @typedef {object} Question
 * @property {string} key     equal keys are the same question
 * @property {number} every   ms until it is asked again, 0: never
 * @property {(signal: AbortSignal) => Promise<any>} ask
 *
 * @typedef {object} FeedCallbacks
 * @property {() => Question|null} question  null: nothing to ask
 * @property {(answer: any) => void} arrived
 * @property {(kind: string, detail: string) => void} failed  kind as in ApiError
 * @property {(busy: boolean) => void} busy
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

  /** The state has changed: asks if the question has, or if it is now to be asked again and again. */
  update() {
    const q = this.on.question();
    const begins = q && q.every > 0 && !this.every;
    this.every = q?.every ?? 0;
    if (!q) this.stop();
    else if (q.key !== this.asked || begins) this.ask();
    else this.schedule();
  }

  async ask() {
    const q = this.on.question();
    if (!q) return this.stop();
    this.asked = q.key;
    this.pending?.abort();
    const own = (this.pending = new AbortController());
    clearTimeout(this.timer);
    this.on.busy(true);
    try {
      const answer = await q.ask(own.signal);
      if (own.signal.aborted) return undefined;
      this.pending = null;
      this.failure = null;
      this.on.arrived(answer);
    } catch (e) {
      if (own.signal.aborted) return undefined;
      this.pending = null;
      this.fail(e);
    }
    this.on.busy(false);
    return this.schedule();
  }

  stop() {
    this.pending?.abort();
    this.pending = this.asked = null;
    clearTimeout(this.timer);
  }

  /** The reader does not want to wait for the answer. */
  cancel() {
    if (!this.pending) return;
    this.pending.abort();
    this.pending = null;
    this.on.busy(false);
    this.fail(new ApiError('stopped'));
  }

  fail(e) {
    if (e instanceof ApiError) this.failure = e.kind;
    else this.failure = e instanceof ModelError ? 'format' : 'server';
    if (!(e instanceof ApiError || e instanceof ModelError)) console.error(e);
    this.on.failed(this.failure, this.failure === 'gone' ? '' : e.message);
  }

  schedule() {
    clearTimeout(this.timer);
    const every = this.on.question()?.every ?? 0;
    if (this.pending || FINAL.includes(this.failure) || document.hidden) return;
    const wait = this.failure ? RETRY_MS : every;
    if (wait) this.timer = setTimeout(() => this.ask(), wait);
  }

  seen() {
    if (document.hidden) return clearTimeout(this.timer);
    if (this.failure ? !FINAL.includes(this.failure) : this.on.question()?.every) return this.ask();
    return undefined;
  }
}
