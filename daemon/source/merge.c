// SPDX-License-Identifier: GPL-2.0
/*
 * A binary heap of streams by the time of their event at hand. After a
 * delivery the top stream takes its next event and sinks, which is mostly one
 * comparison or two: a CPU's samples come in runs.
 */
#include "source/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void merge_free(struct merge *m)
{
	free(m->heap);
	memset(m, 0, sizeof(*m));
}

/* Puts the next event at hand, unless one waits there; its time never goes back. */
static bool advance(struct merge *m, struct stream *s)
{
	if (!s->ready) {
		if (!s->ops->next(s))
			return false;
		s->ready = true;
		m->late += s->time < m->upto;
	}
	if (s->time < s->last)
		s->time = s->last;
	if (s->time < m->upto)
		s->time = m->upto;
	return true;
}

static bool before(const struct stream *a, const struct stream *b)
{
	return a->time < b->time || (a->time == b->time && a->order < b->order);
}

/* Moves the stream at the top down to its place. */
static void sink(struct merge *m)
{
	struct stream *s = m->heap[0];
	size_t i = 0, kid;

	while ((kid = 2 * i + 1) < m->n) {
		if (kid + 1 < m->n && before(m->heap[kid + 1], m->heap[kid]))
			kid++;
		if (!before(m->heap[kid], s))
			break;
		m->heap[i] = m->heap[kid];
		i = kid;
	}
	m->heap[i] = s;
}

/* Moves the stream at the end up to its place. */
static void rise(struct merge *m)
{
	size_t i = m->n - 1;
	struct stream *s = m->heap[i];

	while (i && before(s, m->heap[(i - 1) / 2])) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = s;
}

static int reserve(struct merge *m)
{
	size_t cap = m->cap ? m->cap * 2 : 16;
	struct stream **p;

	if (m->n < m->cap)
		return 0;
	p = realloc(m->heap, cap * sizeof(*p));
	if (!p)
		return -ENOMEM;
	m->heap = p;
	m->cap = cap;
	return 0;
}

int merge_add(struct merge *m, struct stream *s)
{
	int r = reserve(m);

	if (r) {
		m->n = 0;
		m->added = 0;
		return r;
	}
	if (!advance(m, s))
		return 0;
	s->order = m->added++;
	m->heap[m->n++] = s;
	rise(m);
	return 0;
}

void merge_run(struct merge *m, uint64_t cutoff)
{
	while (m->n) {
		struct stream *s = m->heap[0];

		if (s->time >= cutoff)
			break;
		if (s->ops->deliver(s) == -EAGAIN) {
			/* it and what is not older wait for the next round */
			cutoff = s->time;
			break;
		}
		s->ready = false;
		s->last = s->time;
		if (!advance(m, s))
			m->heap[0] = m->heap[--m->n];
		sink(m);
	}
	m->n = 0;
	m->added = 0;
	if (cutoff > m->upto)
		m->upto = cutoff;
}
