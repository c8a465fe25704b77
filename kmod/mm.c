// SPDX-License-Identifier: GPL-2.0
/*
 * The lists of address spaces: how the sampler comes to them, who throws them
 * away. See mm.h; how one is read is in mm_read.c.
 *
 * A hash of RCU chains, which the sampler walks without a lock. It is changed
 * under rp_registry; what is taken out goes to a work item that waits for RCU
 * and frees. Address spaces that the sampler does not know it notes down (mm_notes.c).
 *
 * When may a list be used? Nothing tells about mmap(2), so a list is taken for
 * right while mm->exec_vm is what it was. Where it is not, files may have come
 * or gone, and to look rows up by the old list could give frames that never
 * were: until it has been read again, a moment later, a mapping is believed
 * only where the page table has that very page of that file. What no list has is
 * looked up by its page (mm_page.c). Where readings have shown that it is anonymous
 * memory that comes and goes (JITs), the list goes on serving its files
 * meanwhile. One file swapped for another of the same number of pages shows in
 * nothing: a list in use is read again every few seconds, and the page table is
 * asked for a while about files that came under our eyes (dlopen), and ever after
 * where some have been seen to go (dlclose).
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "arch_x86.h"
#include "cpu.h"
#include "mm.h"
#include "mm_list.h"

#define CHAIN_BITS   10
#define SWEEP_PERIOD HZ
#define AGE_SWEEPS   10
#define OLDEST	     7		/* 64 s and more, see age_of() */
#define FULL_PERIOD  (HZ / 8)	/* from one search for room to the next */
#define LARGE	     (64 << 10) /* bytes of a list that has more than its share */

static struct rp_mm_entry __rcu *chains[1 << CHAIN_BITS];
static u32 n_entries;
static u64 n_bytes;
static unsigned long next_search = INITIAL_JIFFIES; /* for room */
static LIST_HEAD(dead_entries);			    /* under rp_registry */

static const struct rp_mm nothing;

static struct rp_mm_entry __rcu **chain_of(const struct mm_struct *mm)
{
	return &chains[hash_ptr((void *)mm, CHAIN_BITS)];
}

/* ---- sampler ---- */

struct rp_mm_entry *rp_mm_find(const struct mm_struct *mm)
{
	struct rp_mm_entry *e;

	/* safe by rp_registry, with interrupts off or by rcu_read_lock_sched(): all come here */
	for (e = rcu_dereference_raw(*chain_of(mm)); e; e = rcu_dereference_raw(e->next)) {
		if (e->mm == mm)
			return e;
	}
	return NULL;
}

static bool differs(const struct rp_mm_entry *e, const struct mm_struct *mm)
{
	return READ_ONCE(mm->exec_vm) != READ_ONCE(e->exec_vm);
}

static bool has_changed(const struct rp_mm_entry *e, const struct mm_struct *mm)
{
	return differs(e, mm) || READ_ONCE(e->moved);
}

static bool is_due(const struct rp_mm_entry *e, bool changed)
{
	if (changed)
		return !time_before(jiffies, READ_ONCE(e->changed_next));
	return time_after(jiffies, READ_ONCE(e->again));
}

bool rp_mm_is_due(const struct rp_mm_entry *e, const struct mm_struct *mm)
{
	return is_due(e, has_changed(e, mm));
}

/*
 * A child that has not exec'd has its parent's mappings: the same open file
 * was exec'd, it lies at the same addresses, as much of it is executable. The
 * parent's mm is looked at only if a list holds it.
 */
static struct rp_mm_entry *inherited(const struct mm_struct *mm)
{
	const struct mm_struct *pmm;
	struct rp_mm_entry *e;

	/* tasks are freed by plain RCU, which has not always waited for interrupts */
	rcu_read_lock();
	pmm = READ_ONCE(rcu_dereference(current->real_parent)->mm);
	rcu_read_unlock();
	e = pmm && pmm != mm ? rp_mm_find(pmm) : NULL;
	if (!e || e->none || has_changed(e, mm) || has_changed(e, pmm))
		return NULL;
	if (!rcu_access_pointer(mm->exe_file) ||
	    rcu_access_pointer(mm->exe_file) != rcu_access_pointer(pmm->exe_file))
		return NULL;
	if (mm->start_code != pmm->start_code || mm->start_stack != pmm->start_stack ||
	    mm->mmap_base != pmm->mmap_base)
		return NULL;
	return e;
}

/*
 * A library that makes room for another of its size is away for a moment, and the reader may
 * come too late to see it: the list is in doubt until it has been read.
 */
static void note_move(struct rp_mm_entry *e, const struct mm_struct *mm)
{
	if (READ_ONCE(e->moved) != RP_MM_MOVED && differs(e, mm))
		WRITE_ONCE(e->moved, RP_MM_MOVED);
}

