// SPDX-License-Identifier: GPL-2.0
/**
 * One place where work for the next frame happens. Event handlers only note
 * what they were told and ask for a frame; layout, hit tests and drawing run
 * here, timed, so that the page's own test can read what a frame costs.
 */
const KEPT = 2048;
const times = new Float64Array(KEPT);
let frames = 0;
let asked = false;
const jobs = new Set();

function run() {
  asked = false;
  const begin = performance.now();
  const now = [...jobs];
  jobs.clear();
  for (const job of now) job(begin);
  times[frames++ % KEPT] = performance.now() - begin;
}

/** Runs job once in the next frame, however often it is asked for. */
export function onFrame(job) {
  jobs.add(job);
  if (asked) return;
  asked = true;
  requestAnimationFrame(run);
}

/** Milliseconds of script and draw of the last frames, oldest first. */
export function frameTimes() {
  const n = Math.min(frames, KEPT);
  return Array.from({ length: n }, (_, i) => times[(frames - n + i) % KEPT]);
}

export function forgetFrameTimes() {
  frames = 0;
}
