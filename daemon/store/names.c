// SPDX-License-Identifier: GPL-2.0
/*
 * Rows and lines are arrays that grow, so they may move: a reader-writer lock
 * guards them. Queries name a frame once, not once per sample, so the lock is
 * cheap beside what follows.
 */
#include "store/names.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strtab.h"

/* names made of addresses; past it all such places share one */
#define MADE_BYTES (1 << 20)

struct row {
	uint64_t off, func_start;
	int64_t bias;
	const char *module;
	uint32_t object, first_line;
	uint16_t n_lines;
	bool has_vaddr;
};

struct name_table {
	int refs;
	pthread_rwlock_t lock;
	struct row *rows;
	size_t n_rows, cap_rows;
	struct sym_line *lines;
	size_t n_lines, cap_lines;
	struct hmap index; /* of hash_mix(object, off) */
	struct stored_names **handles;
	size_t n_handles, cap_handles;
	struct strtab *made;
};

struct name_table *name_table_new(void)
{
	struct name_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->refs = 1;
	t->made = strtab_new();
	if (!t->made) {
		free(t);
		return NULL;
	}
	pthread_rwlock_init(&t->lock, NULL);
	return t;
}

void name_table_unref(struct name_table *t)
{
	if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < t->n_handles; i++)
		free(t->handles[i]);
	free(t->handles);
	free(t->rows);
	free(t->lines);
	strtab_free(t->made);
	hmap_free(&t->index);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

size_t name_table_bytes(const struct name_table *t)
{
	return sizeof(*t) + t->cap_rows * sizeof(*t->rows) + t->cap_lines * sizeof(*t->lines) +
	       hmap_bytes(&t->index) + t->n_handles * sizeof(struct stored_names);
}

struct stored_names *name_table_object(struct name_table *t, const struct stored_names *in)
{
	struct stored_names **h =
		array_room(t->handles, &t->cap_handles, t->n_handles + 1, sizeof(*h));
	struct stored_names *s;

	if (!h)
		return NULL;
	t->handles = h;
	s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	*s = *in;
	s->table = t;
	t->handles[t->n_handles++] = s;
	return s;
}

static uint64_t place(uint32_t object, uint64_t off)
{
	return hash_mix(off, object);
}

/* With the lock held; NULL: none. */
static struct row *find(struct name_table *t, uint32_t object, uint64_t off)
{
	uint32_t i;

	HMAP_FOR_EACH (&t->index, place(object, off), it, i)
		if (t->rows[i].object == object && t->rows[i].off == off)
			return &t->rows[i];
	return NULL;
}

static int room(struct name_table *t, uint32_t lines)
{
	struct row *rows = array_room(t->rows, &t->cap_rows, t->n_rows + 1, sizeof(*rows));
	struct sym_line *l;

	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	l = array_room(t->lines, &t->cap_lines, t->n_lines + lines, sizeof(*l));
	if (!l)
		return -ENOMEM;
	t->lines = l;
	return 0;
}

static int add(struct name_table *t, const struct name_row *in)
{
	struct row *r;

	if (in->n_lines > SYM_MAX_LINES || room(t, in->n_lines))
		return -ENOMEM;
	r = find(t, in->object, in->off);
	if (!r) {
		if (hmap_insert(&t->index, place(in->object, in->off), (uint32_t)t->n_rows))
			return -ENOMEM;
		r = &t->rows[t->n_rows++];
	}
	*r = (struct row){ .off = in->off,
			   .func_start = in->func_start,
			   .bias = in->bias,
			   .module = in->module,
			   .object = in->object,
			   .first_line = (uint32_t)t->n_lines,
			   .n_lines = (uint16_t)in->n_lines,
			   .has_vaddr = in->has_vaddr };
	memcpy(t->lines + t->n_lines, in->lines, in->n_lines * sizeof(*in->lines));
	t->n_lines += in->n_lines;
	return 0;
}

int name_table_add(struct name_table *t, const struct name_row *row)
{
	int r;

	pthread_rwlock_wrlock(&t->lock);
	r = add(t, row);
	pthread_rwlock_unlock(&t->lock);
	return r;
}

bool name_table_get(struct name_table *t, uint32_t object, uint64_t off, struct name_row *ret)
{
	struct row *r;

	pthread_rwlock_rdlock(&t->lock);
	r = find(t, object, off);
	if (r)
		*ret = (struct name_row){ .object = object,
					  .off = off,
					  .func_start = r->func_start,
					  .bias = r->bias,
					  .has_vaddr = r->has_vaddr,
					  .module = r->module,
					  .n_lines = r->n_lines,
					  .lines = t->lines + r->first_line };
	pthread_rwlock_unlock(&t->lock);
	return r != NULL;
}

const struct stored_names *stored_names_ref(const struct stored_names *s)
{
	__atomic_add_fetch(&s->table->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void stored_names_unref(const struct stored_names *s)
{
	if (s)
		name_table_unref(s->table);
}

static bool kept_name(const struct stored_names *s, uint64_t off, struct sym_answer *ret)
{
	struct name_table *t = s->table;
	struct row *r;
	bool there;

	pthread_rwlock_rdlock(&t->lock);
	r = find(t, s->object, off);
	there = r && r->n_lines;
	if (there && ret) {
		ret->n = r->n_lines;
		memcpy(ret->lines, t->lines + r->first_line, r->n_lines * sizeof(*t->lines));
		ret->func_start = r->func_start;
		ret->named = 1;
		snprintf(ret->module, sizeof(ret->module), "%s", r->module);
	}
	pthread_rwlock_unlock(&t->lock);
	return there;
}

bool stored_is_named(const struct stored_names *s, uint64_t off)
{
	return kept_name(s, off, NULL);
}

static const char *made_text(struct name_table *t, const char *text)
{
	uint32_t id = UINT32_MAX;
	const char *ret;

	pthread_rwlock_wrlock(&t->lock);
	if (strtab_bytes(t->made) < MADE_BYTES)
		id = strtab_add(t->made, text);
	ret = id == UINT32_MAX ? "[unknown]" : strtab_get(t->made, id);
	pthread_rwlock_unlock(&t->lock);
	return ret;
}

static const char *made_name(const struct stored_names *s, uint64_t off)
{
	const char *base = strrchr(s->name, '/');
	char text[320];

	if (s->kind == FRAME_ANON)
		return "[anon]";
	if (s->kind == FRAME_UNKNOWN)
		return "[unknown]";
	base = s->kind == FRAME_KERNEL ? "[kernel]" : base ? base + 1 : s->name;
	snprintf(text, sizeof(text), "%.255s+0x%" PRIx64, base, off);
	return made_text(s->table, text);
}

bool stored_name(const struct stored_names *s, uint64_t off, struct sym_answer *ret)
{
	if (kept_name(s, off, ret))
		return true;
	if (s->kind == FRAME_MARK)
		return false;
	memset(ret, 0, offsetof(struct sym_answer, lines) + sizeof(ret->lines[0]));
	ret->n = 1;
	ret->lines[0].name = ret->lines[0].system_name = made_name(s, off);
	ret->lines[0].file = "";
	ret->func_start = 0;
	ret->named = 0;
	ret->module[0] = '\0';
	return true;
}

bool stored_vaddr(const struct stored_names *s, uint64_t off, uint64_t *ret)
{
	struct name_table *t = s->table;
	struct row *r;
	bool there;

	pthread_rwlock_rdlock(&t->lock);
	r = find(t, s->object, off);
	there = r && r->has_vaddr;
	if (there)
		*ret = off + (uint64_t)r->bias;
	pthread_rwlock_unlock(&t->lock);
	return there;
}
