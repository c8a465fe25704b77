// SPDX-License-Identifier: GPL-2.0
/*
 * Reads which files an address space has mapped executable, and makes or
 * renews its list. Process context, one at a time.
 *
 * The mmap lock is only ever tried, for a moment: a process can keep its own
 * for as long as it likes (a fault on a file system of its own), and others
 * wait in line here. Where it is taken the next sample asks again. It is never
 * held together with our own locks.
 *
 * How often: at once when an address space is new; then, when it changed, after
 * an interval that grows while changes follow each other; when it did not,
 * every few seconds. A reading takes a thousandth of the time at most.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "mm_list.h"

#define LATE_NS (2 * NSEC_PER_MSEC)
/*
 * What a reading may seem to take, if its mappings are not so many that it must (VIEWS_A_US):
 * the worker may have been kept from running meanwhile, and a thousand times that the list is
 * believed (plan()). So CHURN_PERIOD is the most.
 */
#define MAX_READ_NS   NSEC_PER_MSEC
#define VIEWS_A_US    10 /* mappings in a microsecond, of a fast CPU: the lock is held for them */
#define LONGEST_US    1000000
#define LOCK_TRIES    4
#define AGAIN_PERIOD  (4 * HZ)
#define STAYED_PERIOD (10 * HZ)
#define CHURN_PERIOD  HZ       /* longest interval where only anonymous memory changes */
#define CHANGE_PERIOD (HZ / 8) /* and where files do: frame pointers alone until then */

/*
 * Mappings in one go, some tenths of a millisecond: a process may have a million, and faults of
 * it that have to wait for our lock are its own time.
 */
#ifdef RINGPROF_TEST
#define VIEWS_AT_ONCE 4 /* any program has more */
#else
#define VIEWS_AT_ONCE 4096
#endif

struct rp_mm_counters rp_mm_counted;

struct view {
	u64 start, end;
	struct rp_mm_file file;
};

/* what one reading found so far */
struct reading {
	struct view *view;
	u32 n;
	unsigned long exec_vm; /* at its begin: what changes meanwhile has it read again */
	unsigned long next;    /* address to go on at, 0: none was read */
	bool torn;	       /* and something did change */
	u32 begun;	       /* so often */
	u32 visited;	       /* mappings, of all kinds, each time */
	u64 ns;		       /* it took */
};

static struct view *scratch; /* RP_MM_MAX_MAPS */

static bool is_vdso(const struct vm_area_struct *vma)
{
	return vma->vm_mm->context.vdso && vma->vm_start == (unsigned long)vma->vm_mm->context.vdso;
}

static bool take_view(const struct vm_area_struct *vma, struct view *v)
{
	if (!(vma->vm_flags & VM_EXEC))
		return false;
	memset(v, 0, sizeof(*v));
	if (vma->vm_file) {
		struct inode *inode = file_inode(vma->vm_file);

		if (!S_ISREG(inode->i_mode))
			return false;
		rp_table_inode_id(inode, &v->file.id);
		v->file.offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		v->file.pages = vma->vm_file->f_mapping;
	} else if (!is_vdso(vma)) {
		return false;
	}
	v->start = vma->vm_start;
	v->end = vma->vm_end;
	return true;
}

/* 0: that were all, 1: there are more. Those that come and go between two calls may be missing. */
static int read_views(struct mm_struct *mm, struct reading *r)
{
	struct vm_area_struct *vma;
	u32 left = VIEWS_AT_ONCE;

	if (!r->next) {
		r->exec_vm = mm->exec_vm;
		r->n = 0;
		r->begun++;
	}
	while (left-- && r->n < RP_MM_MAX_MAPS) {
		vma = find_vma(mm, r->next);
		if (!vma)
			return 0;
		r->n += take_view(vma, &r->view[r->n]);
		r->next = vma->vm_end;
		r->visited++;
		cond_resched();
	}
	return r->n < RP_MM_MAX_MAPS;
}

static bool is_there(struct mm_struct *mm, const struct view *v)
{
	struct vm_area_struct *vma = find_vma(mm, v->start);
	struct view now;

	return vma && take_view(vma, &now) && !memcmp(&now, v, sizeof(now));
}

/*
 * Of what was read in pieces, the first may be another file's when the last is read: a list
 * that never was, with nothing that tells. 1: it is to be read once more, which a process that maps
 * all the time can have us do only a few times.
 */
