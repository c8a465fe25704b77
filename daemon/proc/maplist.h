/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The executable mappings of an address space, sorted by start, never
 * overlapping. Lists are shared between a parent and its forked children
 * until one of them maps something: most children exec at once and never need
 * their own.
 *
 * One thread. Every list adds its bytes to a counter of its owner's.
 */
#ifndef RINGPROF_PROC_MAPLIST_H
#define RINGPROF_PROC_MAPLIST_H

#include "proc/ptable.h"

#define MAPLIST_MAX 8192 /* a program may make 65530 of them, or a JIT thousands */

struct maplist {
	uint32_t refs;
	size_t n, cap;
	struct mapping *m;
	/* found by maplist_find, or past the end, and the one that was found before it */
	size_t last, before;
	uint64_t *bytes; /* owner's counter */
};

struct maplist *maplist_new(uint64_t *bytes); /* NULL: no memory */
struct maplist *maplist_ref(struct maplist *l);
void maplist_unref(struct maplist *l); /* NULL is fine */
/*
 * Puts a mapping in, over whatever was there: old mappings are cut, split or
 * dropped. new->file is NULL. Anonymous neighbours become one. *l is
 * replaced by a copy if it is shared, even where the mapping does not fit: who
 * keeps l->m elsewhere compares it after any answer. 1 changed, 0 it was there
 * already, -ENOMEM, -ENOSPC past MAPLIST_MAX.
 */
int maplist_add(struct maplist **l, const struct mapping *new);
/* Replaces a shared list by a copy; 0, or -ENOMEM (*l stays). */
int maplist_own(struct maplist **l);
/* maplist_find where it has to search. */
size_t maplist_search(struct maplist *l, uint64_t addr);

static inline bool maplist_holds(const struct maplist *l, size_t i, uint64_t addr)
{
	return i < l->n && l->m[i].start <= addr && addr < l->m[i].end;
}

/* Index of the mapping that holds addr, SIZE_MAX: none. */
static inline size_t maplist_find(struct maplist *l, uint64_t addr)
{
	/* a caller is mostly in the same file as who it called, or in the one before that */
	return maplist_holds(l, l->last, addr) ? l->last : maplist_search(l, addr);
}

#endif
