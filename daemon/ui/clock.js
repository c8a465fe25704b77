// SPDX-License-Identifier: GPL-2.0
/**
 * Wall-clock times as text, in local time or UTC as the reader chose. The one
 * place of the page that knows which; whoever shows a time asks here.
 */
const KEY = 'ringprof-clock';
export const ZONES = ['local', 'utc'];
let zone = 'local';

/* storage may be switched off or full: the choice then lasts as long as the page */
export function rememberedZone() {
  try {
    const z = localStorage.getItem(KEY);
    return ZONES.includes(z) ? z : 'local';
  } catch {
    return 'local';
  }
}

export function rememberZone(z) {
  try {
    localStorage.setItem(KEY, z);
  } catch {
    /* see above */
  }
}

export function setZone(z) {
  zone = z;
}

export const currentZone = () => zone;

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const DAY = { month: 'short', day: 'numeric' };
const known = new Map();

/* making a formatter costs more than all its uses */
function formatter(options) {
  const id = `${zone} ${Object.keys(options)}`;
  let f = known.get(id);
  if (!f) known.set(id, (f = new Intl.DateTimeFormat('en-GB', zone === 'utc' ? { ...options, timeZone: 'UTC' } : options)));
  return f;
}

const text = (ms, options) => formatter(options).format(ms);
const dayOf = (ms) => text(ms, { year: 'numeric', ...DAY });

const fraction = (ms, digits) => `.${String(Math.floor(ms % 1000)).padStart(3, '0').slice(0, digits)}`;

/** One moment: "14:03:20", with the day unless it is today; "UTC" where that was chosen; fine: with ms. */
export function clockTime(ms, { now = Date.now(), fine = false } = {}) {
  const day = dayOf(ms) === dayOf(now) ? '' : `${text(ms, DAY)}, `;
  return `${day}${text(ms, CLOCK)}${fine ? fraction(ms, 3) : ''}${zone === 'utc' ? ' UTC' : ''}`;
}

/* ranges below it have their ms */
const FINE_RANGE = 10000;

/** Two moments; the day is named unless it is today. */
export function clockRange(from, to, now = Date.now()) {
  const sameDay = dayOf(from) === dayOf(to);
  const today = sameDay && dayOf(from) === dayOf(now);
  const ms = (at) => (to - from < FINE_RANGE ? fraction(at, 3) : '');
  const begin = text(from, today ? CLOCK : { ...DAY, ...CLOCK }) + ms(from);
  const end = text(to, sameDay ? CLOCK : { ...DAY, ...CLOCK }) + ms(to);
  return `${begin} – ${end}${zone === 'utc' ? ' UTC' : ''}`;
}

/** Whose clock such an input shows. */
export const inputZone = () => (zone === 'utc' ? 'UTC' : `local time (${new Intl.DateTimeFormat().resolvedOptions().timeZone})`);

/** What <input type=datetime-local> wants, in the zone chosen. */
export function inputTime(ms) {
  const shift = zone === 'utc' ? 0 : new Date(ms).getTimezoneOffset() * 60000;
  return new Date(ms - shift).toISOString().slice(0, 19);
}

/** The moment that such an input's text means; NaN: none. */
export function readInputTime(s) {
  return Date.parse(zone === 'utc' && s ? `${s}Z` : s);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;
const STEPS = [
  10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE,
  10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS,
  30 * DAY_MS, 90 * DAY_MS,
];

function tickText(ms, step) {
  if (step >= DAY_MS) return text(ms, DAY);
  if (step < SECOND) return text(ms, CLOCK) + fraction(ms, step < 100 ? 2 : 1);
  if (step < MINUTE) return text(ms, CLOCK);
  const clock = text(ms, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return clock === '00:00' ? text(ms, DAY) : clock;
}

/** Round moments of the zone between two, at most `max` of them. @returns {{at: number, text: string}[]} */
export function ticks(from, to, max) {
  const step = STEPS.find((s) => (to - from) / s <= max) ?? 365 * DAY_MS;
  const shift = (ms) => (zone === 'utc' ? 0 : new Date(ms).getTimezoneOffset() * MINUTE);
  const first = shift(from);
  const list = [];
  // `clock` is what the zone's clock shows, as if it were UTC
  for (let clock = Math.ceil((from - first) / step) * step; list.length < 100; clock += step) {
    // where it is put forward or back, hours stay round and days begin at midnight
    const at = clock + (step > HOUR ? shift(clock + first) : first);
    if (at > to) return list;
    list.push({ at, text: tickText(at, step) });
  }
  return list;
}
