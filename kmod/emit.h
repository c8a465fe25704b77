/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a sample to records: finds the chain in the trie, reserves room for
 * everything the sample needs, and only then adds nodes and writes. So nodes
 * and the sample that needs them become visible by one head store, or the
 * trie stays as it was.
 *
 * Takes a walked sample, gives the outcome. Never reads user memory, never
 * allocates. Pure C, run in user space by the unit tests; called by the CPU's
 * sampler alone.
 */
#ifndef RINGPROF_KMOD_EMIT_H
#define RINGPROF_KMOD_EMIT_H

#include "ring.h"
#include "trie.h"

/* a process at its node limit gets a new epoch once this one is so old */
#define RP_EPOCH_MIN_NS 30000000000ULL

struct rp_stream {
	struct rp_ring ring;
	struct rp_trie trie;
	/* what samples stand for; set by others while this CPU's event is off */
	__u64 weight;
	__u32 unit;
	/* as the last WEIGHT record said */
	__u64 said_weight;
	__u32 said_unit;
	bool said_epoch;  /* the EPOCH record of this epoch is written */
	__u64 epoch_time; /* when this epoch began */
	__u32 attach;	  /* counts attached readers; written by open(2) */
	__u32 attach_seen;
};

struct rp_sample {
	__u64 time;
	__u64 cgroup;
	__u64 leaf;
	__u64 hash;   /* of the chain, under the epoch's key */
	__u64 *chain; /* leaf side first, end mark last; may be changed */
	__u32 n;      /* 1..RP_MAX_CHAIN */
	__u32 tgid;
	__u32 tid;
	__u8 flags;
};

/*
 * Begins a new epoch if a reader has attached since the last call. To be
 * called before the sample's hash is computed: the keys change.
 */
static inline void rp_emit_check_attach(struct rp_stream *s);

/* RINGPROF_OUT_EMITTED, or the loss. Counts nodes, bytes, hits in the shared page. */
enum ringprof_outcome rp_emit(struct rp_stream *s, struct rp_sample *x);

void rp_emit_new_epoch(struct rp_stream *s);

static inline void rp_emit_check_attach(struct rp_stream *s)
{
	/* pairs with chardev.c:attach_reader(): attach_epoch is set before the count */
	__u32 attach = smp_load_acquire(&s->attach);

	if (unlikely(attach != s->attach_seen)) {
		s->attach_seen = attach;
		rp_emit_new_epoch(s);
	}
}

#endif
