// SPDX-License-Identifier: GPL-2.0
/*
 * Makes an address space's list of what was read of it (mm_views.c), or renews it. Process
 * context, one at a time.
 *
 * How often: at once when an address space is new; then, when it changed, after
 * an interval that grows while changes follow each other; when it did not,
 * every few seconds. A reading takes a thousandth of the time at most.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "mm_list.h"
#include "mm_views.h"

#define LATE_NS (2 * NSEC_PER_MSEC)
/*
 * What a reading may seem to take, if its mappings are not so many that it must (VIEWS_A_US):
 * the worker may have been kept from running meanwhile, and a thousand times that the list is
 * believed (plan()). So CHURN_PERIOD is the most.
 */
#define MAX_READ_NS   NSEC_PER_MSEC
#define VIEWS_A_US    10 /* mappings in a microsecond, of a fast CPU: the lock is held for them */
#define LONGEST_US    1000000
#define AGAIN_PERIOD  (4 * HZ)
#define STAYED_PERIOD (10 * HZ)
#define CHURN_PERIOD  HZ       /* longest interval where only anonymous memory changes */
#define CHANGE_PERIOD (HZ / 8) /* and where files do: frame pointers alone until then */

struct rp_mm_counters rp_mm_counted;

static struct rp_mm_view *scratch; /* RP_MM_MAX_MAPS */

static struct rp_mm_entry *new_entry(struct mm_struct *mm, const struct rp_mm_reading *r)
{
	size_t size = sizeof(struct rp_mm_entry) +
		      r->n * (sizeof(struct rp_mm_map) + sizeof(struct rp_mm_file));
	struct rp_mm_entry *e = rp_kvmalloc(size);
	u32 i;

	if (!e)
		return NULL;
	memset(e, 0, size);
	e->mm = mm;
	e->bytes = size;
	e->used = jiffies;
	e->list.n = r->n;
	e->list.map = e->map;
	e->file = (struct rp_mm_file *)&e->map[r->n];
	for (i = 0; i < r->n; i++) {
		e->map[i].start = r->view[i].start;
		e->map[i].end = r->view[i].end;
		e->map[i].pages = r->view[i].file.pages;
		e->map[i].offset = r->view[i].file.offset;
		e->file[i] = r->view[i].file;
	}
	return e;
}

/* rp_registry held; no sampler knows e yet */
static void find_tables(struct rp_mm_entry *e)
{
	u32 i;

	for (i = 0; i < e->list.n; i++) {
		struct rp_mm_map *m = &e->map[i];
		struct rp_table *t = rp_table_find(&e->file[i].id);

		if (!t ||
		    !rp_table_bias(t, m->start, e->file[i].offset, m->end - m->start, &m->bias))
			continue;
		m->table = t;
		e->list.n_tables++;
	}
}

/*
 * A mapping that was there before keeps its table though the file's ctime is
 * another one by now: that of a file deleted (a package was upgraded), renamed
 * or linked is. Some file systems have no generations: the pages tell one inode from the next of
 * its number. rp_registry held; no sampler knows e yet.
 */
static void keep_tables(struct rp_mm_entry *e, const struct rp_mm_entry *old)
{
	u32 i, j = 0;

	for (i = 0; i < e->list.n; i++) {
		struct rp_mm_map *m = &e->map[i];

		while (j < old->list.n && old->map[j].start < m->start)
			j++;
		if (j == old->list.n)
			return;
		if (m->table || !old->map[j].table || old->map[j].start != m->start ||
		    old->map[j].end != m->end || old->file[j].offset != e->file[i].offset ||
		    old->file[j].pages != e->file[i].pages ||
		    !rp_file_id_same_inode(&old->file[j].id, &e->file[i].id))
			continue;
		m->bias = old->map[j].bias;
		m->table = old->map[j].table;
		e->list.n_tables++;
	}
}

static bool same_maps(const struct rp_mm_entry *a, const struct rp_mm_entry *b)
{
	u32 i;

	if (a->list.n != b->list.n || a->none != b->none)
		return false;
	for (i = 0; i < a->list.n; i++) {
		if (a->map[i].start != b->map[i].start || a->map[i].end != b->map[i].end ||
		    memcmp(&a->file[i], &b->file[i], sizeof(a->file[i])))
			return false;
	}
	return true;
}

