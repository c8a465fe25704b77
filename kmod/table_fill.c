// SPDX-License-Identifier: GPL-2.0
/*
 * How a table comes to be: begun with all its memory, filled in order, checked
 * row by row as they come, indexed and put into use by the commit. What was
 * checked cannot change any more: the rows are our copy.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "compat/genl.h"
#include "mm.h"
#include "ringprof/row_check.h"
#include "table_fill.h"

static u32 last_id;

#define REFUSE(extack, err, text)             \
	({                                    \
		NL_SET_ERR_MSG(extack, text); \
		-(err);                       \
	})

void rp_table_free(struct rp_table *t)
{
	if (!t)
		return;
	kvfree(t->rows);
	kvfree(t->index);
	kfree(t);
}

/* File offsets, addresses and sizes that neither wrap nor contradict the page size. */
static bool segment_ok(const struct ringprof_segment *s)
{
	return s->size && s->offset + s->size > s->offset && s->vaddr + s->size > s->vaddr &&
	       !((s->offset ^ s->vaddr) & ~PAGE_MASK);
}

static int check_desc(const struct rp_table_desc *d, struct netlink_ext_ack *extack)
{
	u32 i;

	if (!d->n_rows || d->n_rows > RINGPROF_MAX_ROWS)
		return REFUSE(extack, EINVAL, "table rows: out of range; 1 to 16777216 of them");
	if (!d->n_segments || d->n_segments > RINGPROF_MAX_SEGMENTS)
		return REFUSE(extack, EINVAL, "table segments: out of range; 1 to 16 of them");
	for (i = 0; i < d->n_segments; i++) {
		if (!segment_ok(&d->segment[i]))
			return REFUSE(extack, EINVAL,
				      "table segments: one is empty, wraps, or its address and "
				      "offset differ within the page; give PT_LOADs as the file "
				      "has "
				      "them");
	}
	return 0;
}

static u64 index_bytes(u32 n_rows)
{
	return max_t(u64, n_rows / 8, 16) * sizeof(u32);
}

static u64 table_bytes(u32 n_rows)
{
	return sizeof(struct rp_table) + (u64)n_rows * sizeof(struct ringprof_row) +
	       index_bytes(n_rows);
}

static struct rp_table *alloc_table(const struct rp_table_desc *d)
{
	struct rp_table *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	t->rows = rp_kvmalloc((size_t)d->n_rows * sizeof(*t->rows));
	t->index = rp_kvmalloc(index_bytes(d->n_rows));
	if (!t->rows || !t->index) {
		rp_table_free(t);
		return NULL;
	}
	memcpy(t->key, d->key, sizeof(t->key));
	memcpy(t->segment, d->segment, d->n_segments * sizeof(t->segment[0]));
	t->n_segments = d->n_segments;
	t->file = d->file;
	t->view.rows = t->rows;
	t->view.index = t->index;
	t->view.base = d->base;
	t->n_rows = d->n_rows;
	t->portid = d->portid;
	t->bytes = table_bytes(d->n_rows);
	return t;
}

static bool has_room(u64 bytes)
{
	return rp_table_count() + rp_table_n_pending() < RP_MAX_TABLES && rp_table_reserve(bytes);
}

/* Nothing that is in use goes for a table that there would be no room for afterwards. */
static int reserve(u64 bytes, struct list_head *dead, struct netlink_ext_ack *extack)
{
	if (bytes > rp_table_budget())
		return REFUSE(extack, ENOSPC,
			      "table: larger than the budget of all tables; set a larger one");
	if (rp_table_n_pending() >= RP_MAX_PENDING && !rp_table_drop_stale(dead))
		return REFUSE(extack, EBUSY,
			      "table: too many are being handed over; commit or delete some first");
	while (!has_room(bytes)) {
		bool fits = rp_table_pending_bytes() + bytes <= rp_table_budget();

		if (!(fits ? rp_table_evict(false, dead) : rp_table_drop_stale(dead)))
			return REFUSE(extack, ENOSPC,
				      "table: tables being handed over take all of the budget; "
				      "commit or delete them first");
	}
	return 0;
}

