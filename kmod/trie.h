/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The call trie of one CPU: nodes (parent, address), each known by a small id,
 * and a cache from the hash of a whole chain to its leafmost node.
 *
 * One writer, the CPU's sampler in IRQ or NMI context; nobody else reads it.
 * Pure C without allocation or locks, so that the unit tests run this very
 * file in user space.
 *
 * An epoch ends in O(1): entries carry their epoch and are void once it has
 * changed. The 16 bits they carry would come round again after 65535 epochs;
 * so each new epoch clears a slice of the table, big enough that every entry
 * is cleared before that.
 *
 * Both hashes are keyed with a secret that changes each epoch, and every
 * probe sequence has a bound: chains chosen by an attacker can fill the table
 * (then a new epoch begins) but not slow it down.
 */
#ifndef RINGPROF_KMOD_TRIE_H
#define RINGPROF_KMOD_TRIE_H

#include <linux/ringprof.h>

#include "ringprof/port.h"

#define RP_MIN_NODES	2048U
#define RP_MAX_NODES	(1U << 20)
#define RP_NODE_PROBES	64U
#define RP_QUOTA_SLOTS	256U
#define RP_QUOTA_PROBES 8U

/* user frames that the smallest ring and the smallest node budget have room for */
#define RP_SMALL_DEPTH 1024

/* a chain at its longest: kernel frames, the user pc, user frames, end mark */
#define RP_MAX_CHAIN (RINGPROF_MAX_KDEPTH + 1 + RINGPROF_DEPTH_LIMIT + 1)

struct rp_node {
	__u64 addr;
	__u64 meta; /* epoch 16 | parent 24 | id 24 */
};

struct rp_chain_slot {
	__u64 hash;
	__u32 node;
	__u32 epoch;
};

/* new nodes that a process made in an epoch */
struct rp_quota {
	__u32 tgid;
	__u32 epoch;
	__u32 used;
};

struct rp_trie {
	struct rp_node *node;	     /* node_mask + 1 entries */
	struct rp_chain_slot *chain; /* chain_mask + 1 entries */
	__u32 node_mask;
	__u32 chain_mask;
	__u32 epoch;	 /* never 0 in its low 16 bits: that is what cleared entries carry */
	__u32 used;	 /* ids 1..used are given */
	__u32 budget;	 /* ids an epoch may give */
	__u32 quota_max; /* of them to one process */
	__u32 scrub;	 /* next entry to clear */
	__u64 key[3];
	__u64 secret;
	struct rp_quota quota[RP_QUOTA_SLOTS + 1]; /* the last: who found no slot */
};

/* Bytes of the two tables for this budget (RP_MIN_NODES..RP_MAX_NODES, power of two). */
size_t rp_trie_bytes(__u32 budget);

/*
 * Takes zeroed memory of rp_trie_bytes(budget) and a random secret; begins
 * epoch first_epoch. The memory stays the caller's.
 */
void rp_trie_init(struct rp_trie *t, void *mem, __u32 budget, __u64 secret, __u32 first_epoch);

/* Voids all nodes. O(1) but for the slice it clears. */
void rp_trie_new_epoch(struct rp_trie *t);

/*
 * Chains stand leaf side first, root mark last. Gives the node of the longest
 * known root-side part (0: nothing known) and how many entries are not known:
 * chain[0..*ret_missing).
 */
__u32 rp_trie_find(const struct rp_trie *t, const __u64 *chain, __u32 n, __u32 *ret_missing);

/*
 * Makes nodes for chain[0..missing) below `parent`, ids used + 1 upwards, the
 * root side first. false: no room within the budget or the probe bound; ids
 * may have been used up then, and the caller must begin a new epoch.
 */
bool rp_trie_insert(struct rp_trie *t, const __u64 *chain, __u32 missing, __u32 parent);

/*
 * The count of new nodes of this process in this epoch. Processes that find no
 * entry of their own share the last one.
 */
struct rp_quota *rp_trie_quota(struct rp_trie *t, __u32 tgid);

static inline __u64 rp_mix(__u64 h, __u64 v, __u64 key)
{
	unsigned __int128 m = (unsigned __int128)(h ^ v) * key;

	return (__u64)m ^ (__u64)(m >> 64);
}

static inline __u64 rp_chain_hash_begin(const struct rp_trie *t)
{
	return t->key[1];
}

static inline __u64 rp_chain_hash_step(const struct rp_trie *t, __u64 h, __u64 addr)
{
	return rp_mix(h, addr, t->key[0]);
}

__u64 rp_chain_hash(const struct rp_trie *t, const __u64 *chain, __u32 n);

/* Node of the whole chain with this hash, 0: not cached. */
static inline __u32 rp_chain_get(const struct rp_trie *t, __u64 hash)
{
	const struct rp_chain_slot *s = &t->chain[hash & t->chain_mask];

	return s->hash == hash && s->epoch == t->epoch ? s->node : 0;
}

static inline void rp_chain_put(struct rp_trie *t, __u64 hash, __u32 node)
{
	struct rp_chain_slot *s = &t->chain[hash & t->chain_mask];

	s->hash = hash;
	s->node = node;
	s->epoch = t->epoch;
}

/* The id as records spell it. */
static inline __u32 rp_trie_id(const struct rp_trie *t, __u32 node)
{
	return (t->epoch & 0xff) << RINGPROF_NODE_BITS | node;
}

#endif
