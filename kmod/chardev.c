// SPDX-License-Identifier: GPL-2.0
/*
 * See chardev.h. A mapping holds the file and the file holds the module, so
 * release(2) is the last word of a reader. Rings are never replaced while a
 * reader is there.
 *
 * mmap(2) comes with the mmap lock held and takes rp_rings_lock, under which
 * memory is allocated and nothing else done. Not rp_lock: perf's locks nest in
 * that one, and perf's read(2) takes the mmap lock, by a fault, inside of them.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "compat.h"
#include "chardev.h"
#include "cpu.h"
#include "sampler.h"

static struct rp_reader reader; /* under rp_lock */
static DECLARE_WAIT_QUEUE_HEAD(waiters);

bool rp_chardev_has_reader(void)
{
	return reader.pid != 0;
}

const struct rp_reader *rp_chardev_reader(void)
{
	return &reader;
}

void rp_chardev_wake(void)
{
	wake_up_interruptible(&waiters);
}

static int may_open(void)
{
	if (!rp_capable())
		return -EPERM;
	return rp_locked_down();
}

/*
 * A new reader starts where the last one left, or at the head if that place
 * cannot be. Its first epoch is the one after the epoch in force: the sampler
 * begins it (or a later one) with its next sample.
 */
static void attach_reader(struct rp_cpu *c)
{
	struct rp_stream *s = &c->s;
	/* pairs with ring.h:rp_ring_commit(): the records up to there are whole */
	u64 head = smp_load_acquire(&s->ring.shared->head);

	if (!ringprof_pos_ok(head, READ_ONCE(s->ring.reader->tail), s->ring.mask + 1))
		/* pairs with ring.h:rp_ring_room() */
		smp_store_release(&s->ring.reader->tail, head);
	WRITE_ONCE(s->ring.shared->attach_epoch, READ_ONCE(s->trie.epoch) + 1);
	/* pairs with emit.h:rp_emit_check_attach() */
	smp_store_release(&s->attach, s->attach + 1);
}

static void attach_all(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c && c->s.ring.data)
			attach_reader(c);
	}
}

static int ringprof_open(struct inode *inode, struct file *file)
{
	int ret = may_open();

	if (ret)
		return ret;
	rp_sampler_lock();
	if (rp_chardev_has_reader()) {
		ret = -EBUSY;
		goto unlock;
	}
	ret = rp_sampler_prepare();
	if (ret)
		goto unlock;
	reader.pid = current->tgid;
	get_task_comm(reader.comm, current);
	attach_all();
unlock:
	rp_sampler_unlock();
	return ret ? ret : nonseekable_open(inode, file);
}

static int ringprof_release(struct inode *inode, struct file *file)
{
	mutex_lock(&rp_lock);
	reader.pid = 0;
	mutex_unlock(&rp_lock);
	return 0;
}

static bool half_full(const struct rp_cpu *c)
{
	const struct rp_ring *r = &c->s.ring;
	u64 size = r->mask + 1, head;

	if (!r->data)
		return false;
	/* pairs with ring.h:rp_ring_commit() */
	head = smp_load_acquire(&r->shared->head);
	return head - READ_ONCE(r->reader->tail) >= size / 2;
}

static __poll_t ringprof_poll(struct file *file, poll_table *wait)
{
	__poll_t ret = 0;
	int cpu;

	poll_wait(file, &waiters, wait);
	mutex_lock(&rp_lock);
	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c && half_full(c)) {
			ret = EPOLLIN | EPOLLRDNORM;
			break;
		}
	}
	mutex_unlock(&rp_lock);
	return ret;
}

#define CPU_PGOFF_SHIFT (RINGPROF_MMAP_CPU_SHIFT - PAGE_SHIFT)
#define TAIL_PGOFF	0
#define HEAD_PGOFF	1

static int map_ring(struct rp_cpu *c, unsigned long what, struct vm_area_struct *vma)
{
	if (!c)
		return -ENXIO;
	if (what == TAIL_PGOFF)
		return rp_ring_mmap_tail(&c->s.ring, vma);
	return rp_ring_mmap_head(&c->s.ring, vma);
}

static int ringprof_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long cpu = vma->vm_pgoff >> CPU_PGOFF_SHIFT;
	unsigned long what = vma->vm_pgoff & ((1UL << CPU_PGOFF_SHIFT) - 1);
	int ret;

	if (what != TAIL_PGOFF && what != HEAD_PGOFF)
		return -EINVAL;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -ENXIO;
	mutex_lock(&rp_rings_lock);
	ret = map_ring(rp_cpu_of(cpu), what, vma);
	mutex_unlock(&rp_rings_lock);
	return ret;
}

static const struct file_operations ringprof_fops = {
	.owner = THIS_MODULE,
	.open = ringprof_open,
	.release = ringprof_release,
	.poll = ringprof_poll,
	.mmap = ringprof_mmap,
};

static struct miscdevice ringprof_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ringprof",
	.fops = &ringprof_fops,
	.mode = 0600,
};

int rp_chardev_init(void)
{
	return misc_register(&ringprof_misc);
}

void rp_chardev_exit(void)
{
	misc_deregister(&ringprof_misc);
}