/* Room is made, and what made room is freed, before more is allocated. */
int rp_table_new(const struct rp_table_desc *d, u32 *ret_id, struct netlink_ext_ack *extack)
{
	struct rp_table *t;
	LIST_HEAD(dead);
	int ret = check_desc(d, extack);

	if (ret)
		return ret;
	mutex_lock(&rp_registry);
	ret = reserve(table_bytes(d->n_rows), &dead, extack);
	mutex_unlock(&rp_registry);
	rp_table_reap(&dead);
	if (ret)
		return ret;
	t = alloc_table(d);
	mutex_lock(&rp_registry);
	if (t) {
		t->id = *ret_id = ++last_id;
		rp_table_link(t);
	} else {
		rp_table_unreserve(table_bytes(d->n_rows));
		ret = REFUSE(extack, ENOMEM,
			     "table: out of memory; hand over fewer or smaller ones");
	}
	mutex_unlock(&rp_registry);
	return ret;
}

static int add_rows(struct rp_table *t, u32 first, const struct ringprof_row *rows, u32 n,
		    struct netlink_ext_ack *extack)
{
	u32 have = t->view.n_rows;

	if (first != have)
		return REFUSE(extack, EINVAL,
			      "table rows: not the next ones; send them in order, none twice");
	if (n > t->n_rows - have)
		return REFUSE(extack, EINVAL,
			      "table rows: more than TABLE_NEW announced; begin a new table");
	if (ringprof_rows_ok(rows, n, have ? (u64)t->rows[have - 1].pc + 1 : 0) != n)
		return REFUSE(extack, EINVAL,
			      "table rows: addresses do not ascend, or a rule is none that the "
			      "uapi "
			      "header knows");
	memcpy(t->rows + have, rows, (size_t)n * sizeof(*rows));
	t->view.n_rows += n;
	return 0;
}

#define NO_SUCH "table id: none that this socket is handing over; begin with TABLE_NEW"

int rp_table_rows(u32 id, u32 portid, u32 first, const struct ringprof_row *rows, u32 n,
		  struct netlink_ext_ack *extack)
{
	struct rp_table *t;
	int ret;

	mutex_lock(&rp_registry);
	t = rp_table_pending(id, portid);
	ret = t ? add_rows(t, first, rows, n, extack) : REFUSE(extack, ENOENT, NO_SUCH);
	mutex_unlock(&rp_registry);
	return ret;
}

static void make_index(struct rp_table *t)
{
	u32 n = t->n_rows, last = t->rows[n - 1].pc;

	t->view.shift = ringprof_index_shift(n, last);
	t->view.n_index = ringprof_index_size(last, t->view.shift);
	ringprof_index_fill(t->index, t->rows, n, t->view.shift);
}

/*
 * In two steps: mappings that a table before this one served at another place
 * get it only when no sampler can have that table in one hand and the new place
 * in the other.
 */
int rp_table_commit(u32 id, u32 portid, struct netlink_ext_ack *extack)
{
	struct rp_table *t;
	LIST_HEAD(dead);
	int ret = 0;

	mutex_lock(&rp_registry);
	t = rp_table_pending(id, portid);
	if (!t) {
		ret = REFUSE(extack, ENOENT, NO_SUCH);
	} else if (t->view.n_rows != t->n_rows) {
		ret = REFUSE(extack, EINVAL,
			     "table: rows are missing; send as many as TABLE_NEW announced");
	} else {
		make_index(t);
		rp_table_put_in_use(t, &dead);
	}
	mutex_unlock(&rp_registry);
	if (ret)
		return ret;
	rp_table_reap(&dead);
	mutex_lock(&rp_registry);
	t = rp_table_by_id(id);
	if (t)
		rp_mm_attach_table(t);
	mutex_unlock(&rp_registry);
	return 0;
}

/* Bytes that a segment and a part of the file have in common. */
static u64 overlap(const struct ringprof_segment *s, u64 offset, u64 len)
{
	u64 from = max(s->offset, offset), to = min(s->offset + s->size, offset + len);

	return to > from ? to - from : 0;
}

/* A page may hold the end of one segment and the start of the next: the larger part counts. */
bool rp_table_bias(const struct rp_table *t, u64 start, u64 offset, u64 len, u64 *ret_bias)
{
	u64 best = 0;
	u32 i;

	for (i = 0; i < t->n_segments; i++) {
		const struct ringprof_segment *s = &t->segment[i];
		u64 common = overlap(s, offset, len);

		if (common <= best)
			continue;
		best = common;
		*ret_bias = start - offset + s->offset - s->vaddr;
	}
	return best;
}