const struct rp_mm *rp_mm_current(struct rp_cpu *c, bool *ret_doubt)
{
	struct mm_struct *mm = current->mm;
	struct rp_mm_entry *e;
	bool changed;

	*ret_doubt = false;
	if (!rp_table_count())
		return &nothing;
	e = rp_mm_find(mm);
	changed = e && has_changed(e, mm);
	/* before the reader can come */
	if (unlikely(changed))
		note_move(e, mm);
	if (unlikely(!e || is_due(e, changed)))
		rp_mm_leave_note(c, mm);
	if (unlikely(!e))
		e = inherited(mm);
	changed = changed && !READ_ONCE(e->churns);
	if (unlikely(changed || (e && e->swaps))) {
		*ret_doubt = rp_arch_tells_pages();
		/* an address space in use */
		if (e->none)
			WRITE_ONCE(e->used, jiffies);
		if (e->none || (!*ret_doubt && changed))
			e = NULL;
	}
	if (unlikely(!e)) {
		*ret_doubt = rp_mm_holds_pages();
		c->unwind[RINGPROF_UNW_MM_NEW]++;
		return NULL;
	}
	c->unwind[RINGPROF_UNW_MM_KNOWN]++;
	if (READ_ONCE(e->used) != jiffies)
		WRITE_ONCE(e->used, jiffies);
	return &e->list;
}

const struct rp_mm_map *rp_mm_map_at(const struct rp_mm *m, u64 pc)
{
	u32 lo = 0, hi = m->n;

	/* the first that ends past pc */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (m->map[mid].end <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->map[lo].start <= pc ? &m->map[lo] : NULL;
}

/* ---- throwing away ---- */

static void free_dead(struct work_struct *work)
{
	struct rp_mm_entry *e, *next;
	LIST_HEAD(dead);

	mutex_lock(&rp_registry);
	list_splice_init(&dead_entries, &dead);
	mutex_unlock(&rp_registry);
	if (list_empty(&dead))
		return;
	rp_synchronize();
	list_for_each_entry_safe (e, next, &dead, dead) {
		mmdrop(e->mm);
		kvfree(e);
	}
}

static DECLARE_WORK(dead_work, free_dead);

/* e's own next pointer stays: samplers may stand on it. */
static void bury(struct rp_mm_entry *e)
{
	n_entries--;
	WRITE_ONCE(n_bytes, n_bytes - e->bytes);
	list_add(&e->dead, &dead_entries);
	queue_work(rp_mm_queue, &dead_work);
}

static struct rp_mm_entry *held(struct rp_mm_entry __rcu *p)
{
	return rcu_dereference_protected(p, lockdep_is_held(&rp_registry));
}

static struct rp_mm_entry __rcu **place_of(const struct rp_mm_entry *e)
{
	struct rp_mm_entry __rcu **p = chain_of(e->mm);

	while (held(*p) != e)
		p = &held(*p)->next;
	return p;
}

static void remove(struct rp_mm_entry *e)
{
	rcu_assign_pointer(*place_of(e), held(e->next));
	bury(e);
}

static void remove_if(bool (*cond)(const struct rp_mm_entry *e))
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		struct rp_mm_entry *e, *next;

		for (e = held(chains[i]); e; e = next) {
			next = held(e->next);
			if (cond(e))
				remove(e);
		}
	}
}

static bool is_gone(const struct rp_mm_entry *e)
{
	return !atomic_read(&e->mm->mm_users);
}

static bool always(const struct rp_mm_entry *e)
{
	return true;
}

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

static void sweep(struct work_struct *work)
{
	static unsigned int rounds;

	mutex_lock(&rp_registry);
	remove_if(is_gone);
	if (!(++rounds % AGE_SWEEPS))
		rp_table_age();
	if (n_entries)
		queue_delayed_work(rp_mm_queue, &sweep_work, SWEEP_PERIOD);
	mutex_unlock(&rp_registry);
}

/*
 * Seconds since its last sample, by powers of two: 0: less than one, 1: one, 2: two or three.
 * A sampler may just have marked it, a tick after ours.
 */
static u32 age_of(const struct rp_mm_entry *e)
{
	long unused = jiffies - READ_ONCE(e->used);

	return unused < HZ ? 0 : min_t(u32, fls_long(unused / HZ), OLDEST);
}

static bool fits(u64 bytes, u64 into)
{
	return n_bytes + bytes <= into;
}

static bool has_room(u64 bytes)
{
	return n_entries < RP_MM_MAX && fits(bytes, RP_MM_BYTES);
}

/* More than is asked for: the next ones find it without a search. */
static bool has_bytes(u64 bytes)
{
	return fits(bytes, RP_MM_BYTES / 8 * 7);
}

static bool has_slack(u64 bytes)
{
	return n_entries < RP_MM_MAX / 8 * 7 && has_bytes(bytes);
}

/*
 * Of what is in use, age 0, only large ones, and not one that its reading has earned a rest, which
 * would be read at its next sample.
 */
static bool may_go(const struct rp_mm_entry *e, u32 age)
{
	if (age_of(e) != age)
		return false;
	return age || (e->bytes >= LARGE && !time_before(jiffies, READ_ONCE(e->changed_next)));
}

