// SPDX-License-Identifier: GPL-2.0
/*
 * Module ring records to samples, see decode.h. The ring is memory that another
 * party writes: what is looked at twice is copied out before, and the units of
 * a NODES16 record, which may be thousands, are read once each.
 */
#include "source/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* a period of an hour, or 2^42 cycles: beyond it, it is no weight */
#define MAX_WEIGHT  (1ULL << 42)
#define FIRST_NODES 1024U

void decode_init(struct decode *d, uint32_t attach_epoch, uint32_t max_nodes)
{
	*d = (struct decode){
		.attach_epoch = attach_epoch,
		.max_nodes = max_nodes < DECODE_MAX_NODES ? max_nodes : DECODE_MAX_NODES,
		.n_nodes = 1,
	};
}

void decode_free(struct decode *d)
{
	free(d->nodes);
	d->nodes = NULL;
	d->cap_nodes = 0;
}

size_t decode_bytes(const struct decode *d)
{
	return (size_t)d->cap_nodes * sizeof(*d->nodes);
}

static void lose_place(struct decode *d, uint64_t bytes)
{
	d->corrupt += bytes;
	d->synced = false;
}

void decode_skip(struct decode *d, uint64_t bytes)
{
	d->unreadable += bytes;
	lose_place(d, bytes);
}

/* The node an id names, or UINT32_MAX: another epoch's, or one that never came. */
static uint32_t node_of(const struct decode *d, uint32_t id)
{
	uint32_t node = id & RINGPROF_NODE_MASK;

	if (id >> RINGPROF_NODE_BITS != (d->epoch & 0xff) || node >= d->n_nodes)
		return UINT32_MAX;
	return node;
}

static int more_room(struct decode *d, uint32_t more)
{
	uint64_t want = (uint64_t)d->n_nodes + more;
	uint64_t cap = d->cap_nodes ? d->cap_nodes : FIRST_NODES;
	struct decode_node *p;

	if (want > d->max_nodes)
		return -ENOSPC;
	while (cap < want)
		cap *= 2;
	/* so that room_for needs to look at one limit only */
	if (cap > d->max_nodes)
		cap = d->max_nodes;
	p = realloc(d->nodes, cap * sizeof(*p));
	if (!p)
		return -ENOMEM;
	if (!d->nodes)
		p[0] = (struct decode_node){ 0 };
	d->nodes = p;
	d->cap_nodes = (uint32_t)cap;
	return 0;
}

static inline int room_for(struct decode *d, uint32_t more)
{
	return (uint64_t)d->n_nodes + more <= d->cap_nodes ? 0 : more_room(d, more);
}

/* The takers: false means that the record cannot be what it says it is. */
static bool take_epoch(struct decode *d, const void *p, size_t size)
{
	struct ringprof_rec_epoch e;

	if (size < sizeof(e))
		return false;
	memcpy(&e, p, sizeof(e));
	if (e.time > d->max_time)
		return false;
	d->epoch = e.epoch;
	d->n_nodes = 1;
	d->owed = 0;
	d->synced = true;
	d->full = false;
	/* epochs wrap */
	if ((int32_t)(e.epoch - d->attach_epoch) >= 0)
		d->attached = true;
	return true;
}

static bool take_weight(struct decode *d, const void *p, size_t size)
{
	struct ringprof_rec_weight w;

	if (size < sizeof(w))
		return false;
	memcpy(&w, p, sizeof(w));
	if (w.unit >= __RINGPROF_UNIT_MAX || !w.weight || w.weight > MAX_WEIGHT)
		return false;
	d->unit = w.unit;
	d->weight = w.weight;
	return true;
}

/* Chains start with the reason for their end: the receiver may rely on it. */
static bool starts_well(uint32_t parent, uint64_t addr)
{
	return parent || (addr & RINGPROF_END_MASK) == RINGPROF_END_MARK;
}

/* Our limit, no fault of the ring's; the epoch is lost to us without these nodes. */
static void give_up_epoch(struct decode *d)
{
	d->synced = false;
	d->full = true;
}

/* The next id; there is room. */
static uint32_t add_node(struct decode *d, uint32_t parent, uint64_t addr)
{
	d->nodes[d->n_nodes] =
		(struct decode_node){ .addr = addr, .parent = parent, .chain = CHAIN_NONE };
	return d->n_nodes++;
}

/* ABI 1 */
static bool take_nodes(struct decode *d, const void *p, size_t size)
{
	const char *addrs = (const char *)p + sizeof(struct ringprof_rec_nodes);
	struct ringprof_rec_nodes r;
	uint32_t parent;
	uint64_t addr;

	if (size < sizeof(r) + sizeof(addr))
		return false;
	memcpy(&r, p, sizeof(r));
	if (!r.count || r.count > (size - sizeof(r)) / sizeof(addr))
		return false;
	parent = node_of(d, r.parent);
	memcpy(&addr, addrs, sizeof(addr));
	if (parent == UINT32_MAX || r.first >> RINGPROF_NODE_BITS != (d->epoch & 0xff) ||
	    (r.first & RINGPROF_NODE_MASK) != d->n_nodes || !starts_well(parent, addr))
		return false;
	if (room_for(d, r.count)) {
		give_up_epoch(d);
		return true;
	}
	for (uint32_t i = 0; i < r.count; i++) {
		if (i)
			memcpy(&addr, addrs + i * sizeof(addr), sizeof(addr));
		parent = add_node(d, parent, addr);
	}
	return true;
}

