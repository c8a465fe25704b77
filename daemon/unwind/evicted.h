/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables that the module was given and has no more: its budget was too small
 * for all, and they were used least. Of the samples that break off in such a
 * file some are counted here, and every EVICTED_LOOK_NS it is decided what is
 * given once more: what fits beside the others; else only what was missed of
 * late more than twice as often as those were used that then go for it, and by
 * more samples than a passing command has (EVICTED_WORTH). These are told by
 * number: left to itself the module would let the newest go, as it was used
 * least so far. Each table comes after a pause that doubles with every time. So a
 * load that changes gets its tables, and a budget that is simply too small does
 * not make them go to and fro. What did not fit when it was given first is looked
 * at the same way.
 *
 * Knows no module: told what was sent, what is there, what was missed. At most
 * EVICTED_WANTED files are open. Collector thread.
 */
#ifndef RINGPROF_UNWIND_EVICTED_H
#define RINGPROF_UNWIND_EVICTED_H

#include <stdbool.h>
#include <stdint.h>

#include "source/control_table.h"
#include "sym/files.h"

#define EVICTED_LOOK_NS	  5000000000ULL
#define EVICTED_MAX_PAUSE (32 * EVICTED_LOOK_NS)
#define EVICTED_WANTED	  16U
#define EVICTED_KNOWN	  8192U /* as many as the module takes */
#define EVICTED_WORTH	  8U	/* samples of late: 4 in every look */
#define EVICTED_DROPS	  64U	/* that go for others, between two looks */

struct evicted;

struct evicted *evicted_new(void);     /* NULL: no memory */
void evicted_free(struct evicted *e);  /* NULL is fine */
void evicted_reset(struct evicted *e); /* the module has nothing of ours */

/*
 * The table of the file behind fd (-1: the vDSO) was given: id is the module's
 * number, 0 when it had no room for it.
 */
void evicted_sent(struct evicted *e, int fd, const uint8_t key[RINGPROF_KEY_SIZE], uint32_t n_rows,
		  uint32_t id);

/* What the module says of itself: every table it has, how often each was used. */
struct evicted_module {
	const struct control_table_info *tables;
	size_t n_tables;
	uint64_t budget, bytes;
};
/* Compares and decides; now in mono ns. Tells how many tables are gone. */
uint32_t evicted_look(struct evicted *e, const struct evicted_module *m, uint64_t now);
uint32_t evicted_gone(const struct evicted *e);

/*
 * A sample has a frame in f, mapped from there. True: f's table is gone, and
 * that was counted.
 */
bool evicted_missed(struct evicted *e, struct file *f, const struct file_where *w);

/* The module's number of the next table that has to go before others come. False: none. */
bool evicted_drop(struct evicted *e, uint32_t *ret_table);
/* The next one to be given again: its descriptor (the caller's; -1: the vDSO) and file (a
 * reference; NULL: the vDSO). False: none. */
bool evicted_next(struct evicted *e, int *ret_fd, struct file **ret_file);

struct evicted_counters {
	uint64_t evicted;  /* tables found gone */
	uint64_t again;	   /* of these, given once more */
	uint64_t kept_out; /* decisions that others are used more */
};
void evicted_counters(const struct evicted *e, struct evicted_counters *ret);

#endif
