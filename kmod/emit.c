// SPDX-License-Identifier: GPL-2.0
/*
 * See emit.h. Proof that no id is ever in the ring without its node before it
 * and none in the trie that the ring lacks: rp_trie_find() changes nothing;
 * rp_ring_room() is asked for the whole group; insertion begins only after
 * its yes, and what follows cannot fail but for the probe bound, which ends
 * the epoch and thereby voids every node that was not written. The room is
 * what the group takes to the byte: units_of() and put_addr() go over the same
 * addresses in the same order and ask the same units_for(), and nobody else
 * changes the chain in between.
 */
#include "emit.h"

/* what a sample needs in the trie and the ring */
struct plan {
	bool cached; /* the whole chain's hash was known */
	__u32 node;  /* known part of the chain */
	__u32 missing;
	__u32 units; /* that the missing nodes take */
	__u32 bytes;
	struct rp_quota *quota;
};

enum verdict { GO, NEW_EPOCH, CUT };

void rp_emit_new_epoch(struct rp_stream *s)
{
	rp_trie_new_epoch(&s->trie);
	s->said_epoch = false;
}

static bool weight_changed(const struct rp_stream *s)
{
	return s->weight != s->said_weight || s->unit != s->said_unit;
}

static __u32 preamble_bytes(const struct rp_stream *s)
{
	if (!s->said_epoch)
		return sizeof(struct ringprof_rec_epoch) + sizeof(struct ringprof_rec_weight);
	return weight_changed(s) ? sizeof(struct ringprof_rec_weight) : 0;
}

static struct ringprof_rec rec_head(__u8 type, __u8 flags, __u32 size)
{
	return (struct ringprof_rec){ .type = type, .flags = flags, .size = (__u16)size };
}

/* Each writer takes a position and gives the one behind what it wrote. */
static __u64 write_epoch(struct rp_stream *s, __u64 pos, __u64 time)
{
	struct ringprof_rec_epoch *e = rp_ring_at(&s->ring, pos);

	e->rec = rec_head(RINGPROF_REC_EPOCH, 0, sizeof(*e));
	e->epoch = s->trie.epoch;
	e->time = time;
	s->said_epoch = true;
	s->epoch_time = time;
	s->ring.shared->epoch = s->trie.epoch;
	return pos + sizeof(*e);
}

static __u64 write_weight(struct rp_stream *s, __u64 pos, __u64 time)
{
	struct ringprof_rec_weight *w = rp_ring_at(&s->ring, pos);

	w->rec = rec_head(RINGPROF_REC_WEIGHT, 0, sizeof(*w));
	w->unit = s->unit;
	w->time = time;
	w->weight = s->weight;
	s->said_weight = s->weight;
	s->said_unit = s->unit;
	return pos + sizeof(*w);
}

/* The address of the known part's leafmost node: the chain has it itself. */
static __u64 parent_addr(const struct rp_sample *x, __u32 missing)
{
	return missing < x->n ? x->chain[missing] : 0;
}

/* Units that a node takes this far from its parent. */
static __u32 units_for(__u64 diff)
{
	if (diff + 0x4000 < 0x8000)
		return 1;
	return likely(diff + 0x20000000 < 0x40000000) ? 2 : 5;
}

static __u32 units_of(const struct rp_sample *x, __u32 missing)
{
	__u64 base = parent_addr(x, missing);
	__u32 units = 0;

	while (missing--) {
		units += units_for(x->chain[missing] - base);
		base = x->chain[missing];
	}
	return units;
}

static __u32 nodes_bytes(__u32 units)
{
	return sizeof(struct ringprof_rec_nodes16) + (units + 3) / 4 * 8;
}

static __u16 *put_units(__u16 *unit, __u64 v, __u32 n)
{
	for (; n--; v >>= 16)
		*unit++ = (__u16)v;
	return unit;
}

/* Gives the place behind it. */
static __u16 *put_addr(__u16 *unit, __u64 addr, __u64 base)
{
	__u64 diff = addr - base;

	switch (units_for(diff)) {
	case 1:
		return put_units(unit, diff << 1, 1);
	case 2:
		return put_units(unit, diff << 2 | 1, 2);
	}
	return put_units(put_units(unit, RINGPROF_NODES_WHOLE, 1), addr, 4);
}

static __u64 write_nodes(struct rp_stream *s, __u64 pos, const struct plan *p,
			 const struct rp_sample *x)
{
	struct ringprof_rec_nodes16 *n = rp_ring_at(&s->ring, pos);
	__u32 bytes = nodes_bytes(p->units), fill = -p->units & 3, i = p->missing;
	__u64 base = parent_addr(x, p->missing);
	__u16 *unit = (__u16 *)(n + 1);

	n->rec = rec_head(RINGPROF_REC_NODES16, (__u8)fill, bytes);
	n->parent = rp_trie_id(&s->trie, p->node);
	while (i--) {
		unit = put_addr(unit, x->chain[i], base);
		base = x->chain[i];
	}
	while (fill--)
		*unit++ = 0;
	s->ring.shared->nodes += p->missing;
	return pos + bytes;
}