static void evict_aged(u32 age, u64 bytes)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		struct rp_mm_entry *e, *next;

		for (e = held(chains[i]); e; e = next) {
			next = held(e->next);
			if (age ? has_slack(bytes) : has_bytes(bytes))
				return;
			if (!may_go(e, age))
				continue;
			remove(e);
			rp_mm_counted.evicted++;
		}
	}
}

/*
 * Those that were not sampled for longest go, but none of the last second: with more of them
 * than there is room for, each sample would have one read for which another is thrown away.
 * Large ones do: a few dozen of one user would leave no room for anybody's else. It is not
 * looked for all the time either; the rest goes without meanwhile, and is not even read. So
 * who fills the room keeps no CPU busy.
 */
bool rp_mm_make_room(u64 bytes)
{
	u32 age;

	if (has_room(bytes))
		return true;
	if (time_before(jiffies, next_search))
		return false;
	next_search = jiffies + FULL_PERIOD;
	remove_if(is_gone);
	for (age = OLDEST; age && !has_slack(bytes); age--)
		evict_aged(age, bytes);
	if (!fits(bytes, RP_MM_BYTES))
		evict_aged(0, bytes);
	return has_room(bytes);
}

static void take_over(struct rp_mm_entry *e)
{
	n_entries++;
	WRITE_ONCE(n_bytes, n_bytes + e->bytes);
}

bool rp_mm_insert(struct rp_mm_entry *e)
{
	struct rp_mm_entry __rcu **p = chain_of(e->mm);

	if (!rp_mm_make_room(e->bytes))
		return false;
	RCU_INIT_POINTER(e->next, held(*p));
	rcu_assign_pointer(*p, e);
	take_over(e);
	/* no effect while it is pending */
	queue_delayed_work(rp_mm_queue, &sweep_work, SWEEP_PERIOD);
	return true;
}

/* An address space may have grown a lot since it was read first: old goes in any case. */
bool rp_mm_replace(struct rp_mm_entry *old, struct rp_mm_entry *e)
{
	struct rp_mm_entry __rcu **p;

	if (!fits(e->bytes, RP_MM_BYTES + old->bytes)) {
		remove(old);
		return rp_mm_insert(e);
	}
	p = place_of(old);
	RCU_INIT_POINTER(e->next, held(old->next));
	rcu_assign_pointer(*p, e);
	take_over(e);
	bury(old);
	return true;
}

/* ---- tables ---- */

static void attach(struct rp_mm_entry *e, struct rp_table *t)
{
	u32 i;

	for (i = 0; i < e->list.n; i++) {
		struct rp_mm_map *m = &e->map[i];
		const struct rp_mm_file *f = &e->file[i];
		u64 bias;

		if (m->table || memcmp(&f->id, &t->file, sizeof(f->id)) ||
		    !rp_table_bias(t, m->start, f->offset, m->end - m->start, &bias))
			continue;
		WRITE_ONCE(m->bias, bias);
		/* pairs with mm.h:rp_mm_table(): the bias is the table's */
		smp_store_release(&m->table, t);
		WRITE_ONCE(e->list.n_tables, e->list.n_tables + 1);
	}
}

/* The same place in the new table: one store, and no sample in between goes without. */
static void detach(struct rp_mm_entry *e, struct rp_table *t, struct rp_table *next)
{
	u32 i;

	for (i = 0; i < e->list.n; i++) {
		struct rp_mm_map *m = &e->map[i];
		u64 bias;

		if (m->table != t)
			continue;
		if (next &&
		    rp_table_bias(next, m->start, e->file[i].offset, m->end - m->start, &bias) &&
		    bias == m->bias) {
			/* pairs with mm.h:rp_mm_table() */
			smp_store_release(&m->table, next);
			continue;
		}
		/* the same */
		smp_store_release(&m->table, NULL);
		WRITE_ONCE(e->list.n_tables, e->list.n_tables - 1);
	}
}

void rp_mm_attach_table(struct rp_table *t)
{
	struct rp_mm_entry *e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		for (e = held(chains[i]); e; e = held(e->next))
			attach(e, t);
	}
}

void rp_mm_detach_table(struct rp_table *t, struct rp_table *next)
{
	struct rp_mm_entry *e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		for (e = held(chains[i]); e; e = held(e->next))
			detach(e, t, next);
	}
}

u64 rp_mm_bytes(void)
{
	return READ_ONCE(n_bytes);
}

int rp_mm_init(void)
{
	int ret = rp_mmput_init();

	if (ret)
		return ret;
	ret = rp_mm_notes_start();
	if (ret)
		rp_mmput_exit();
	return ret;
}

void rp_mm_forget(void)
{
	rp_mm_notes_forget();
	mutex_lock(&rp_registry);
	remove_if(always);
	mutex_unlock(&rp_registry);
	cancel_delayed_work_sync(&sweep_work);
	flush_work(&dead_work);
}

void rp_mm_exit(void)
{
	rp_mm_forget();
	rp_mm_notes_end();
	rp_mmput_exit();
	rp_mm_read_exit();
}
