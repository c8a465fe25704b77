// SPDX-License-Identifier: GPL-2.0
/*
 * All code of one process, in versions (jit.h says what they are for). The
 * pieces of one version never overlap, so each version is a search tree whose
 * order calls overlapping pieces equal: whatever a hostile map lists, putting
 * a piece in and finding one cost JIT_MAX_VERSIONS tree walks at most.
 *
 * The thread of jit.c adds; any thread looks up. Frames refer to a table for as
 * long as their model lives, so it outlives its process and even the registry.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "sym/jit_int.h"

#define TREE_NODE 48 /* what a node of tsearch(3) costs, about */

static int by_place(const void *pa, const void *pb)
{
	const struct jit_code *a = pa, *b = pb;

	if (a->end <= b->start)
		return -1;
	return a->start >= b->end;
}

static struct jit_code *find_in(void *const *tree, uint64_t start, uint64_t end)
{
	struct jit_code key = { .start = start, .end = end };
	struct jit_code *const *node = tfind(&key, tree, by_place);

	return node ? *node : NULL;
}

struct jit_table *jit_table_new(struct jit *j)
{
	struct jit_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->j = jit_ref(j);
	t->refs = 1;
	t->bytes = sizeof(*t);
	pthread_mutex_init(&t->lock, NULL);
	STAILQ_INIT(&t->all);
	__atomic_fetch_add(&j->bytes, t->bytes, __ATOMIC_RELAXED);
	pthread_mutex_lock(&j->lock);
	t->id = ++j->next_id;
	TAILQ_INSERT_TAIL(&j->tables, t, link);
	pthread_mutex_unlock(&j->lock);
	return t;
}

static void no_free(void *p)
{
}

/* t->lock held, or nobody else knows t */
static void drop_code(struct jit_table *t)
{
	struct jit_code *c;

	for (uint32_t v = 0; v < t->n_versions; v++) {
		tdestroy(t->versions[v], no_free);
		t->versions[v] = NULL;
	}
	while ((c = STAILQ_FIRST(&t->all))) {
		STAILQ_REMOVE_HEAD(&t->all, link);
		free(c->lines);
		free(c);
	}
	__atomic_fetch_sub(&t->j->bytes, t->bytes - sizeof(*t), __ATOMIC_RELAXED);
	__atomic_store_n(&t->bytes, sizeof(*t), __ATOMIC_RELAXED);
	__atomic_store_n(&t->n_code, 0, __ATOMIC_RELAXED);
	t->n_versions = t->n_changes = 0;
}

void jit_table_clear(struct jit_table *t)
{
	pthread_mutex_lock(&t->lock);
	t->closed = true; /* versions would begin at 0 again and name old frames */
	drop_code(t);
	pthread_mutex_unlock(&t->lock);
}