/* What was not there at the reading before: a library that a program loads, and may unload. */
static void mark_late(struct rp_mm_entry *e, const struct rp_mm_entry *old)
{
	u32 i, j = 0;

	e->late = old->late;
	for (i = 0; i < e->list.n; i++) {
		while (j < old->list.n && old->map[j].start < e->map[i].start)
			j++;
		if (j < old->list.n && old->map[j].start == e->map[i].start &&
		    old->file[j].pages == e->file[i].pages) {
			e->map[i].late = old->map[j].late;
		} else {
			e->map[i].late = true;
			e->late = jiffies + STAYED_PERIOD;
		}
	}
}

static void unmark_late(struct rp_mm_entry *e)
{
	u32 i;

	if (time_before(jiffies, e->late))
		return;
	for (i = 0; i < e->list.n; i++)
		WRITE_ONCE(e->map[i].late, false);
}

/* Has a mapping of old gone, or become another file's? */
static bool has_lost(const struct rp_mm_entry *e, const struct rp_mm_entry *old)
{
	u32 i, j = 0;

	for (i = 0; i < old->list.n; i++) {
		while (j < e->list.n && e->map[j].start < old->map[i].start)
			j++;
		if (j == e->list.n || e->map[j].start != old->map[i].start ||
		    e->file[j].pages != old->file[i].pages)
			return true;
	}
	return false;
}

/* What a reading took, for plan(): us, no more than LONGEST_US. */
static u32 cost_of(const struct rp_mm_reading *r)
{
	u64 us = min_t(u64, r->ns, MAX_READ_NS) / NSEC_PER_USEC;

	return min_t(u64, max_t(u64, us, r->visited / VIEWS_A_US), LONGEST_US);
}

/* When to come again. before: the list so far, NULL: none. */
static void plan(struct rp_mm_entry *e, const struct rp_mm_entry *before,
		 const struct rp_mm_reading *r)
{
	unsigned long most = e->churns ? CHURN_PERIOD : CHANGE_PERIOD;
	unsigned long again = e->none ? CHANGE_PERIOD : AGAIN_PERIOD;
	unsigned long rest = usecs_to_jiffies(cost_of(r) * 1000U), now = jiffies;
	u32 interval = 1;

	if (before && time_before(now, before->read + 4 * before->interval + HZ / 20))
		interval = min_t(unsigned long, before->interval * 2, most);
	WRITE_ONCE(e->interval, interval);
	WRITE_ONCE(e->read, now);
	WRITE_ONCE(e->changed_next, now + max_t(unsigned long, interval, rest));
	WRITE_ONCE(e->again, now + max_t(unsigned long, again, rest));
	WRITE_ONCE(e->exec_vm, r->exec_vm);
}

enum outcome { TAKEN, SAME, NO_ROOM };

/* rp_registry held. TAKEN: e is not the caller's any more. */
static enum outcome take_over(struct rp_mm_entry *e, const struct rp_mm_reading *r)
{
	struct rp_mm_entry *old = rp_mm_find(e->mm);

	if (old && same_maps(old, e)) {
		if (r->exec_vm != old->exec_vm && !r->torn)
			WRITE_ONCE(old->churns, true);
		plan(old, old, r);
		/* but not what a sample met since the reading began */
		if (r->torn)
			WRITE_ONCE(old->moved, RP_MM_MOVED);
		else
			(void)cmpxchg(&old->moved, RP_MM_MOVED_READING, RP_MM_STILL);
		unmark_late(old);
		return SAME;
	}
	find_tables(e);
	if (old && !old->none && !e->none) {
		keep_tables(e, old);
		e->swaps = old->swaps || has_lost(e, old);
	}
	/* after a while without a list nobody knows what has just come */
	if (old && !e->none)
		mark_late(e, old);
	if (r->torn)
		e->moved = RP_MM_MOVED;
	plan(e, old, r);
	if (!(old ? rp_mm_replace(old, e) : rp_mm_insert(e)))
		return NO_ROOM;
	/* old is not freed before rp_registry is let go */
	if (old && READ_ONCE(old->moved) == RP_MM_MOVED)
		WRITE_ONCE(e->moved, RP_MM_MOVED);
	return TAKEN;
}

