// SPDX-License-Identifier: GPL-2.0
/**
 * What the search box means. Text finds that text in function names, case
 * ignored unless it holds a capital; /re/ is a regular expression (flag i
 * allowed); "object:" in front looks at the binary instead, "file:" at the
 * source file. A name matches exactly as ="name".
 */

const FIELDS = { 'object:': 'objects', 'file:': 'files' };

/** @returns {{field: string, test: (s: string) => boolean}|{error: string}|null} null: nothing asked */
export function parseSearch(text) {
  let rest = text.trim();
  let field = 'names';
  for (const [prefix, name] of Object.entries(FIELDS)) {
    if (rest.startsWith(prefix)) {
      field = name;
      rest = rest.slice(prefix.length).trim();
    }
  }
  if (!rest) return null;
  const exact = /^="(.*)"$/.exec(rest);
  if (exact) return { field, test: (s) => s === exact[1] };
  const re = /^\/(.+)\/(i?)$/.exec(rest);
  if (re) return regexSearch(field, re[1], re[2]);
  if (/[A-Z]/.test(rest)) return { field, test: (s) => s.includes(rest) };
  return { field, test: (s) => s.toLowerCase().includes(rest) };
}

function regexSearch(field, source, flags) {
  try {
    const re = new RegExp(source, flags);
    return { field, test: (s) => re.test(s) };
  } catch (e) {
    return { error: String(e.message).replace(/^Invalid regular expression: /, '') };
  }
}

/** One byte per function of the profile: does it match? null without a search. */
export function markFunctions(profile, search) {
  if (!search || search.error) return null;
  const texts = profile[search.field];
  const marked = new Uint8Array(profile.nFuncs);
  const known = new Map();
  for (let i = 0; i < texts.length; i++) {
    let m = known.get(texts[i]);
    if (m === undefined) known.set(texts[i], (m = search.test(texts[i]) ? 1 : 0));
    marked[i] = m;
  }
  // the root's name ("total") is no function
  marked[profile.tree.func[0]] = 0;
  return marked;
}
