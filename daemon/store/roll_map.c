// SPDX-License-Identifier: GPL-2.0
/*
 * From the numbers of a window's model to those of the files: each row of the
 * model is looked at once, as long as windows of it come. Frames that the
 * dictionary did not have are noted, to be named when its lock is given back:
 * naming may read debug information.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "store/history.h"
#include "store/roll_int.h"

void roll_map_reset(struct roll_map *m)
{
	model_unref(m->model);
	free(m->objects);
	free(m->frames);
	free(m->stacks);
	free(m->threads);
	hmap_free(&m->pairs);
	free(m->unnamed);
	memset(m, 0, sizeof(*m));
}

size_t roll_map_bytes(const struct roll_map *m)
{
	return (m->n[0] + m->n[1] + m->n[2] + m->n[3]) * sizeof(uint32_t) + hmap_bytes(&m->pairs) +
	       m->cap_unnamed * sizeof(*m->unnamed);
}

static int grow(uint32_t **p, size_t *n, size_t want)
{
	uint32_t *a;

	if (want <= *n)
		return 0;
	want += want / 4;
	a = realloc(*p, want * sizeof(*a));
	if (!a)
		return -ENOMEM;
	memset(a + *n, 0, (want - *n) * sizeof(*a));
	*p = a;
	*n = want;
	return 0;
}

int roll_map_follow(struct roll_map *m, struct model *model, const struct dict *dict)
{
	uint32_t counts[6];

	if (m->model != model || m->dict != dict) {
		roll_map_reset(m);
		m->model = model_ref(model);
		m->dict = dict;
	}
	model_counts(model, counts);
	return grow(&m->objects, &m->n[0], counts[0]) || grow(&m->frames, &m->n[1], counts[1]) ||
			       grow(&m->stacks, &m->n[2], counts[2]) ||
			       grow(&m->threads, &m->n[3], counts[5])
		       ? -ENOMEM
		       : 0;
}

/* What tells addresses of that object apart from the same ones of another boot or run. */
static void key_of(const struct roll *r, const struct model_object *o, struct stored_key *key)
{
	memset(key, 0, sizeof(*key));
	if (o->stored) {
		*key = o->stored->key;
		return;
	}
	if (o->kind == FRAME_USER && o->file)
		memcpy(key->file, o->file->key, sizeof(key->file));
	if (o->kind == FRAME_KERNEL || o->kind == FRAME_VDSO)
		key->epoch = r->history->boot;
	if (o->jit) {
		key->epoch = r->history->run;
		key->jit = (uint64_t)jit_table_id(o->jit) << 32 | o->jit_version;
	}
}

static uint32_t map_object(struct roll *r, uint32_t i)
{
	const struct model_object *o = model_object(r->map.model, i);
	struct stored_key key;
	uint32_t number;

	if (i >= r->map.n[0] || !o->name)
		return UINT32_MAX;
	if (r->map.objects[i])
		return r->map.objects[i] - 1;
	key_of(r, o, &key);
	number = dict_object(r->dict, o, &key);
	if (number != UINT32_MAX)
		r->map.objects[i] = number + 1;
	return number;
}

