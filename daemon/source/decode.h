/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of one CPU's module ring to samples: takes bytes, keeps the state
 * that they build up (epoch, nodes, weight), gives samples. Touches nothing but
 * its arguments and the heap, and believes nothing in the bytes: what cannot
 * be is dropped, up to the next EPOCH record, and counted.
 *
 * A node's chain id is looked up when a sample needs it, not when the node
 * comes in: so the chain table holds only what was sampled, and starting it
 * anew (chains_reset) needs no pass over the nodes of all CPUs.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_DECODE_H
#define RINGPROF_SOURCE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringprof/record.h"
#include "source/chains.h"

/* as many nodes as an id can name; what is used is what the module's budget lets it send */
#define DECODE_MAX_NODES (1U << 24)

struct decode_node {
	uint64_t addr;
	uint32_t parent; /* node of this epoch */
	uint32_t chain;	 /* id in the chain table, CHAIN_NONE: not looked up yet */
};

struct decode {
	uint32_t attach_epoch; /* what is older was not taken for this reader */
	bool attached;	       /* its first EPOCH has come */
	bool synced;	       /* false: dropping up to the next EPOCH */
	bool full;	       /* not synced because the epoch has more nodes than we keep */
	uint32_t epoch;
	uint32_t unit;	   /* enum ringprof_unit */
	uint64_t weight;   /* 0: none known yet */
	uint64_t since;	   /* what is older is nothing that its reader lost; the caller sets it */
	uint64_t max_time; /* a record from later than this cannot be; the caller moves it on */
	struct decode_node *nodes; /* [0] is the empty chain */
	uint32_t n_nodes, cap_nodes, max_nodes;
	uint32_t owed;	     /* node that the next sample must name; 0: any that there is */
	uint32_t generation; /* of the chain table that nodes[].chain name */
	/* counters */
	uint64_t records, detached; /* samples */
	uint64_t detached_before;   /* of these, older than since */
	uint64_t lost_samples;	    /* dropped while not synced, or for want of memory */
	uint64_t corrupt;	    /* bytes, those dropped on the way to the next EPOCH included */
	uint64_t unreadable;	    /* of these: no record could be told from the next */
};

struct decode_sample {
	uint64_t time; /* ns of the ring's clock */
	uint64_t cgroup, leaf, weight;
	uint32_t tgid, tid;
	uint32_t node;	/* for decode_chain */
	uint32_t flags; /* RINGPROF_SAMPLE_* */
};

/* max_nodes bounds the memory; past it samples are lost until the epoch ends. */
void decode_init(struct decode *d, uint32_t attach_epoch, uint32_t max_nodes);
void decode_free(struct decode *d);

/*
 * Reads records from c->pos on, up to and with the next sample. False: none
 * before c->head, where c->pos stands then.
 */
bool decode_next(struct decode *d, struct ringprof_cursor *c, struct decode_sample *ret);

/*
 * Says that bytes were skipped without being shown (the ring's positions made
 * no sense): nothing before the next EPOCH can be understood.
 */
void decode_skip(struct decode *d, uint64_t bytes);

/*
 * The chain of a sample's node in c, right until the next decode_next.
 * CHAIN_NONE: the table is full, or the chain deeper than CHAIN_MAX_DEPTH
 * (*deep is set then: no other table would take it).
 */
uint32_t decode_chain(struct decode *d, struct chains *c, uint32_t node, bool *deep);

size_t decode_bytes(const struct decode *d);

#endif