/* Nodes in front of one that cannot be do no harm: the epoch is given up, and they with it. */
static bool take_nodes16(struct decode *d, const void *p, size_t size)
{
	const struct ringprof_rec_nodes16 *r = p;
	struct ringprof_units u;
	uint32_t parent;
	int more;

	/* the type may have been another when its least size was asked for */
	if (size < ringprof_rec_min(RINGPROF_REC_NODES16))
		return false;
	parent = node_of(d, READ_ONCE(r->parent));
	/* what came before was not used: a sample is missing */
	if (parent == UINT32_MAX || d->owed)
		return false;
	u = ringprof_units(r, (int)size, parent ? d->nodes[parent].addr : 0);
	while ((more = ringprof_next_addr(&u)) > 0) {
		if (!starts_well(parent, u.addr))
			return false;
		if (room_for(d, 1)) {
			give_up_epoch(d);
			return true;
		}
		parent = add_node(d, parent, u.addr);
	}
	d->owed = parent;
	return !more;
}

static bool take_sample(struct decode *d, const void *p, size_t size, struct decode_sample *ret)
{
	struct ringprof_rec_sample s;
	uint32_t node;

	if (size < sizeof(s))
		return false;
	memcpy(&s, p, sizeof(s));
	node = node_of(d, s.chain);
	if (node == UINT32_MAX || (d->owed && node != d->owed) || !d->weight ||
	    s.time > d->max_time || s.tgid > INT32_MAX || s.tid > INT32_MAX)
		return false;
	d->owed = 0;
	*ret = (struct decode_sample){
		.time = s.time,
		.cgroup = s.cgroup,
		.leaf = s.leaf,
		.weight = d->weight,
		.tgid = s.tgid,
		.tid = s.tid,
		.node = node,
		.flags = s.rec.flags,
	};
	return true;
}

/* Taken for nobody, or for the reader before. */
static void count_detached(struct decode *d, const void *p, size_t size)
{
	struct ringprof_rec_sample s;

	d->detached++;
	if (size < sizeof(s))
		return;
	memcpy(&s, p, sizeof(s));
	d->detached_before += s.time < d->since;
}

/* A whole record of n bytes, its type checked once; true: it was a sample for the receiver. */
static bool take(struct decode *d, const void *p, size_t n, struct decode_sample *ret)
{
	uint8_t type = ((const struct ringprof_rec *)p)->type;
	bool good = true, sample = type == RINGPROF_REC_SAMPLE;

	d->records++;
	if (type == RINGPROF_REC_EPOCH) {
		good = take_epoch(d, p, n);
	} else if (!d->attached) {
		/* a weight stays in force over epochs: it counts already */
		if (sample)
			count_detached(d, p, n);
		if (type == RINGPROF_REC_WEIGHT)
			good = take_weight(d, p, n);
		sample = false;
	} else if (!d->synced) {
		d->lost_samples += sample;
		d->corrupt += d->full ? 0 : n;
		return false;
	} else if (type == RINGPROF_REC_NODES) {
		good = take_nodes(d, p, n);
	} else if (type == RINGPROF_REC_NODES16) {
		good = take_nodes16(d, p, n);
	} else if (type == RINGPROF_REC_WEIGHT) {
		good = take_weight(d, p, n);
	} else if (sample) {
		good = take_sample(d, p, n, ret);
	} /* types of newer modules are passed over */
	if (good)
		return sample;
	d->lost_samples += sample;
	lose_place(d, n);
	return false;
}

bool decode_next(struct decode *d, struct ringprof_cursor *c, struct decode_sample *ret)
{
	const struct ringprof_rec *rec = NULL;
	int n;

	while ((n = ringprof_next(c, &rec)) > 0)
		if (take(d, rec, (size_t)n, ret))
			return true;
	if (n < 0) {
		/* no way to the next record but the end of what is there */
		decode_skip(d, c->head - c->pos);
		c->pos = c->head;
	}
	return false;
}

static void forget_chains(struct decode *d, uint32_t generation)
{
	for (uint32_t i = 1; i < d->n_nodes; i++)
		d->nodes[i].chain = CHAIN_NONE;
	d->generation = generation;
}

/* Looks up a node and those of its ancestors that have no id yet, root first. */
static uint32_t look_up(struct decode *d, struct chains *c, uint32_t node, bool *deep)
{
	uint32_t todo[CHAIN_MAX_DEPTH], n = 0, id = 0;

	/* parents are always smaller, so this ends */
	for (; node; node = d->nodes[node].parent) {
		if (d->nodes[node].chain != CHAIN_NONE) {
			id = d->nodes[node].chain;
			break;
		}
		*deep = n == CHAIN_MAX_DEPTH;
		if (*deep)
			return CHAIN_NONE;
		todo[n++] = node;
	}
	*deep = chain_depth(c, id) + n > CHAIN_MAX_DEPTH;
	if (*deep)
		return CHAIN_NONE;
	while (n && id != CHAIN_NONE) {
		node = todo[--n];
		id = chain_intern(c, id, d->nodes[node].addr);
		d->nodes[node].chain = id;
	}
	return id;
}

uint32_t decode_chain(struct decode *d, struct chains *c, uint32_t node, bool *deep)
{
	*deep = false;
	if (d->generation != chains_generation(c))
		forget_chains(d, chains_generation(c));
	if (!node || d->nodes[node].chain != CHAIN_NONE)
		return node ? d->nodes[node].chain : 0;
	return look_up(d, c, node, deep);
}
