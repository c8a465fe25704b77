/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The writer's side of a ring. The ordering table is in
 * include/ringprof/ring.h; A and B below name its edges.
 *
 * One writer, the CPU's sampler. The position in force is ring->head, private;
 * the copy in the shared page is only ever written. The tail in the shared
 * page is the reader's word and is checked each time.
 */
#ifndef RINGPROF_KMOD_RING_H
#define RINGPROF_KMOD_RING_H

#include "ringprof/ring.h"

struct page;
struct vm_area_struct;

struct rp_ring {
	__u8 *data; /* mapped twice in a row; NULL: this CPU has no ring */
	__u64 mask; /* data size - 1 */
	__u64 head;
	__u64 tail;			   /* as last read and found possible */
	struct ringprof_ring_head *shared; /* read only to user space */
	struct ringprof_ring_tail *reader; /* written by user space */
#ifdef __KERNEL__
	struct page **pages;
	unsigned int n_pages;
#endif
};

/* Is there room for need bytes? Gives RINGPROF_OUT_EMITTED, or the loss that it is. */
static inline enum ringprof_outcome rp_ring_room(struct rp_ring *r, __u32 need)
{
	/* pairs with the reader's store_release(tail) (A) */
	__u64 tail = smp_load_acquire(&r->reader->tail);

	if (unlikely(!ringprof_pos_ok(r->head, tail, r->mask + 1)))
		return RINGPROF_LOST_BAD_TAIL;
	r->tail = tail;
	if (unlikely(ringprof_room(r->head, tail, r->mask + 1) < need))
		return RINGPROF_LOST_RING_FULL;
	return RINGPROF_OUT_EMITTED;
}

/* Where the byte at this position stands; contiguous for any record's length. */
static inline void *rp_ring_at(struct rp_ring *r, __u64 pos)
{
	return r->data + (pos & r->mask);
}

/* Makes all written up to head + len visible at once. */
static inline void rp_ring_commit(struct rp_ring *r, __u32 len)
{
	r->head += len;
	/* pairs with the reader's load_acquire(head) (B) */
	smp_store_release(&r->shared->head, r->head);
}

#ifdef __KERNEL__

/* The two shared pages, zeroed but for magic and versions. 0 or -ENOMEM. */
int rp_ring_alloc_pages(struct rp_ring *r, int cpu, __u64 instance);
/* The data area of this (valid) size; sampler of that CPU not running. 0 or -ENOMEM. */
int rp_ring_alloc_data(struct rp_ring *r, int cpu, __u32 size);
/* Pages that a reader has mapped live on until it unmaps them. */
void rp_ring_free_data(struct rp_ring *r);
void rp_ring_free_pages(struct rp_ring *r);

int rp_ring_mmap_tail(struct rp_ring *r, struct vm_area_struct *vma);
int rp_ring_mmap_head(struct rp_ring *r, struct vm_area_struct *vma);

#endif
#endif
