// SPDX-License-Identifier: GPL-2.0
/* Sorted mapping lists; see maplist.h. */
#include "proc/maplist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct maplist *maplist_new(uint64_t *bytes)
{
	struct maplist *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->refs = 1;
	l->bytes = bytes;
	*bytes += sizeof(*l);
	return l;
}

struct maplist *maplist_ref(struct maplist *l)
{
	if (l)
		l->refs++;
	return l;
}

void maplist_unref(struct maplist *l)
{
	if (!l || --l->refs)
		return;
	for (size_t i = 0; i < l->n; i++)
		file_unref(l->m[i].file);
	*l->bytes -= sizeof(*l) + l->cap * sizeof(*l->m);
	free(l->m);
	free(l);
}

static struct mapping copy_of(const struct mapping *m)
{
	struct mapping c = *m;

	if (c.file)
		file_ref(c.file);
	return c;
}

static int reserve(struct maplist *l, size_t n)
{
	size_t before = l->cap;
	struct mapping *m;

	if (n > MAPLIST_MAX)
		return -ENOSPC;
	m = array_room(l->m, &l->cap, n, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*l->bytes += (l->cap - before) * sizeof(*m);
	l->m = m;
	return 0;
}

int maplist_own(struct maplist **l)
{
	struct maplist *own;
	int r;

	if ((*l)->refs == 1)
		return 0;
	own = maplist_new((*l)->bytes);
	r = own ? reserve(own, (*l)->n) : -ENOMEM;
	if (r) {
		maplist_unref(own);
		return r;
	}
	for (size_t i = 0; i < (*l)->n; i++)
		own->m[own->n++] = copy_of(&(*l)->m[i]);
	maplist_unref(*l);
	*l = own;
	return 0;
}

/* First mapping that ends behind addr. */
static size_t first_after(const struct maplist *l, uint64_t addr)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->m[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t maplist_search(struct maplist *l, uint64_t addr)
{
	size_t before = l->before;

	l->before = l->last;
	l->last = maplist_holds(l, before, addr) ? before : first_after(l, addr);
	return maplist_holds(l, l->last, addr) ? l->last : SIZE_MAX;
}

static bool same(const struct mapping *a, const struct mapping *b)
{
	return a->start == b->start && a->end == b->end && a->pgoff == b->pgoff &&
	       a->kind == b->kind && a->ino == b->ino && a->maj == b->maj && a->min == b->min &&
	       a->path == b->path &&
	       /* a file made anew may have the number of the one before it */
	       (!a->generation || !b->generation || a->generation == b->generation);
}

static bool joins(const struct mapping *a, const struct mapping *b)
{
	return a->kind == MAPPING_ANON && b->kind == MAPPING_ANON && a->path == b->path;
}

/* Takes anonymous neighbours into new, which then replaces them. */
static void join(const struct maplist *l, struct mapping *new)
{
	size_t i = first_after(l, new->start);

	if (i && l->m[i - 1].end == new->start &&joins(&l->m[i - 1], new))
		new->start = l->m[i - 1].start;
	if (i < l->n && l->m[i].start < new->start &&joins(&l->m[i], new))
		new->start = l->m[i].start;
	i = first_after(l, new->end);
	if (i < l->n && l->m[i].start <= new->end &&joins(&l->m[i], new))
		new->end = l->m[i].end;
}

/* What stays of the mappings [i, j) on both sides of new, and new itself. */
static size_t pieces(const struct maplist *l, size_t i, size_t j, const struct mapping *new,
		     struct mapping out[3])
{
	size_t n = 0;

	if (i < j && l->m[i].start < new->start) {
		out[n] = copy_of(&l->m[i]);
		out[n++].end = new->start;
	}
	out[n++] = *new;
	if (i < j && l->m[j - 1].end > new->end) {
		out[n] = copy_of(&l->m[j - 1]);
		if (out[n].kind == MAPPING_FILE)
			out[n].pgoff += new->end - out[n].start;
		out[n++].start = new->end;
	}
	return n;
}

int maplist_add(struct maplist **lp, const struct mapping *mapping)
{
	struct mapping new = *mapping, out[3];
	struct maplist *l = *lp;
	size_t i, j, n;
	int r;

	i = first_after(l, new.start);
	if (i < l->n && same(&l->m[i], &new))
		return 0;
	if (new.kind == MAPPING_ANON) {
		join(l, &new);
		i = first_after(l, new.start);
		if (i < l->n && same(&l->m[i], &new))
			return 0;
	}
	r = maplist_own(lp);
	l = *lp;
	if (!r)
		r = reserve(l, l->n + 2);
	if (r)
		return r;
	for (j = i; j < l->n && l->m[j].start < new.end; j++)
		;
	n = pieces(l, i, j, &new, out);
	for (size_t k = i; k < j; k++)
		file_unref(l->m[k].file);
	memmove(&l->m[i + n], &l->m[j], (l->n - j) * sizeof(*l->m));
	memcpy(&l->m[i], out, n * sizeof(*out));
	l->n = l->n - (j - i) + n;
	return 1;
}
