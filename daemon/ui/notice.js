// SPDX-License-Identifier: GPL-2.0
/** What went wrong, in words, and what to do about it. */
import { el } from './dom.js';

/* kind of ApiError -> [title, what to do] */
const WORDS = {
  auth: ['This page needs the credential',
    ['Profiles are for the administrators of this host. Open the address with the credential in it, ',
      ['code', 'http://ringprof:TOKEN@HOST:PORT/'], ', where TOKEN is the content of the file ',
      ['code', '/etc/ringprof/token'], ' (setting ', ['code', 'token-file'], '). Members of the group ',
      ['code', 'ringprof'], ' can read it.']],
  gone: ['The daemon does not answer',
    ['Is it running? ', ['code', 'systemctl status ringprofd'], ' or ', ['code', 'ringprof status'],
      ' tell. The page tries again by itself.']],
  busy: ['The daemon is busy', ['It has too many readers or the question takes too long. A shorter range or a narrower selection helps. The page tries again by itself.']],
  bad: ['The daemon refused the question', ['Look at the selector and the range. A selector reads like ', ['code', '{service_name="nginx"}'], ' or ', ['code', '{comm=~"cc1.*"}'], '.']],
  missing: ['The daemon does not know this interface', ['Page and daemon may be of different versions: reload the page.']],
  format: ['The daemon’s answer can’t be read', ['Page and daemon may be of different versions: reload the page.']],
  server: ['The daemon failed to answer', ['Its log says more: ', ['code', 'journalctl -u ringprofd'], '.']],
  empty: ['No samples yet',
    ['The first window closes 10 seconds after the daemon has started. If nothing comes: ',
      ['code', 'ringprof status'], ' tells whether sampling is on, ', ['code', 'ringprof doctor'], ' what is missing.']],
  nothing: ['No samples match', ['Nothing in this range belongs to the selection. Another service, another selector or a longer range may have some.']],
  file: ['This link shows an opened file', ['Files stay on the machine that opened them. Drop the same file here or choose it with ', ['b', 'Open file'], '.']],
  unread: ['The file can’t be read as a profile', ['The page reads pprof files (profile.proto, gzip or plain), as ', ['code', 'go tool pprof'], ' does.']],
  stopped: ['Stopped', ['The question was taken back. Change it, or reload the page to ask again.']],
  function: ['The function is not in this range', ['Shown is the one with most CPU time of its own.']],
  path: ['The zoomed frame is not in this range', ['Shown as far as the path goes.']],
};

function parts(list) {
  return list.map((p) => (typeof p === 'string' ? p : el(p[0], {}, p[1])));
}

/**
 * Shows a notice of this kind, or none.
 * @param {HTMLElement} box @param {string|null} kind @param {string} detail the server's words
 * @param {boolean} large nothing else is on show
 */
export function showNotice(box, kind, detail = '', large = false) {
  const told = JSON.stringify([kind, detail, large]);
  if (box.dataset.told === told) return; // not told a second time
  box.dataset.told = told;
  box.hidden = !kind;
  box.className = large ? 'notice large' : 'notice';
  box.dataset.kind = kind ?? '';
  if (!kind) {
    box.replaceChildren();
    return;
  }
  const [title, words] = WORDS[kind];
  const children = [el('strong', {}, title), el('p', {}, ...parts(words))];
  if (detail) children.push(el('p', { className: 'muted' }, `It said: ${detail}`));
  box.replaceChildren(...children);
}
