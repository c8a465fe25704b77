/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reader of one CPU's ring for tests: the plainest reading of
 * include/uapi/linux/ringprof.h, apart from the daemon's decoder so that the
 * two can disagree. Every departure from the contract is counted in errors and
 * the first one kept as text.
 */
#ifndef RINGPROF_TESTS_RINGREAD_H
#define RINGPROF_TESTS_RINGREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ringprof.h>

struct ringread {
	unsigned int cpu;
	const struct ringprof_ring_head *head;
	const unsigned char *data;
	struct ringprof_ring_tail *tail;
	uint64_t pos, data_size;
	size_t map_size;
	/* decoder */
	bool in_epoch, attached;
	uint32_t epoch, next_node, owed; /* owed: node that the next sample must name */
	struct ringread_node *nodes;
	size_t nodes_alloc;
	uint32_t unit;
	uint64_t weight, last_time;
	/* what was seen */
	struct ringread_seen {
		uint64_t samples, detached, bytes, nodes, epochs, weights, errors;
		uint64_t weight_sum, ends[64];
		char error[128];
	} seen;
};

struct ringread_node {
	uint32_t parent;
	uint64_t addr;
};

/* addr[0..n): end mark first, root to leaf, the sampled pc last. */
typedef void (*ringread_fn)(void *arg, struct ringread *r, const struct ringprof_rec_sample *s,
			    const uint64_t *addr, size_t n);

/* Maps cpu's ring. 0 or -errno (-ENXIO: it has none). */
int ringread_open(struct ringread *r, int fd, unsigned int cpu);
void ringread_close(struct ringread *r);
/* Reads up to the head there is now and gives the room back. */
void ringread_drain(struct ringread *r, ringread_fn fn, void *arg);
/* Sets what was seen back to nothing; the decoder goes on where it is. */
void ringread_forget(struct ringread *r);
/* Notes a departure from the contract. */
void ringread_error(struct ringread *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
