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

/* Addresses in a NODES record of this (checked) size. */
static inline __u32 ringprof_nodes_max(int size)
{
	return ((__u32)size - sizeof(struct ringprof_rec_nodes)) / sizeof(__u64);
}

/* The addresses themselves, first one's parent is nodes->parent. */
static inline const __u64 *ringprof_nodes_addr(const struct ringprof_rec_nodes *nodes)
{
	return (const __u64 *)(const void *)(nodes + 1);
}

#endif
