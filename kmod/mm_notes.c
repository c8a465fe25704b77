// SPDX-License-Identifier: GPL-2.0
/*
 * Which address spaces are to be read: from the sampler, which must not, to a
 * worker.
 *
 * The sampler notes them down in a ring of its CPU, with a reference on the
 * mm_struct (an atomic increment, fine in NMI), and an irq_work wakes the
 * worker, which needs to look up no task by then: that mm is the one that was
 * sampled, whatever its tasks do.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpu.h"
#include "mm_list.h"

struct workqueue_struct *rp_mm_queue;
static DEFINE_MUTEX(reading); /* the notes' one reader */

void rp_mm_leave_note(struct rp_cpu *c, struct mm_struct *mm)
{
	struct rp_mm_notes *n = &c->notes;
	/* pairs with drain(): what stood in the slot has been copied */
	u32 head = n->head, tail = smp_load_acquire(&n->tail), i;

	if (head - tail >= RP_MM_NOTES)
		return;
	for (i = tail; i != head; i++) {
		if (n->note[i % RP_MM_NOTES].mm == mm)
			return;
	}
	mmgrab(mm);
	n->note[head % RP_MM_NOTES].mm = mm;
	n->note[head % RP_MM_NOTES].time = ktime_get_mono_fast_ns();
	/* pairs with drain(): the note is whole */
	smp_store_release(&n->head, head + 1);
	irq_work_queue(&n->wake);
}

static void drain(struct rp_mm_notes *n, bool read)
{
	/*
	 * pairs with rp_mm_leave_note(): the notes are whole. What comes meanwhile waits until the
	 * other CPUs had their turn: each note wakes us
	 */
	u32 tail = n->tail, head = smp_load_acquire(&n->head);

	while (tail != head) {
		struct rp_mm_note note = n->note[tail % RP_MM_NOTES];

		/* pairs with the same: the note is copied, its slot free */
		smp_store_release(&n->tail, ++tail);
		if (read)
			rp_mm_read(note.mm, note.time);
		else
			mmdrop(note.mm);
		cond_resched();
	}
}

static void drain_all(bool read)
{
	int cpu;

	mutex_lock(&reading);
	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c)
			drain(&c->notes, read);
	}
	mutex_unlock(&reading);
}

static void read_notes(struct work_struct *work)
{
	drain_all(true);
}

static DECLARE_WORK(read_work, read_notes);

static void wake_worker(struct irq_work *work)
{
	queue_work(rp_mm_queue, &read_work);
}

void rp_mm_notes_init(struct rp_mm_notes *n)
{
	init_irq_work(&n->wake, wake_worker);
}

int rp_mm_notes_start(void)
{
	/* for the 2 ms: not behind other works, on whichever CPU is free */
	rp_mm_queue = alloc_workqueue("ringprof", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return rp_mm_queue ? 0 : -ENOMEM;
}

void rp_mm_notes_forget(void)
{
	cancel_work_sync(&read_work);
	drain_all(false);
}

void rp_mm_notes_end(void)
{
	destroy_workqueue(rp_mm_queue);
}
