/* SPDX-License-Identifier: GPL-2.0 */
/* The lists of address spaces, between mm.c, which keeps them, and mm_read.c, which makes them. */
#ifndef RINGPROF_KMOD_MM_LIST_H
#define RINGPROF_KMOD_MM_LIST_H

#include <linux/list.h>

#include "mm.h"

/* what a mapping is of, to find tables that come later */
struct rp_mm_file {
	struct rp_file_id id;
	u64 offset;	   /* in the file */
	const void *pages; /* the file's address_space; compared, never followed */
};

/* Has a sample met it changed, be it as it was again by now? */
enum rp_mm_moved {
	RP_MM_STILL,
	RP_MM_MOVED,
	RP_MM_MOVED_READING, /* the same, and a reading has begun since */
};

struct rp_mm_entry {
	struct rp_mm list; /* what the sampler gets */
	struct rp_mm_entry __rcu *next;
	struct mm_struct *mm;	    /* grabbed */
	unsigned long exec_vm;	    /* the mm's when it was read */
	unsigned long used;	    /* jiffies of the last sample */
	unsigned long read;	    /* jiffies when it was read */
	unsigned long changed_next; /* jiffies: not read before, though it changed */
	unsigned long again;	    /* jiffies: to be read even if it seems unchanged */
	bool churns;		    /* executable memory comes and goes, and no file with it */
	bool swaps;		    /* files have gone from it */
	bool none;		    /* it could not be read, or had no room; swaps is set too */
	u8 moved;		    /* enum rp_mm_moved */
	unsigned long late;	    /* jiffies: what came late has stayed by then */

	/* under rp_registry */
	u32 interval; /* jiffies from one change to the next reading */
	u64 bytes;
	struct list_head dead;
	struct rp_mm_file *file; /* of each map */
	struct rp_mm_map map[];
};

/* The entry of an mm: rp_registry held, sampler, or rcu_read_lock_sched(). NULL: none. */
struct rp_mm_entry *rp_mm_find(const struct mm_struct *mm);

/* Is a reading of mm called for, and due? Any context that holds e. */
bool rp_mm_is_due(const struct rp_mm_entry *e, const struct mm_struct *mm);

/*
 * rp_registry held. Puts e (mm not known yet) into the table; others go if there are too
 * many (rp_mm_make_room). False: none could, e is still the caller's.
 */
bool rp_mm_insert(struct rp_mm_entry *e);
/* rp_registry held: e in place of old, of the same mm. False: no room; old went, e did not. */
bool rp_mm_replace(struct rp_mm_entry *old, struct rp_mm_entry *e);
/* rp_registry held: for a list of so many bytes. False: there is none now. */
bool rp_mm_make_room(u64 bytes);

/* The works of lists. */
extern struct workqueue_struct *rp_mm_queue;
/* Sampler, of c's CPU: mm is to be read. A note too few is no loss: the next sample leaves it. */
void rp_mm_leave_note(struct rp_cpu *c, struct mm_struct *mm);
/* Module load: 0 or -ENOMEM. */
int rp_mm_notes_start(void);
/* What was noted and is not read yet; samplers are off. Sleeps. */
void rp_mm_notes_forget(void);
/* Module exit, no work is left. */
void rp_mm_notes_end(void);

/*
 * Reads an address space and takes the list over. Process context. since: when
 * it was asked for. Takes the grabbed reference.
 */
void rp_mm_read(struct mm_struct *mm, u64 since);
void rp_mm_read_exit(void);

struct rp_mm_counters {
	u64 walks, failed, evicted, late;
};

extern struct rp_mm_counters rp_mm_counted; /* by the worker alone */

#endif
