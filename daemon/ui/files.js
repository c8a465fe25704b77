// SPDX-License-Identifier: GPL-2.0
/**
 * Profiles that the reader opened: dropped onto the page or chosen by the
 * dialog. They stay in the page, nothing is sent anywhere; a link names them,
 * and whoever follows it is asked for the file.
 */
import { $ } from './dom.js';
import { cleanName } from './format.js';
import { ModelError } from './model.js';
import { pprofProfile, readPprof, unpack } from './pprof.js';

const MAX_FILE = 256 << 20;
const KEPT = 4;

export class Files {
  /** @param {(name: string) => void} opened @param {(name: string, why: string) => void} failed */
  constructor(opened, failed) {
    this.opened = opened;
    this.failed = failed;
    this.files = new Map();
    this.count = 0;
    const input = $('file-input');
    $('file-open').addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      if (input.files[0]) this.take(input.files[0]);
      input.value = '';
    });
    this.listenDrops();
  }

  listenDrops() {
    const carries = (e) => [...(e.dataTransfer?.types ?? [])].includes('Files');
    const over = (yes) => document.body.classList.toggle('dropping', yes);
    addEventListener('dragover', (e) => {
      if (!carries(e)) return;
      e.preventDefault();
      over(true);
    });
    addEventListener('dragleave', (e) => e.relatedTarget === null && over(false));
    addEventListener('drop', (e) => {
      if (!carries(e)) return;
      e.preventDefault();
      over(false);
      if (e.dataTransfer.files[0]) this.take(e.dataTransfer.files[0]);
    });
  }

  async take(file) {
    const name = cleanName(file.name || 'profile').slice(0, 120);
    try {
      if (file.size > MAX_FILE) throw new ModelError(`it has more than ${MAX_FILE >> 20} MiB`);
      const raw = new Uint8Array(await file.arrayBuffer());
      const pprof = readPprof(await unpack(raw));
      pprofProfile(pprof, '');
      this.files.delete(name);
      this.files.set(name, { raw, pprof, made: new Map(), at: ++this.count });
      for (const old of [...this.files.keys()].slice(0, -KEPT)) this.files.delete(old);
      this.opened(name);
    } catch (e) {
      if (!(e instanceof ModelError)) console.error(e);
      this.failed(name, e.message);
    }
  }

  /** Tells two files of one name apart, opened one after the other. */
  version(name) {
    return this.files.get(name)?.at ?? 0;
  }

  has(name) {
    return this.files.has(name);
  }

  raw(name) {
    return this.files.get(name)?.raw;
  }

  /** @returns {import('./model.js').Profile|null} null: that file is not open */
  profile(name, type) {
    const f = this.files.get(name);
    if (!f) return null;
    if (!f.made.has(type)) f.made.set(type, pprofProfile(f.pprof, type));
    return f.made.get(type);
  }
}
