// SPDX-License-Identifier: GPL-2.0
/* Answers by (file, offset); their lines stand one behind the other in one array. */
#include "sym/answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hmap.h"

struct answer {
	uint64_t off, func_start;
	uint32_t file_id;
	uint32_t first; /* of its lines */
	uint16_t n;
	bool named;
};

struct answers {
	pthread_mutex_t lock;
	struct hmap index;
	struct answer *list;
	struct sym_line *lines;
	uint32_t n, n_lines;
	size_t cap, cap_lines, max_bytes;
	uint64_t since, hits;
};

struct answers *answers_new(size_t max_bytes)
{
	struct answers *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	a->max_bytes = max_bytes;
	a->since = mono_now();
	return a;
}

void answers_free(struct answers *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	hmap_free(&a->index);
	free(a->list);
	free(a->lines);
	free(a);
}

static size_t bytes(const struct answers *a)
{
	return hmap_bytes(&a->index) + a->cap * sizeof(*a->list) + a->cap_lines * sizeof(*a->lines);
}

/* the arrays are given back too: a cache that was once full need not stay so */
static void clear(struct answers *a)
{
	hmap_free(&a->index);
	memset(&a->index, 0, sizeof(a->index));
	free(a->list);
	free(a->lines);
	a->list = NULL;
	a->lines = NULL;
	a->n = a->n_lines = 0;
	a->cap = a->cap_lines = 0;
	a->since = mono_now();
}

static uint64_t hash_of(uint32_t file_id, uint64_t off)
{
	return hash_mix(off, file_id);
}

static const struct answer *find(const struct answers *a, uint32_t file_id, uint64_t off)
{
	uint32_t i;

	HMAP_FOR_EACH (&a->index, hash_of(file_id, off), it, i)
		if (a->list[i].off == off && a->list[i].file_id == file_id)
			return &a->list[i];
	return NULL;
}

bool answers_get(struct answers *a, uint32_t file_id, uint64_t off, struct sym_answer *ret)
{
	const struct answer *have;

	pthread_mutex_lock(&a->lock);
	have = find(a, file_id, off);
	if (have) {
		a->hits++;
		ret->n = have->n;
		ret->unsettled = false; /* as far as is known */
		ret->unread = ret->reader_away = false;
		ret->named = have->named;
		ret->func_start = have->func_start;
		memcpy(ret->lines, a->lines + have->first, have->n * sizeof(*a->lines));
	}
	pthread_mutex_unlock(&a->lock);
	return have != NULL;
}

/* Room for one more answer with n lines; false: no memory. */
static bool make_room(struct answers *a, uint32_t n)
{
	struct answer *list;
	struct sym_line *lines;

	if (a->n && (mono_now() - a->since > ANSWERS_MAX_AGE_NS || bytes(a) > a->max_bytes))
		clear(a);
	list = array_room(a->list, &a->cap, (size_t)a->n + 1, sizeof(*list));
	if (!list)
		return false;
	a->list = list;
	lines = array_room(a->lines, &a->cap_lines, (size_t)a->n_lines + n, sizeof(*lines));
	if (!lines)
		return false;
	a->lines = lines;
	return true;
}

static void put(struct answers *a, uint32_t file_id, uint64_t off, const struct sym_answer *ans)
{
	struct answer *new;

	if (find(a, file_id, off) || !make_room(a, ans->n) ||
	    hmap_insert(&a->index, hash_of(file_id, off), a->n))
		return;
	new = &a->list[a->n++];
	*new = (struct answer){ .off = off,
				.func_start = ans->func_start,
				.file_id = file_id,
				.first = a->n_lines,
				.n = (uint16_t)ans->n,
				.named = ans->named };
	memcpy(a->lines + a->n_lines, ans->lines, ans->n * sizeof(*a->lines));
	a->n_lines += ans->n;
}

void answers_put(struct answers *a, uint32_t file_id, uint64_t off, const struct sym_answer *ans)
{
	pthread_mutex_lock(&a->lock);
	put(a, file_id, off, ans);
	pthread_mutex_unlock(&a->lock);
}

void answers_clear(struct answers *a)
{
	pthread_mutex_lock(&a->lock);
	clear(a);
	pthread_mutex_unlock(&a->lock);
}

size_t answers_bytes(struct answers *a, uint64_t *hits)
{
	size_t r;

	pthread_mutex_lock(&a->lock);
	r = bytes(a);
	if (hits)
		*hits = a->hits;
	pthread_mutex_unlock(&a->lock);
	return r;
}
