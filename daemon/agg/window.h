/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stretch of time and all that was sampled in it, closed and immutable.
 * Windows are 10 s on wall-clock tens; a cut (the begin or end of a scrape)
 * splits one in two at that nanosecond, so that ranges between cuts are exact.
 */
#ifndef RINGPROF_AGG_WINDOW_H
#define RINGPROF_AGG_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "agg/model.h"
#include "sym/symbols.h"

#define WINDOW_NS 10000000000ULL

#define ENTRY_KERNEL 0x1 /* sampled in kernel mode */
#define ENTRY_IDLE   0x2 /* not used yet: idle is counted, not stored */

struct window_entry { /* one (stack, thread, cpu, mode) */
	uint32_t stack;
	uint32_t thread; /* model_thread */
	uint16_t cpu;
	uint16_t flags;
	uint32_t count;	 /* samples */
	uint64_t weight; /* ns */
};

struct window_event { /* one sample: which entry, and when */
	uint32_t entry;
	uint32_t us; /* since the window's start */
};

struct raw_sample { /* what the history gives back of it */
	uint32_t entry;
	uint32_t us;
	uint16_t cpu;
};

/*
 * What sample k (from 0, in order of time) of an entry stands for: they share its
 * weight out evenly, and all of them are all of it.
 */
static inline uint64_t raw_sample_weight(const struct window_entry *e, uint64_t k)
{
	uint64_t n = e->count ? e->count : 1;

	return (uint64_t)((unsigned __int128)e->weight * (k + 1) / n) -
	       (uint64_t)((unsigned __int128)e->weight * k / n);
}

struct window_loss {   /* what this window lost, host-wide */
	uint32_t mark; /* enum frame_mark value: MARK_LOST + x, MARK_LOST_OTHER + x */
	uint32_t pad;
	uint64_t count;
	uint64_t weight; /* ns it stood for */
};

struct window {
	int refs;	     /* atomic, window_ref/unref */
	struct model *model; /* a reference */
	uint64_t start, end; /* mono ns, [start, end) */
	uint64_t wall_start; /* wall ns at start; wall end = wall_start + (end - start) */
	uint64_t period;     /* ns a sample stood for at the end of it */
	uint32_t unit;	     /* enum ringprof_unit */
	uint32_t n_entries, n_losses;
	struct window_entry *entries; /* sorted by stack */
	struct window_loss *losses;
	uint64_t samples, weight; /* sums over entries */
	uint64_t idle;		  /* idle hits, all CPUs */
	uint32_t cpus;		  /* sampled CPUs; 0: nothing was recorded, no source was there */
	uint64_t unsampled;	  /* of windows that were added up: see window_sampled */
	/*
	 * Each sample by itself, as they came; NULL: not kept. They belong to who
	 * takes them (the history's writer): nobody else may look.
	 */
	uint32_t n_events;
	struct window_event *events;
};

struct window *window_ref(struct window *w);
void window_unref(struct window *w);
/* The events and their number, to free; the window has none any more. NULL: there are none. */
struct window_event *window_take_events(struct window *w, uint32_t *n);
/* events not included: they are gone soon */
size_t window_bytes(const struct window *w);

/*
 * ns of it in which samples could come. Where no CPU is sampled (stopped, or no
 * source can be opened) nothing that runs is seen: no time in which nothing ran.
 */
static inline uint64_t window_sampled(const struct window *w)
{
	uint64_t len = w->end - w->start;

	if (!w->cpus && !w->samples && !w->n_entries && !w->n_losses)
		return 0;
	return len > w->unsampled ? len - w->unsampled : 0;
}

static inline uint64_t window_wall_end(const struct window *w)
{
	return w->wall_start + (w->end - w->start);
}

#endif
