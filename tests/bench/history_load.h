/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many services at work, in simulated time. Each runs one of the recorded
 * programs with a mix of its stacks that is its own, moves with the hour and
 * the day of the week, and changes when a new version is deployed; each starts
 * anew now and then. Equal arguments give equal loads.
 */
#ifndef RINGPROF_BENCH_HISTORY_LOAD_H
#define RINGPROF_BENCH_HISTORY_LOAD_H

#include "agg/window.h"
#include "tests/bench/history_stacks.h"

#define LOAD_HOUR (3600 * UINT64_C(1000000000))
#define LOAD_DAY  (24 * LOAD_HOUR)
#define LOAD_BASE (20000 * LOAD_DAY) /* midnight: the begin, wall ns */

struct load;

struct load_counters {
	uint64_t samples, entries, restarts, deploys;
};

/* rate: samples of a service in ten seconds, on average over all of them */
struct load *load_new(struct recorded *const *programs, unsigned int n_programs,
		      unsigned int services, double rate);
void load_free(struct load *l);
/* The next window: ten seconds from t on; t ascends by ten. The caller's reference. */
struct window *load_window(struct load *l, uint64_t t);
void load_counters(const struct load *l, struct load_counters *ret);
uint32_t load_stacks(const struct load *l); /* distinct ones of all programs */

#define LOAD_TIERS 4 /* 10 s, 1 min, 10 min, 1 h */
/*
 * What a perfect code takes for the windows of that tier from `from` on: one
 * that knows each service's mix of the moment. -log2 of the probability of the
 * counts that were drawn (a Poisson number of each stack). Stacks and names
 * come on top of it.
 */
double load_bits(const struct load *l, unsigned int tier, uint64_t from);

#endif