static int note_fresh(struct roll *r, uint32_t frame, uint32_t src)
{
	struct roll_fresh *f = array_room(r->fresh, &r->cap_fresh, r->n_fresh + 1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	r->fresh = f;
	f[r->n_fresh++] = (struct roll_fresh){ .frame = frame, .src = src };
	return 0;
}

static uint64_t offset_of(const struct roll *r, const struct model_frame *f)
{
	const struct model_object *o = model_object(r->map.model, f->object);
	const struct history_config *cfg = &r->history->cfg;

	return o->kind == FRAME_KERNEL && !o->stored && cfg->tell ? cfg->tell(cfg->arg, o, f->off)
								  : f->off;
}

static uint32_t map_frame(struct roll *r, uint32_t i)
{
	const struct model_frame *f = model_frame(r->map.model, i);
	uint32_t object, number, counts[6];

	if (i >= r->map.n[1])
		return UINT32_MAX;
	if (r->map.frames[i])
		return r->map.frames[i] - 1;
	object = map_object(r, f->object);
	if (object == UINT32_MAX)
		return UINT32_MAX;
	model_counts(r->dict->model, counts);
	number = model_add_frame(r->dict->model, object, offset_of(r, f));
	if (number == UINT32_MAX || (number >= counts[1] && note_fresh(r, number, i)))
		return UINT32_MAX;
	r->map.frames[i] = number + 1;
	return number;
}

/* Turns the way up to a known stack round, so that it can be walked down without recursion. */
uint32_t roll_map_stack(struct roll *r, uint32_t stack)
{
	struct {
		uint32_t stack, frame;
	} chain[4096];
	uint32_t n = 0, up = 0;

	while (stack && n < ARRAY_SIZE(chain)) {
		const struct model_stack *s;

		if (stack >= r->map.n[2])
			return UINT32_MAX;
		if (r->map.stacks[stack]) {
			up = r->map.stacks[stack] - 1;
			break;
		}
		s = model_stack(r->map.model, stack);
		if (s->parent >= stack)
			return UINT32_MAX;
		chain[n].stack = stack;
		chain[n++].frame = s->frame;
		stack = s->parent;
	}
	if (stack && !r->map.stacks[stack])
		return UINT32_MAX;
	while (n) {
		uint32_t frame = map_frame(r, chain[--n].frame);

		if (frame != UINT32_MAX)
			up = model_add_stack(r->dict->model, up, frame);
		if (frame == UINT32_MAX || up == UINT32_MAX)
			return UINT32_MAX;
		r->map.stacks[chain[n].stack] = up + 1;
	}
	return up;
}

/* Too many label sets: what is one too many counts as this one. */
static uint32_t other_series(struct roll *r)
{
	struct model_series s = { .n = 2 };

	s.labels[0].key = "host";
	s.labels[0].value = r->history->host;
	s.labels[1].key = "service_name";
	s.labels[1].value = "other";
	r->others++;
	return dict_series(r->dict, &s, NULL, NULL);
}

/* A label set of the thread's own: that is how a raw file knows it. */
static uint32_t thread_series(struct roll *r, const struct model_thread *t,
			      const struct model_proc *p)
{
	struct model_series s = *model_series(r->map.model, p->series);
	char pid[16], tid[16];

	snprintf(pid, sizeof(pid), "%d", p->pid);
	snprintf(tid, sizeof(tid), "%d", t->tid);
	series_put(&s, DICT_PID, pid, false);
	series_put(&s, DICT_TID, tid, false);
	return dict_series(r->dict, &s, p->comm, p->exe);
}

uint32_t roll_map_thread(struct roll *r, uint32_t i)
{
	const struct model_thread *t = model_thread(r->map.model, i);
	const struct model_proc *p = model_proc(r->map.model, t->proc);
	struct dict *d = r->dict;
	uint32_t number;

	if (i >= r->map.n[3])
		return UINT32_MAX;
	if (r->map.threads[i])
		return r->map.threads[i] - 1;
	if (d->n_series < ROLL_MAX_SERIES && r->raw)
		number = thread_series(r, t, p);
	else if (d->n_series < ROLL_MAX_SERIES)
		number = dict_series(d, model_series(r->map.model, p->series), p->comm, p->exe);
	else
		number = other_series(r);
	if (number != UINT32_MAX)
		r->map.threads[i] = number + 1;
	return number;
}

static uint32_t new_pair(struct roll *r, const struct window_entry *e)
{
	struct dict *d = r->dict;
	uint32_t series = roll_map_thread(r, e->thread), stack, local;

	stack = roll_map_stack(r, e->stack);
	if (series == UINT32_MAX || stack >= UINT32_MAX / 2)
		return UINT32_MAX;
	local = dict_local(d, series, stack * 2 + !!(e->flags & ENTRY_KERNEL));
	return local == UINT32_MAX ? UINT32_MAX : cells_number(&r->cells, series, local);
}

/* A mix of one word can be undone: equal hashes are equal keys. */
static uint64_t pair_hash(const struct window_entry *e)
{
	return hash_mix((uint64_t)e->thread << 32 | e->stack << 1 | !!(e->flags & ENTRY_KERNEL), 0);
}

void roll_map_prefetch(const struct roll *r, const struct window_entry *e)
{
	hmap_prefetch(&r->map.pairs, pair_hash(e));
}

uint32_t roll_map_entry(struct roll *r, const struct window_entry *e)
{
	uint64_t hash = pair_hash(e);
	uint32_t cell;

	HMAP_FOR_EACH (&r->map.pairs, hash, it, cell)
		return cell;
	if (e->stack > INT32_MAX)
		return UINT32_MAX;
	cell = new_pair(r, e);
	if (r->map.pairs.live >= ROLL_MAX_PAIRS)
		hmap_clear(&r->map.pairs);
	if (cell == UINT32_MAX || hmap_insert(&r->map.pairs, hash, cell))
		return UINT32_MAX;
	return cell;
}
