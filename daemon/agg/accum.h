/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The open window: adds samples up by (stack, thread, cpu, flags) and losses
 * by mark, and turns into a closed window. Collector thread alone.
 */
#ifndef RINGPROF_AGG_ACCUM_H
#define RINGPROF_AGG_ACCUM_H

#include <linux/ringprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agg/window.h"

/* the caller ends the window early at this many (32 MiB of entries) */
#define ACCUM_MAX_ENTRIES (1U << 20)

/* slots of losses: outcomes of the sampler, then enum mark_lost_other */
#define ACCUM_OUTCOMES 16U
#define ACCUM_LOSSES   (ACCUM_OUTCOMES + LOST_OTHER_MAX)

/* events of a window, 16 MiB; later ones are left out */
#define ACCUM_MAX_EVENTS (1U << 21)

struct accum {
	struct window_entry *entries;
	uint32_t n, cap;  /* entries */
	uint32_t *slots;  /* entry number + 1; 0 empty */
	uint32_t n_slots; /* power of two, at least 2 * cap */
	uint64_t samples, weight, idle;
	uint64_t last_weight; /* of the last sample: the period in force; 0: none of it yet */
	uint64_t loss_count[ACCUM_LOSSES], loss_weight[ACCUM_LOSSES];
	bool keep_events; /* each sample by time, too */
	struct window_event *events;
	uint32_t n_events;
	size_t cap_events;
};

void accum_free(struct accum *acc);
/*
 * at: ns since the window's start, for keep_events. 0; -ENOMEM, -ENOSPC:
 * ACCUM_MAX_ENTRIES are there and it would be a new one. An event for which
 * there is no memory is left out.
 */
int accum_add(struct accum *acc, const struct window_entry *key, uint64_t weight, uint64_t at);
/* slot: an outcome, or ACCUM_OUTCOMES + enum mark_lost_other */
void accum_lost(struct accum *acc, unsigned int slot, uint64_t count, uint64_t weight);
/*
 * A closed window of all that was added, with a reference to m; the caller
 * fills times, period, unit and cpus. NULL: no memory, nothing changed (but
 * that events may be gone).
 */
struct window *accum_window(struct accum *acc, struct model *m);
/* Empties it for the next window; keeps its memory unless most of that went unused. */
void accum_reset(struct accum *acc);

#endif
