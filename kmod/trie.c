// SPDX-License-Identifier: GPL-2.0
/*
 * See trie.h. The node table is open addressing with linear probing at a load
 * of at most one half. Contexts: the CPU's sampler alone (IRQ, NMI); init
 * from process context while no sampler runs.
 */
#include "trie.h"

#define PARENT_SHIFT 24
#define EPOCH_SHIFT  48

static __u64 meta_of(const struct rp_trie *t, __u32 parent, __u32 id)
{
	return (__u64)(t->epoch & 0xffff) << EPOCH_SHIFT | (__u64)parent << PARENT_SHIFT | id;
}

static __u32 slot_of(const struct rp_trie *t, __u32 parent, __u64 addr)
{
	return rp_mix(t->key[2] + parent * (t->key[1] | 1), addr, t->key[0]) & t->node_mask;
}

static __u32 chain_slots(__u32 budget)
{
	return budget / 4;
}

size_t rp_trie_bytes(__u32 budget)
{
	return 2 * (size_t)budget * sizeof(struct rp_node) +
	       chain_slots(budget) * sizeof(struct rp_chain_slot);
}

/* splitmix64: its outputs are never disclosed, so it need be no cipher */
static __u64 next_secret(struct rp_trie *t)
{
	__u64 z = t->secret += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void new_keys(struct rp_trie *t)
{
	t->key[0] = next_secret(t) | 1;
	t->key[1] = next_secret(t);
	t->key[2] = next_secret(t);
}

void rp_trie_init(struct rp_trie *t, void *mem, __u32 budget, __u64 secret, __u32 first_epoch)
{
	memset(t, 0, sizeof(*t));
	t->node = mem;
	t->node_mask = 2 * budget - 1;
	t->chain = (void *)(t->node + 2 * (size_t)budget);
	t->chain_mask = chain_slots(budget) - 1;
	t->budget = budget;
	t->quota_max = budget / 4 * 3;
	t->secret = secret;
	t->epoch = first_epoch & 0xffff ? first_epoch : first_epoch + 1;
	new_keys(t);
}

/* Clears so much that the whole table is cleared within 32768 epochs. */
static void scrub(struct rp_trie *t)
{
	__u32 n = (t->node_mask >> 15) + 1;

	while (n--) {
		t->node[t->scrub].addr = 0;
		t->node[t->scrub].meta = 0;
		t->scrub = (t->scrub + 1) & t->node_mask;
	}
}

void rp_trie_new_epoch(struct rp_trie *t)
{
	__u32 e = t->epoch + 1;

	if (!(e & 0xffff))
		e++;
	WRITE_ONCE(t->epoch, e);
	t->used = 0;
	new_keys(t);
	scrub(t);
}

/* The id of (parent, addr), or 0 with *ret_slot free for it (NULL: none within the bound). */
static __u32 lookup(const struct rp_trie *t, __u32 parent, __u64 addr, struct rp_node **ret_slot)
{
	__u32 i = slot_of(t, parent, addr);
	__u64 want = meta_of(t, parent, 0);
	__u32 probe;

	for (probe = 0; probe < RP_NODE_PROBES; probe++, i = (i + 1) & t->node_mask) {
		struct rp_node *e = &t->node[i];

		if (e->addr == addr && (e->meta & ~(__u64)RINGPROF_NODE_MASK) == want)
			return e->meta & RINGPROF_NODE_MASK;
		if (e->meta >> EPOCH_SHIFT != (t->epoch & 0xffff)) {
			*ret_slot = e;
			return 0;
		}
	}
	*ret_slot = NULL;
	return 0;
}

__u32 rp_trie_find(const struct rp_trie *t, const __u64 *chain, __u32 n, __u32 *ret_missing)
{
	struct rp_node *slot;
	__u32 parent = 0;

	while (n) {
		__u32 id = lookup(t, parent, chain[n - 1], &slot);

		if (!id)
			break;
		parent = id;
		n--;
	}
	*ret_missing = n;
	return parent;
}

bool rp_trie_insert(struct rp_trie *t, const __u64 *chain, __u32 missing, __u32 parent)
{
	if (missing > t->budget - t->used)
		return false;
	while (missing) {
		__u64 addr = chain[--missing];
		struct rp_node *slot;

		/* below a new parent nothing is known: this finds a free slot or none */
		if (lookup(t, parent, addr, &slot) || !slot)
			return false;
		slot->addr = addr;
		slot->meta = meta_of(t, parent, ++t->used);
		parent = t->used;
	}
	return true;
}

struct rp_quota *rp_trie_quota(struct rp_trie *t, __u32 tgid)
{
	__u32 i = rp_mix(t->key[2], tgid, t->key[0]) & (RP_QUOTA_SLOTS - 1);
	struct rp_quota *q = &t->quota[RP_QUOTA_SLOTS];
	__u32 probe;

	for (probe = 0; probe < RP_QUOTA_PROBES; probe++, i = (i + 1) & (RP_QUOTA_SLOTS - 1)) {
		if (t->quota[i].epoch == t->epoch && t->quota[i].tgid != tgid)
			continue;
		q = &t->quota[i];
		break;
	}
	if (q->epoch != t->epoch) {
		q->epoch = t->epoch;
		q->tgid = tgid;
		q->used = 0;
	}
	return q;
}

__u64 rp_chain_hash(const struct rp_trie *t, const __u64 *chain, __u32 n)
{
	__u64 h = rp_chain_hash_begin(t);
	__u32 i;

	for (i = 0; i < n; i++)
		h = rp_chain_hash_step(t, h, chain[i]);
	return h;
}