struct jit_table *jit_table_ref(struct jit_table *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void jit_table_unref(struct jit_table *t)
{
	struct jit *j;

	if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
		return;
	j = t->j;
	pthread_mutex_lock(&j->lock);
	TAILQ_REMOVE(&j->tables, t, link);
	pthread_mutex_unlock(&j->lock);
	drop_code(t);
	__atomic_fetch_sub(&j->bytes, sizeof(*t), __ATOMIC_RELAXED);
	pthread_mutex_destroy(&t->lock);
	free(t);
	jit_unref(j);
}

uint32_t jit_table_id(const struct jit_table *t)
{
	return t->id;
}

/* Newest piece that overlaps [start, end). */
static struct jit_code *newest(const struct jit_table *t, uint64_t start, uint64_t end)
{
	for (uint32_t v = t->n_versions; v > 0; v--) {
		struct jit_code *c = find_in(&t->versions[v - 1], start, end);

		if (c)
			return c;
	}
	return NULL;
}

/* Past the limit of kept changes the last two become one, at the earlier time. */
static void note_change(struct jit_table *t, uint64_t time)
{
	uint32_t i = t->n_changes;

	if (i && t->changes[i - 1] == time)
		return;
	if (i == JIT_MAX_CHANGES) {
		if (time < t->changes[i - 1])
			t->changes[i - 1] = time;
		return;
	}
	for (; i && t->changes[i - 1] > time; i--)
		t->changes[i] = t->changes[i - 1];
	t->changes[i] = time;
	t->n_changes++;
	if (time < t->seen)
		jit_count(&t->j->c.late, 1);
}

bool jit_table_changed(struct jit_table *t, uint64_t time)
{
	uint32_t n = 0;

	pthread_mutex_lock(&t->lock);
	while (n < t->n_changes && t->changes[n] <= time)
		n++;
	memmove(t->changes, t->changes + n, (t->n_changes - n) * sizeof(t->changes[0]));
	t->n_changes -= n;
	t->seen = time;
	pthread_mutex_unlock(&t->lock);
	return n != 0;
}

static bool is_same(const struct jit_code *c, uint64_t start, uint64_t end, const char *name,
		    size_t len)
{
	return c->start == start && c->end == end && !strncmp(c->name, name, len) && !c->name[len];
}

static struct jit_code *make_code(uint64_t start, uint64_t end, uint64_t time, const char *name,
				  size_t len)
{
	struct jit_code *c = calloc(1, sizeof(*c) + len + 1);

	if (!c)
		return NULL;
	c->start = start;
	c->end = end;
	c->time = time;
	memcpy(c->name, name, len);
	return c;
}

/* t->lock held; takes lines when it gives JIT_ADDED */
static enum jit_add add(struct jit_table *t, uint64_t start, uint64_t end, uint64_t time,
			const char *name, size_t len, struct jit_lines *lines)
{
	size_t bytes = sizeof(struct jit_code) + len + 1 + TREE_NODE + (lines ? lines->bytes : 0);
	struct jit_code *top = newest(t, start, end), *c;
	uint32_t version = top ? top->version + 1 : 0;

	if (top && is_same(top, start, end, name, len))
		return JIT_SAME;
	if (t->closed || t->bytes + bytes > t->j->cfg.max_table_bytes)
		return JIT_FULL;
	if (version == JIT_MAX_VERSIONS)
		return JIT_CROWDED;
	c = make_code(start, end, time, name, len);
	if (!c || !tsearch(c, &t->versions[version], by_place)) {
		free(c);
		return JIT_FULL;
	}
	c->version = version;
	c->lines = lines;
	STAILQ_INSERT_TAIL(&t->all, c, link);
	if (version >= t->n_versions)
		t->n_versions = version + 1;
	__atomic_store_n(&t->n_code, t->n_code + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&t->bytes, t->bytes + bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->j->bytes, bytes, __ATOMIC_RELAXED);
	if (version)
		note_change(t, time);
	return JIT_ADDED;
}

enum jit_add jit_table_add(struct jit_table *t, uint64_t start, uint64_t end, uint64_t time,
			   const char *name, size_t len, struct jit_lines *lines)
{
	const char *nul = memchr(name, '\0', len);
	enum jit_add r;

	if (nul)
		len = (size_t)(nul - name);
	if (len >= JIT_NAME_MAX)
		len = JIT_NAME_MAX - 1;
	pthread_mutex_lock(&t->lock);
	r = add(t, start, end, time, name, len, lines);
	pthread_mutex_unlock(&t->lock);
	if (r != JIT_ADDED)
		free(lines);
	return r;
}

bool jit_table_move(struct jit_table *t, uint64_t old, uint64_t start, uint64_t size, uint64_t time,
		    enum jit_add *ret)
{
	struct jit_code *c;

	pthread_mutex_lock(&t->lock);
	c = newest(t, old, old + 1);
	if (c)
		*ret = add(t, start, start + size, time, c->name, strlen(c->name), NULL);
	pthread_mutex_unlock(&t->lock);
	return c != NULL;
}

struct jit_table *jit_table_renew(struct jit_table *t)
{
	struct jit_table *n = jit_table_new(t->j);
	struct jit_code *c;

	if (!n)
		return NULL;
	pthread_mutex_lock(&t->lock);
	n->seen = t->seen;
	STAILQ_FOREACH(c, &t->all, link)
	{
		/* hidden where it begins: something else stands there now */
		if (newest(t, c->start, c->start + 1) != c)
			continue;
		if (add(n, c->start, c->end, 0, c->name, strlen(c->name), NULL) != JIT_ADDED)
			jit_count(&t->j->c.full, 1);
	}
	n->n_changes = 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}

uint32_t jit_table_version(struct jit_table *t, uint64_t addr, uint64_t time)
{
	uint32_t first = 0;

	pthread_mutex_lock(&t->lock);
	for (uint32_t v = t->n_versions; v > 0; v--) {
		const struct jit_code *c = find_in(&t->versions[v - 1], addr, addr + 1);

		if (!c)
			continue;
		first = c->version;
		if (c->time <= time)
			break;
	}
	pthread_mutex_unlock(&t->lock);
	return first;
}

bool jit_table_covers(struct jit_table *t, uint64_t addr)
{
	bool r;

	pthread_mutex_lock(&t->lock);
	r = newest(t, addr, addr + 1) != NULL;
	pthread_mutex_unlock(&t->lock);
	return r;
}

static void line_of(const struct jit_lines *l, uint64_t addr, struct jit_symbol *ret)
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->at[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return;
	ret->line = l->at[lo - 1].line;
	strncpy(ret->file, l->texts + l->at[lo - 1].file, JIT_NAME_MAX - 1);
	ret->file[JIT_NAME_MAX - 1] = '\0';
}

bool jit_table_symbol(struct jit_table *t, uint32_t version, uint64_t addr, struct jit_symbol *ret)
{
	const struct jit_code *c = NULL;

	ret->file[0] = '\0';
	ret->line = 0;
	pthread_mutex_lock(&t->lock);
	/* a name that came after the sample may have gone above what else it overlaps */
	for (uint32_t v = version; v < t->n_versions && !c; v++)
		c = find_in(&t->versions[v], addr, addr + 1);
	if (c) {
		ret->start = c->start;
		strcpy(ret->name, c->name); /* jit_table_add cut it */
		if (c->lines)
			line_of(c->lines, addr, ret);
	}
	pthread_mutex_unlock(&t->lock);
	return c != NULL;
}
