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

static void swap(struct merge *m, size_t a, size_t b)
{
	struct stream *s = m->heap[a];

	m->heap[a] = m->heap[b];
	m->heap[b] = s;
}

static void sink(struct merge *m, size_t i)
{
	for (;;) {
		size_t l = 2 * i + 1, r = l + 1, min = i;

		if (l < m->n && before(m->heap[l], m->heap[min]))
			min = l;
		if (r < m->n && before(m->heap[r], m->heap[min]))
			min = r;
		if (min == i)
			return;
		swap(m, i, min);
		i = min;
	}
}

static void rise(struct merge *m, size_t i)
{
	while (i && before(m->heap[i], m->heap[(i - 1) / 2])) {
		swap(m, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
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
	rise(m, m->n - 1);
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
		sink(m, 0);
	}
	m->n = 0;
	m->added = 0;
	if (cutoff > m->upto)
		m->upto = cutoff;
}
