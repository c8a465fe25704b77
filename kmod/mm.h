/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which files an address space has mapped executable, found out by the module
 * itself: the sampler asks for the list of current->mm, and where there is
 * none yet (or the address space changed) it leaves a note for a worker, which
 * reads the mappings in process context.
 *
 * A list is keyed by the address of its mm and keeps the mm_struct (not the
 * memory) alive, so that address is never another one's. Lists of address
 * spaces whose last user is gone are dropped within a second.
 */
#ifndef RINGPROF_KMOD_MM_H
#define RINGPROF_KMOD_MM_H

#include <linux/hardirq.h>
#include <linux/irq_work.h>
#include <linux/types.h>

#include "table.h"

struct mm_struct;
struct rp_cpu;

#ifdef RINGPROF_TEST
#define RP_MM_MAX 64 /* a crowd that a virtual machine can have fills it */
#else
#define RP_MM_MAX 4096 /* address spaces */
#endif
#define RP_MM_MAX_MAPS 4096	   /* of one */
#define RP_MM_BYTES    (16U << 20) /* of all lists */

struct rp_mm_map {
	u64 start, end;
	/* set before table is: read them by rp_mm_table() */
	u64 bias;
	struct rp_table *table; /* NULL: file without a table */
	const void *pages;	/* whose pages they are, see rp_arch_maps(); NULL: the vDSO's */
	u64 offset;		/* of start in the file */
	bool late;		/* came while it was looked on: it may go the same way */
};

/* Freed after RCU. The ranges never change, their tables come and go. */
struct rp_mm {
	u32 n;	      /* of map, ascending, files and the vDSO only */
	u32 n_tables; /* maps with a table; 0: frame pointers alone will do */
	struct rp_mm_map *map;
};

/* an address space that the sampler met and could not tell about */
struct rp_mm_note {
	struct mm_struct *mm; /* grabbed */
	u64 time;	      /* of the sample */
};

#define RP_MM_NOTES 16

/* Notes of one CPU: its sampler is the writer, the worker the reader. */
struct rp_mm_notes {
	u32 head, tail;
	struct rp_mm_note note[RP_MM_NOTES];
	struct irq_work wake;
};

/* that a sample may look at */
#define RP_MM_PAGES 64

/* Pages of one CPU that its sampler has looked at, and that a thread lets go of. */
struct rp_mm_pages {
	u32 head, tail;
	struct page *page[RP_MM_PAGES];
	struct irq_work put;
};

int rp_mm_init(void);
/* Forgets all address spaces; samplers are off. What was begun is done. Sleeps. */
void rp_mm_forget(void);
/* After rp_mm_forget(), at module exit. */
void rp_mm_exit(void);

void rp_mm_notes_init(struct rp_mm_notes *n);
void rp_mm_pages_init(struct rp_mm_pages *p);
/* No page is held when this returns; the CPU's sampler is off. Sleeps. */
void rp_mm_pages_sync(struct rp_mm_pages *p);

/*
 * The list of current->mm (not NULL): NULL when it is not known yet; a reading
 * is on its way then. An empty list when there are no tables at all. *ret_doubt:
 * it is not known, or files have come or gone since, or do so all the time: each
 * page is to be looked at before its mapping is believed (rp_arch_maps()), and
 * what is not in the list be looked up by page. Sampler only (IRQ,
 * NMI; no lock, no allocation); good until the interrupt ends.
 */
const struct rp_mm *rp_mm_current(struct rp_cpu *c, bool *ret_doubt);

/* The mapping at pc; NULL: none, or one that no file is behind. */
const struct rp_mm_map *rp_mm_map_at(const struct rp_mm *m, u64 pc);

/* Its table, or NULL. *ret_vaddr: pc as the file has it. */
static inline struct rp_table *rp_mm_table(const struct rp_mm_map *map, u64 pc, u64 *ret_vaddr)
{
	/* pairs with mm.c:attach() */
	struct rp_table *t = smp_load_acquire(&map->table);

	*ret_vaddr = pc - READ_ONCE(map->bias);
	return t;
}

/* May a page be held for a moment, here and now? See mm_page.c. */
static inline bool rp_mm_holds_pages(void)
{
	return !in_nmi();
}

/*
 * The table of the file whose page lies at pc of current's address space, NULL:
 * none, or more pages were looked at in a moment than a CPU has places for. pc - *ret_bias is
 * the address as the file has it. Sampler, where rp_mm_holds_pages().
 */
struct rp_table *rp_mm_table_by_page(u64 pc, u64 *ret_bias);

/* rp_registry held: t came into use; it goes (NULL: no successor, else in its place). */
void rp_mm_attach_table(struct rp_table *t);
void rp_mm_detach_table(struct rp_table *t, struct rp_table *next);

/* Bytes of all lists. No lock. */
u64 rp_mm_bytes(void);

/* of enum ringprof_unwind_counter, those that no sampler counts; added to sum[] */
void rp_mm_add_counters(u64 *sum);

#endif
