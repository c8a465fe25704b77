/* SPDX-License-Identifier: GPL-2.0 */
/* Address spaces and the files in them: references, locks, what a file is known by. */
#ifndef RINGPROF_COMPAT_SPACES_H
#define RINGPROF_COMPAT_SPACES_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uprobes.h>
#include <linux/vmalloc.h>

#ifdef RP_HAVE_MMGRAB
#include <linux/sched/mm.h>
#else
#include <linux/sched.h>

static inline void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

static inline bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}
#endif

/*
 * Where it was the last user, all that was mapped is undone: not here. That may
 * take long, and with asynchronous I/O on a file system that hangs for ever.
 * Process context. Between init (0, -ENOMEM) and exit, which waits for all of it.
 */
#ifdef RP_HAVE_MMPUT_ASYNC
static inline int rp_mmput_init(void)
{
	return 0;
}

static inline void rp_mmput_exit(void)
{
}

static inline void rp_mmput(struct mm_struct *mm)
{
	mmput_async(mm);
}
#else
int rp_mmput_init(void);
void rp_mmput_exit(void);
void rp_mmput(struct mm_struct *mm);
#endif

#ifndef RP_HAVE_MMAP_LOCK
static inline bool mmap_read_trylock(struct mm_struct *mm)
{
	return down_read_trylock(&mm->mmap_sem);
}

static inline void mmap_read_unlock(struct mm_struct *mm)
{
	up_read(&mm->mmap_sem);
}
#endif

/* Is current in execve(2)? False where a kernel does not tell. */
static inline bool rp_in_execve(void)
{
#ifdef RP_HAVE_IN_EXECVE
	return current->in_execve;
#else
	return false;
#endif
}

/*
 * Do return addresses of current's stack stand elsewhere, for uretprobes? Not
 * asked on its way out of a program, where what tells it is freed.
 */
static inline bool rp_has_uretprobes(void)
{
#ifdef RP_HAVE_UPROBE_TASK
	const struct uprobe_task *u = READ_ONCE(current->utask);

	return unlikely(u) && !(current->flags & PF_EXITING) && !rp_in_execve() &&
	       READ_ONCE(u->return_instances);
#else
	return false;
#endif
}

/* ns; only ever compared */
static inline s64 rp_inode_ctime(const struct inode *inode)
{
#ifdef RP_HAVE_INODE_GET_CTIME
	return inode_get_ctime(inode).tv_sec * (s64)NSEC_PER_SEC + inode_get_ctime(inode).tv_nsec;
#else
	return inode->i_ctime.tv_sec * (s64)NSEC_PER_SEC + inode->i_ctime.tv_nsec;
#endif
}

/*
 * The inode whose pages are mapped. An overlay maps a file of the layer below
 * (vma->vm_file is that one, on all kernels since 4.19; before, already open(2)
 * gave it), so an open file has to be taken down to there.
 */
static inline struct inode *rp_file_real_inode(struct file *file)
{
#ifdef RP_HAVE_D_REAL_INODE
	struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) ? d_real_inode(file->f_path.dentry) : inode;
#else
	return file_inode(file);
#endif
}

/* Some pages side by side are worth a search, but no process's life. */
#ifdef __GFP_RETRY_MAYFAIL
#define RP_GFP_PAGES (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
#else
#define RP_GFP_PAGES (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
#endif

/*
 * Large, not zeroed; NULL without a word in the log, and no process is killed for the pages
 * themselves; kvfree().
 */
static inline void *rp_kvmalloc(size_t bytes)
{
#ifdef RP_HAVE_KVMALLOC
	return kvmalloc(bytes, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
#else
	return __vmalloc(bytes, GFP_KERNEL | __GFP_HIGHMEM | __GFP_NORETRY | __GFP_NOWARN,
			 PAGE_KERNEL);
#endif
}

#endif
