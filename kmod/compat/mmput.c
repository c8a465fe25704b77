// SPDX-License-Identifier: GPL-2.0
/* rp_mmput() for kernels that do not export mmput_async(): 4.18 to 5.10 and others. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"

#ifndef RP_HAVE_MMPUT_ASYNC

struct last_put {
	struct work_struct work;
	struct mm_struct *mm;
};

static struct workqueue_struct *queue;

static void put_last(struct work_struct *work)
{
	struct last_put *p = container_of(work, struct last_put, work);

	mmput(p->mm);
	kfree(p);
}

int rp_mmput_init(void)
{
	queue = alloc_workqueue("ringprof_mmput", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

void rp_mmput_exit(void)
{
	destroy_workqueue(queue);
}

void rp_mmput(struct mm_struct *mm)
{
	struct last_put *p;

	if (atomic_add_unless(&mm->mm_users, -1, 1))
		return;
	p = kmalloc(sizeof(*p), GFP_KERNEL | __GFP_NOFAIL);
	INIT_WORK(&p->work, put_last);
	p->mm = mm;
	queue_work(queue, &p->work);
}

#endif