static int check_views(struct mm_struct *mm, struct reading *r, bool in_pieces)
{
	u32 i;

	r->torn = mm->exec_vm != r->exec_vm;
	for (i = 0; in_pieces && i < r->n; i++) {
		if (!is_there(mm, &r->view[i])) {
			r->next = 0;
			return r->begun < LOCK_TRIES ? 1 : -EAGAIN;
		}
		cond_resched();
	}
	return 0;
}

/* -EAGAIN: its lock is taken, or it changes all the time. 1: there is more of it to be read. */
static int try_read_mm(struct mm_struct *mm, struct reading *r)
{
	u64 begin, now;
	int ret = -EAGAIN;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (mmap_read_trylock(mm)) {
		bool in_pieces = r->next;

		begin = ktime_get_mono_fast_ns();
		ret = read_views(mm, r);
		if (!ret)
			ret = check_views(mm, r, in_pieces);
		now = ktime_get_mono_fast_ns();
		/* that clock may have stepped back */
		r->ns += now > begin ? now - begin : 0;
		mmap_read_unlock(mm);
	}
	rp_mmput(mm);
	return ret;
}

/*
 * Grabbed mm into *r. -ESRCH: no user is left. None of ours is while we wait: who
 * waits for the process's end finds its files still mapped otherwise.
 */
static int read_mm(struct mm_struct *mm, struct reading *r)
{
	int tries = 0, ret;

	while ((ret = try_read_mm(mm, r)) && ret != -ESRCH) {
		if (ret > 0) {
			tries = 0;
			cond_resched();
			continue;
		}
		if (++tries == LOCK_TRIES)
			break;
		usleep_range(50, 100);
	}
	return ret;
}

static struct rp_mm_entry *new_entry(struct mm_struct *mm, const struct reading *r)
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
static u32 cost_of(const struct reading *r)
{
	u64 us = min_t(u64, r->ns, MAX_READ_NS) / NSEC_PER_USEC;

	return min_t(u64, max_t(u64, us, r->visited / VIEWS_A_US), LONGEST_US);
}

/* When to come again. before: the list so far, NULL: none. */
static void plan(struct rp_mm_entry *e, const struct rp_mm_entry *before, const struct reading *r)
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
static enum outcome take_over(struct rp_mm_entry *e, const struct reading *r)
{
	struct rp_mm_entry *old = rp_mm_find(e->mm);

	if (old && same_maps(old, e)) {
		if (r->exec_vm != old->exec_vm && !r->torn)
			WRITE_ONCE(old->churns, true);
		plan(old, old, r);
		/* but not what a sample met since the reading began */
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
	if (old && READ_ONCE(old->moved) == RP_MM_MOVED)
		e->moved = RP_MM_MOVED;
	plan(e, old, r);
	return (old ? rp_mm_replace(old, e) : rp_mm_insert(e)) ? TAKEN : NO_ROOM;
}

/* Takes e, or frees it. True: mm's reference was taken over. */
static bool hand_over(struct rp_mm_entry *e, const struct reading *r, enum outcome *ret)
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
	struct rp_mm_entry *e;
	bool wanted;

	mutex_lock(&rp_registry);
	e = rp_mm_find(mm);
	wanted = e ? rp_mm_is_due(e, mm) : rp_mm_make_room(sizeof(*e));
	if (e && wanted && READ_ONCE(e->moved))
		WRITE_ONCE(e->moved, RP_MM_MOVED_READING);
	rp_mm_counted.failed += !e && !wanted;
	mutex_unlock(&rp_registry);
	return wanted;
}

/* The list that there is serves on; what changed since stays changed. False: there is none. */
static bool put_off(const struct mm_struct *mm, struct reading *r)
{
	struct rp_mm_entry *old;

	mutex_lock(&rp_registry);
	old = rp_mm_find(mm);
	if (old) {
		r->exec_vm = old->exec_vm;
		plan(old, old, r);
	}
	mutex_unlock(&rp_registry);
	return old;
}

/*
 * A reading that came to nothing has cost something nevertheless: the address space is left
 * alone for as long as if it had a list. Gives whether mm's reference was taken over.
 */
static bool leave_alone(struct mm_struct *mm, struct reading *r)
{
	struct rp_mm_entry *e;
	enum outcome is;

	rp_mm_counted.failed++;
	if (!r->visited || put_off(mm, r))
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
	struct reading r = { .view = scratch };
	struct rp_mm_entry *e = NULL;
	enum outcome is;
	int ret;

	rp_mm_counted.walks++;
	ret = read_mm(mm, &r);
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
