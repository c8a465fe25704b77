/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many streams of events, each in time order, to one. The events stay in the
 * rings they came in until it is their turn: nothing is copied or queued, so
 * there is no queue to bound, and what is not due yet simply waits in its ring.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_MERGE_H
#define RINGPROF_SOURCE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

struct stream_ops {
	/* Reads on to the next event, puts its time in s->time; false: no more this round. */
	bool (*next)(struct stream *s);
	/* Hands the event on, as of s->time. -EAGAIN: not now, end the round before it. */
	int (*deliver)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
	uint64_t time; /* of the event at hand, mono ns */
	uint64_t last; /* of the one before it */
	size_t order;  /* of adding, this round */
	bool ready;    /* an event is at hand; may last over rounds */
};

struct merge {
	struct stream **heap;
	size_t n, cap, added;
	uint64_t upto; /* everything before it was delivered */
	uint64_t late; /* events that came when their time was delivered already */
};

void merge_free(struct merge *m);
/* Takes s into this round; 0, or -ENOMEM and the round is empty again. */
int merge_add(struct merge *m, struct stream *s);
/*
 * Delivers events older than cutoff from the streams that were added, oldest
 * first, equal times in the order of adding, and forgets the streams. The order
 * holds whatever the rings say: an event of a time that is past already is
 * delivered at the earliest time left (in one ring the order of records is the
 * order of what happened, clocks being what they are; late ones are counted).
 */
void merge_run(struct merge *m, uint64_t cutoff);

#endif