/* Takes e, or frees it. True: mm's reference was taken over. */
static bool hand_over(struct rp_mm_entry *e, const struct rp_mm_reading *r, enum outcome *ret)
{
	mutex_lock(&rp_registry);
	*ret = take_over(e, r);
	mutex_unlock(&rp_registry);
	if (*ret != TAKEN)
		kvfree(e);
	return *ret == TAKEN;
}

/* Is there a reason to read it, and room for what comes of it, be it that there is no list? */
static bool is_wanted(const struct mm_struct *mm)
{
	const struct rp_mm_entry *e;
	bool wanted;

	mutex_lock(&rp_registry);
	e = rp_mm_find(mm);
	wanted = e ? rp_mm_is_due(e, mm) : rp_mm_make_room(sizeof(*e));
	rp_mm_counted.failed += !e && !wanted;
	mutex_unlock(&rp_registry);
	return wanted;
}

/* The list that there is serves on; what changed since stays changed. False: there is none. */
static bool put_off(const struct mm_struct *mm, struct rp_mm_reading *r)
{
	struct rp_mm_entry *old;

	mutex_lock(&rp_registry);
	old = rp_mm_find(mm);
	if (old) {
		r->exec_vm = old->exec_vm;
		plan(old, old, r);
		WRITE_ONCE(old->again, old->changed_next);
		if (r->begun > 1)
			WRITE_ONCE(old->moved, RP_MM_MOVED);
	}
	mutex_unlock(&rp_registry);
	return old;
}

/*
 * A reading that came to nothing has cost something nevertheless: the address space is left
 * alone for as long as if it had a list. Gives whether mm's reference was taken over.
 */
static bool leave_alone(struct mm_struct *mm, struct rp_mm_reading *r)
{
	struct rp_mm_entry *e;
	enum outcome is;

	rp_mm_counted.failed++;
	if (put_off(mm, r) || !r->visited)
		return false;
	r->n = 0;
	e = new_entry(mm, r);
	if (!e)
		return false;
	e->none = true;
	e->swaps = true;
	return hand_over(e, r, &is);
}

/* Gives whether mm's reference was taken over. */
static bool read_one(struct mm_struct *mm, u64 since)
{
	struct rp_mm_reading r = { .view = scratch };
	struct rp_mm_entry *e = NULL;
	enum outcome is;
	int ret;

	rp_mm_counted.walks++;
	ret = rp_mm_read_views(mm, &r);
	if (ret == -ESRCH) {
		rp_mm_counted.failed++;
		return false;
	}
	if (!ret)
		e = new_entry(mm, &r);
	if (!e || (!hand_over(e, &r, &is) && is == NO_ROOM))
		return leave_alone(mm, &r);
	rp_mm_counted.late += ktime_get_mono_fast_ns() - since > LATE_NS;
	return is == TAKEN;
}

void rp_mm_read(struct mm_struct *mm, u64 since)
{
	if (!scratch)
		scratch = rp_kvmalloc(RP_MM_MAX_MAPS * sizeof(*scratch));
	if (!scratch || !is_wanted(mm) || !read_one(mm, since))
		mmdrop(mm);
}

void rp_mm_read_exit(void)
{
	kvfree(scratch);
}

void rp_mm_add_counters(u64 *sum)
{
	struct rp_table_counters t = rp_table_counters();

	sum[RINGPROF_UNW_MM_WALKS] += rp_mm_counted.walks;
	sum[RINGPROF_UNW_MM_WALKS_FAILED] += rp_mm_counted.failed;
	sum[RINGPROF_UNW_MM_EVICTED] += rp_mm_counted.evicted;
	sum[RINGPROF_UNW_MM_LATE] += rp_mm_counted.late;
	sum[RINGPROF_UNW_TABLES] += t.committed;
	sum[RINGPROF_UNW_TABLES_EVICTED] += t.evicted;
}
