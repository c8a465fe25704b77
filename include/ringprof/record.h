/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walk over the records of a ring, for readers. Trusts nothing in the ring:
 * every size is read once, checked, and only then used; what lies behind
 * `head` or outside the area is never touched.
 *
 *	struct ringprof_cursor c = ringprof_cursor(data, size, tail, head);
 *	while ((n = ringprof_next(&c, &rec)) > 0)
 *		use(rec, n);
 *	if (n < 0)
 *		c.pos stays at the record that cannot be: give up up to head
 *
 * `data` is the area as mmap gives it (twice in a row) or a copy of it laid
 * out the same way.
 */
#ifndef RINGPROF_RECORD_H
#define RINGPROF_RECORD_H

#include <linux/ringprof.h>

#include "ringprof/port.h"
#include "ringprof/ring.h"

struct ringprof_cursor {
	const unsigned char *data;
	__u64 size; /* of the data area, once */
	__u64 pos;  /* next record */
	__u64 head; /* end (exclusive) */
};

static inline struct ringprof_cursor ringprof_cursor(const void *data, __u64 size, __u64 tail,
						     __u64 head)
{
	struct ringprof_cursor c = { (const unsigned char *)data, size, tail, head };

	return c;
}

/* The least a record of this type can be; 8 for types not known. */
static inline __u32 ringprof_rec_min(__u8 type)
{
	switch (type) {
	case RINGPROF_REC_SAMPLE:
		return sizeof(struct ringprof_rec_sample);
	case RINGPROF_REC_NODES:
		return sizeof(struct ringprof_rec_nodes) + sizeof(__u64);
	case RINGPROF_REC_NODES16: /* three units at most are filling */
		return sizeof(struct ringprof_rec_nodes16) + 4 * sizeof(__u16);
	case RINGPROF_REC_EPOCH:
		return sizeof(struct ringprof_rec_epoch);
	case RINGPROF_REC_WEIGHT:
		return sizeof(struct ringprof_rec_weight);
	}
	return 8;
}

/*
 * Gives the next record and moves on. Returns its size in bytes (the one that
 * was checked: use it, not rec->size, which could change under a hostile
 * writer), 0 at head, -EINVAL for positions or a record that cannot be (the
 * cursor stays).
 */
static inline int ringprof_next(struct ringprof_cursor *c, const struct ringprof_rec **ret)
{
	const struct ringprof_rec *rec;
	__u64 left = c->head - c->pos;
	__u32 size;
	__u8 type;

	if (!left)
		return 0;
	if (!ringprof_pos_ok(c->head, c->pos, c->size) || left < 8)
		return -EINVAL;
	rec = (const struct ringprof_rec *)(c->data + (c->pos & (c->size - 1)));
	size = READ_ONCE(rec->size);
	type = READ_ONCE(rec->type);
	if ((size & 7) || size > left || size < ringprof_rec_min(type) || type == RINGPROF_REC_NONE)
		return -EINVAL;
	*ret = rec;
	c->pos += size;
	return (int)size;
}

/*
 * Modules whose rings this walk understands: those of this version and the one
 * before, as a module stays loaded when the programs around it are replaced.
 */
static inline bool ringprof_major_ok(__u32 major)
{
	return major == RINGPROF_ABI_MAJOR || major == RINGPROF_ABI_MAJOR - 1;
}

/* The addresses of a NODES16 record, one after the other. */
struct ringprof_units {
	const __u16 *unit; /* next one */
	__u32 left;
	__u64 addr; /* of the node before: the next one's parent */
};

/*
 * Of a record that ringprof_next gave with this size, or a copy of one; `base`
 * is the address of its parent, 0 for node 0.
 */
static inline struct ringprof_units ringprof_units(const struct ringprof_rec_nodes16 *nodes,
						   int size, __u64 base)
{
	__u32 n = ((__u32)size - sizeof(*nodes)) / sizeof(__u16);
	__u32 fill = READ_ONCE(nodes->rec.flags) & RINGPROF_NODES_FILL;
	struct ringprof_units u = { (const __u16 *)(nodes + 1), n > fill ? n - fill : 0, base };

	return u;
}

/* Units that an address takes whose first one this is, 0: none begins so. */
static inline __u32 ringprof_addr_units(__u16 first)
{
	if (!(first & 1))
		return 1;
	if (!(first & 2))
		return 2;
	return first == RINGPROF_NODES_WHOLE ? 5 : 0;
}

/*
 * 1 and the address of the next node (in u->addr), 0 at the end, -EINVAL for a
 * unit that cannot be or an address that is cut off. Reads each unit once.
 */
static inline int ringprof_next_addr(struct ringprof_units *u)
{
	__u32 n, first;

	if (!u->left)
		return 0;
	first = READ_ONCE(*u->unit);
	n = ringprof_addr_units((__u16)first);
	if (!n || n > u->left)
		return -EINVAL;
	if (n == 1)
		u->addr += (__u64)((__s16)first >> 1);
	else if (n == 2)
		u->addr += (__u64)((__s32)(first | (__u32)READ_ONCE(u->unit[1]) << 16) >> 2);
	else
		u->addr = (__u64)READ_ONCE(u->unit[1]) | (__u64)READ_ONCE(u->unit[2]) << 16 |
			  (__u64)READ_ONCE(u->unit[3]) << 32 | (__u64)READ_ONCE(u->unit[4]) << 48;
	u->unit += n;
	u->left -= n;
	return 1;
}

#endif