static void write_sample(struct rp_stream *s, __u64 pos, const struct rp_sample *x, __u32 node)
{
	struct ringprof_rec_sample *r = rp_ring_at(&s->ring, pos);

	r->rec = rec_head(RINGPROF_REC_SAMPLE, x->flags, sizeof(*r));
	r->chain = rp_trie_id(&s->trie, node);
	r->time = x->time;
	r->tgid = x->tgid;
	r->tid = x->tid;
	r->cgroup = x->cgroup;
	r->leaf = x->leaf;
}

static void write_group(struct rp_stream *s, const struct rp_sample *x, const struct plan *p)
{
	__u64 pos = s->ring.head;
	__u32 node = p->missing ? s->trie.used : p->node;

	if (unlikely(!s->said_epoch))
		pos = write_weight(s, write_epoch(s, pos, x->time), x->time);
	else if (unlikely(weight_changed(s)))
		pos = write_weight(s, pos, x->time);
	if (p->missing)
		pos = write_nodes(s, pos, p, x);
	write_sample(s, pos, x, node);
	s->ring.shared->bytes += p->bytes;
	rp_ring_commit(&s->ring, p->bytes);
}

/* A process at its limit must not empty the table for all others at once. */
static enum verdict check_quota(struct rp_stream *s, const struct rp_sample *x, struct plan *p)
{
	p->quota = rp_trie_quota(&s->trie, x->tgid);
	if (p->missing <= s->trie.quota_max - p->quota->used)
		return GO;
	return s->said_epoch && x->time - s->epoch_time > RP_EPOCH_MIN_NS ? NEW_EPOCH : CUT;
}

static enum verdict plan_sample(struct rp_stream *s, const struct rp_sample *x, struct plan *p)
{
	p->missing = 0;
	p->units = 0;
	p->quota = NULL;
	p->node = rp_chain_get(&s->trie, x->hash);
	p->cached = p->node;
	if (!p->cached)
		p->node = rp_trie_find(&s->trie, x->chain, x->n, &p->missing);
	p->bytes = sizeof(struct ringprof_rec_sample) + preamble_bytes(s);
	if (!p->missing)
		return GO;
	if (p->missing > s->trie.budget - s->trie.used)
		return NEW_EPOCH;
	p->units = units_of(x, p->missing);
	p->bytes += nodes_bytes(p->units);
	/* the lone end mark of a cut chain is free: there are few of them */
	return x->n == 1 ? GO : check_quota(s, x, p);
}

static void cut_chain(struct rp_stream *s, struct rp_sample *x)
{
	x->chain[0] = RINGPROF_END_MARK | RINGPROF_END_NODE_LIMIT;
	x->n = 1;
	x->hash = rp_chain_hash(&s->trie, x->chain, 1);
}

static void renew(struct rp_stream *s, struct rp_sample *x)
{
	rp_emit_new_epoch(s);
	x->hash = rp_chain_hash(&s->trie, x->chain, x->n);
}

static bool add_nodes(struct rp_stream *s, const struct rp_sample *x, const struct plan *p)
{
	if (!p->missing) {
		s->ring.shared->chain_hits++;
	} else {
		if (!rp_trie_insert(&s->trie, x->chain, p->missing, p->node))
			return false;
		if (p->quota)
			p->quota->used += p->missing;
	}
	if (!p->cached)
		rp_chain_put(&s->trie, x->hash, p->missing ? s->trie.used : p->node);
	return true;
}

enum ringprof_outcome rp_emit(struct rp_stream *s, struct rp_sample *x)
{
	enum ringprof_outcome room;
	bool cut = false;
	struct plan p;
	int tries;

	if (unlikely(!s->ring.data))
		return RINGPROF_LOST_NO_RING;
	/* a new epoch, then a cut, then a probe bound met: no way needs more rounds */
	for (tries = 0; tries < 4; tries++) {
		enum verdict v = plan_sample(s, x, &p);

		if (v == NEW_EPOCH) {
			renew(s, x);
			continue;
		}
		if (v == CUT) {
			cut_chain(s, x);
			cut = true;
			continue;
		}
		room = rp_ring_room(&s->ring, p.bytes);
		if (unlikely(room != RINGPROF_OUT_EMITTED))
			return room;
		if (likely(add_nodes(s, x, &p))) {
			write_group(s, x, &p);
			s->ring.shared->node_limit_hits += cut;
			return RINGPROF_OUT_EMITTED;
		}
		renew(s, x);
	}
	return RINGPROF_LOST_TOO_BIG;
}
