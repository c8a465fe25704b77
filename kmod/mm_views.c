// SPDX-License-Identifier: GPL-2.0
/*
 * Reads which files an address space has mapped executable. Process context, one at a time.
 *
 * The mmap lock is only ever tried, for a moment: a process can keep its own
 * for as long as it likes (a fault on a file system of its own), and others
 * wait in line here. Where it is taken a later sample asks again. It is never
 * held together with our own locks.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "mm_list.h"
#include "mm_views.h"

#define LOCK_TRIES 4

/*
 * Mappings in one go, some tenths of a millisecond: a process may have a million, and faults of
 * it that have to wait for our lock are its own time.
 */
#ifdef RINGPROF_TEST
#define VIEWS_AT_ONCE 4 /* any program has more */
#else
#define VIEWS_AT_ONCE 4096
#endif

static bool is_vdso(const struct vm_area_struct *vma)
{
	return vma->vm_mm->context.vdso && vma->vm_start == (unsigned long)vma->vm_mm->context.vdso;
}

static bool take_view(const struct vm_area_struct *vma, struct rp_mm_view *v)
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

/* What samples met up to here the reading will find. */
static void begin_reading(struct mm_struct *mm, struct rp_mm_reading *r)
{
	struct rp_mm_entry *e;

	/* what rp_synchronize() waits for on every kernel */
	rcu_read_lock_sched();
	e = rp_mm_find(mm);
	if (e && READ_ONCE(e->moved))
		WRITE_ONCE(e->moved, RP_MM_MOVED_READING);
	rcu_read_unlock_sched();
	r->exec_vm = mm->exec_vm;
	r->n = 0;
	r->begun++;
}

/* 0: that were all, 1: there are more. Those that come and go between two calls may be missing. */
static int read_views(struct mm_struct *mm, struct rp_mm_reading *r)
{
	struct vm_area_struct *vma;
	u32 left = VIEWS_AT_ONCE;

	if (!r->next)
		begin_reading(mm, r);
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

/* Is the mapping what it was? Its file may have been renamed or written to. */
static bool is_there(struct mm_struct *mm, const struct rp_mm_view *v)
{
	struct vm_area_struct *vma = find_vma(mm, v->start);
	struct rp_mm_view now;

	return vma && take_view(vma, &now) && now.start == v->start && now.end == v->end &&
	       now.file.offset == v->file.offset && now.file.pages == v->file.pages &&
	       rp_file_id_same_inode(&now.file.id, &v->file.id);
}

/*
 * Of what was read in pieces, the first may be another file's when the last is read: a list
 * that never was, with nothing that tells. n: views of the pieces before the last. 1: it is to be
 * read once more; -EBUSY: it was, as often as a process may have us do it.
 */
static int check_views(struct mm_struct *mm, struct rp_mm_reading *r, u32 n)
{
	u32 i;

	r->torn = mm->exec_vm != r->exec_vm;
	for (i = 0; i < n; i++) {
		r->visited++;
		if (!is_there(mm, &r->view[i])) {
			r->next = 0;
			return r->begun < LOCK_TRIES ? 1 : -EBUSY;
		}
		cond_resched();
	}
	return 0;
}

/* -EAGAIN: its lock is taken. -EBUSY: it changes all the time. 1: there is more to be read. */
static int try_read_mm(struct mm_struct *mm, struct rp_mm_reading *r)
{
	u64 begin, now;
	int ret = -EAGAIN;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (mmap_read_trylock(mm)) {
		u32 before = r->next ? r->n : 0;

		begin = ktime_get_mono_fast_ns();
		ret = read_views(mm, r);
		if (!ret)
			ret = check_views(mm, r, before);
		now = ktime_get_mono_fast_ns();
		/* that clock may have stepped back */
		r->ns += now > begin ? now - begin : 0;
		mmap_read_unlock(mm);
	}
	rp_mmput(mm);
	return ret;
}

/*
 * No user of it is ours while we wait: who waits for the process's end finds its files still
 * mapped otherwise.
 */
int rp_mm_read_views(struct mm_struct *mm, struct rp_mm_reading *r)
{
	int tries = 0, ret;

	while ((ret = try_read_mm(mm, r)) > 0 || ret == -EAGAIN) {
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
