// SPDX-License-Identifier: GPL-2.0
#include "query/stack_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* entries between two looks at the clock: some tens of microseconds */
#define CHECK_EVERY 1024

int paths_init(struct paths *t, struct budget *b)
{
	int r = BUDGET_ROOM(b, t->p, t->cap, 1);

	if (!r)
		t->p[t->n++] = (struct path){ 0 };
	return r;
}

void paths_free(struct paths *t)
{
	free(t->p);
	hmap_free(&t->index);
}

int paths_child(struct paths *t, struct budget *b, uint32_t parent, uint32_t key, uint32_t *ret)
{
	uint64_t hash = hash_mix(parent, key);
	uint32_t i;

	HMAP_FOR_EACH (&t->index, hash, it, i) {
		if (t->p[i].parent == parent && t->p[i].key == key) {
			*ret = i;
			return 0;
		}
	}
	if (BUDGET_ROOM(b, t->p, t->cap, (uint64_t)t->n + 1) ||
	    budget_hmap_insert(b, &t->index, hash, t->n))
		return -ENOMEM;
	t->p[t->n] = (struct path){ .parent = parent, .key = key };
	*ret = t->n++;
	return 0;
}

int stack_merge_init(struct stack_merge *m)
{
	return paths_init(&m->paths, m->budget);
}

void stack_merge_free(struct stack_merge *m)
{
	for (uint32_t i = 0; i < m->n_models; i++) {
		struct stack_merge_model *mm = &m->models[i];

		free(mm->stack_path);
		free(mm->frame_keys);
		free(mm->own);
		match_cache_free(&mm->match);
	}
	free(m->models);
	free(m->keys);
	free(m->chain);
	paths_free(&m->paths);
}

static int add_model(struct stack_merge *m, const struct model *model)
{
	struct stack_merge_model *mm;
	uint32_t counts[6];

	if (BUDGET_ROOM(m->budget, m->models, m->cap_models, (uint64_t)m->n_models + 1))
		return -ENOMEM;
	mm = &m->models[m->n_models++];
	memset(mm, 0, sizeof(*mm));
	/* the windows were published before this: all their numbers are below the counts */
	model_counts(model, counts);
	mm->model = model;
	mm->n_objects = counts[0];
	mm->n_frames = counts[1];
	mm->n_stacks = counts[2];
	mm->stack_path = budget_zalloc(m->budget, mm->n_stacks, sizeof(uint32_t));
	mm->frame_keys = budget_zalloc(m->budget, mm->n_frames, sizeof(uint32_t));
	if (!mm->stack_path || !mm->frame_keys)
		return -ENOMEM;
	return match_cache_init(&mm->match, m->sel, model, counts, m->budget);
}

/* few models are alive at a time, and windows of one follow each other */
static int find_model(struct stack_merge *m, const struct model *model,
		      struct stack_merge_model **ret)
{
	uint32_t i;
	int r = 0;

	for (i = m->n_models; i > 0; i--)
		if (m->models[i - 1].model == model)
			break;
	if (!i) {
		r = add_model(m, model);
		i = m->n_models;
	}
	if (!r)
		*ret = &m->models[i - 1];
	return r;
}

static int new_frame_keys(struct stack_merge *m, struct stack_merge_model *mm, uint32_t frame,
			  uint32_t *place)
{
	uint32_t n = 0;
	int r = BUDGET_ROOM(m->budget, m->keys, m->cap_keys,
			    (uint64_t)m->n_keys + 1 + STACK_MERGE_MAX_KEYS);

	/* the first naming of a frame may have to read a symbol table */
	if (!r)
		r = budget_check(m->budget);
	if (!r)
		r = m->frame(m->arg, mm, frame, m->keys + m->n_keys + 1, &n);
	if (r)
		return r;
	m->keys[m->n_keys] = n;
	*place = m->n_keys;
	m->n_keys += n + 1;
	return 0;
}

static int frame_keys(struct stack_merge *m, struct stack_merge_model *mm, uint32_t frame,
		      uint32_t *place)
{
	int r;

	if (frame >= mm->n_frames || model_frame(mm->model, frame)->object >= mm->n_objects)
		return -EBADMSG;
	if (mm->frame_keys[frame]) {
		*place = mm->frame_keys[frame] - 1;
		return 0;
	}
	r = new_frame_keys(m, mm, frame, place);
	if (!r)
		mm->frame_keys[frame] = *place + 1;
	return r;
}

static int walk_keys(struct stack_merge *m, uint32_t place, uint32_t *path)
{
	uint32_t n = m->keys[place];

	for (uint32_t i = 1; i <= n; i++) {
		int r = paths_child(&m->paths, m->budget, *path, m->keys[place + i], path);

		if (r)
			return r;
	}
	return 0;
}

static int empty_stack(struct stack_merge *m, struct stack_merge_model *mm, uint32_t *ret)
{
	uint32_t place, path = 0;
	int r = new_frame_keys(m, mm, STACK_MERGE_NO_FRAME, &place);

	if (!r)
		r = walk_keys(m, place, &path);
	if (!r)
		mm->stack_path[0] = *ret = path;
	return r;
}

/* Fills m->chain with the stacks between `stack` and the nearest one whose path is known. */
static int climb(struct stack_merge *m, struct stack_merge_model *mm, uint32_t stack, uint32_t *n,
		 uint32_t *top)
{
	*n = 0;
	while (stack && !mm->stack_path[stack]) {
		uint32_t parent = model_stack(mm->model, stack)->parent;

		/* parents come first in a model, which is also why this loop ends */
		if (parent >= stack)
			return -EBADMSG;
		if (BUDGET_ROOM(m->budget, m->chain, m->cap_chain, (uint64_t)*n + 1))
			return -ENOMEM;
		m->chain[(*n)++] = stack;
		stack = parent;
	}
	*top = stack ? mm->stack_path[stack] : 0;
	return 0;
}

static int stack_path(struct stack_merge *m, struct stack_merge_model *mm, uint32_t stack,
		      uint32_t *ret)
{
	uint32_t n, path;
	int r;

	if (stack >= mm->n_stacks)
		return -EBADMSG;
	if (mm->stack_path[stack]) {
		*ret = mm->stack_path[stack];
		return 0;
	}
	if (!stack)
		return empty_stack(m, mm, ret);
	r = climb(m, mm, stack, &n, &path);
	while (!r && n) {
		uint32_t place, s = m->chain[--n];

		r = frame_keys(m, mm, model_stack(mm->model, s)->frame, &place);
		if (!r)
			r = walk_keys(m, place, &path);
		if (!r)
			mm->stack_path[s] = path;
	}
	*ret = path;
	return r;
}

static int merge_entry(struct stack_merge *m, struct stack_merge_model *mm,
		       const struct window_entry *e)
{
	uint32_t path = 0;
	int r = match_thread(&mm->match, e->thread);

	if (r > 0)
		r = match_cpu(m->sel, e->cpu);
	if (r <= 0)
		return r;
	if (!e->count && !e->weight)
		return 0;
	r = stack_path(m, mm, e->stack, &path);
	return r ? r : m->entry(m->arg, mm, e, path);
}

int stack_merge_windows(struct stack_merge *m, const struct window_list *in)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct window *w = in->w[i];
		struct stack_merge_model *mm = NULL;
		int r = find_model(m, w->model, &mm);

		for (uint32_t j = 0; !r && j < w->n_entries; j++) {
			if (j % CHECK_EVERY == 0)
				r = budget_check(m->budget);
			if (!r)
				r = merge_entry(m, mm, &w->entries[j]);
		}
		if (r)
			return r;
	}
	return 0;
}

void stack_merge_totals(const struct window_list *in, struct stack_merge_totals *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < in->n; i++) {
		const struct window *w = in->w[i];
		uint64_t len = w->end - w->start;

		if (!i || w->wall_start < ret->wall_from)
			ret->wall_from = w->wall_start;
		if (w->wall_start + len > ret->wall_to)
			ret->wall_to = w->wall_start + len;
		ret->duration += len;
		ret->period = w->period;
		ret->samples += w->samples;
		ret->weight += w->weight;
		if (w->cpus > ret->cpus)
			ret->cpus = w->cpus;
		for (uint32_t j = 0; j < w->n_losses; j++) {
			ret->lost_samples += w->losses[j].count;
			ret->lost_weight += w->losses[j].weight;
		}
	}
	ret->windows = (uint32_t)in->n;
}

/* marks come from a fixed small set; a surplus joins the last row, so that sums stay */
static void add_loss(struct window_loss *ret, uint32_t *n, uint32_t max,
		     const struct window_loss *l)
{
	uint32_t i;

	for (i = 0; i < *n && ret[i].mark != l->mark; i++)
		;
	if (i == *n && *n < max)
		ret[(*n)++] = (struct window_loss){ .mark = l->mark };
	if (i == *n)
		i = max - 1;
	ret[i].count += l->count;
	ret[i].weight += l->weight;
}

uint32_t stack_merge_losses(const struct window_list *in, struct window_loss *ret, uint32_t max)
{
	uint32_t n = 0;

	for (size_t i = 0; i < in->n; i++)
		for (uint32_t j = 0; j < in->w[i]->n_losses; j++)
			add_loss(ret, &n, max, &in->w[i]->losses[j]);
	return n;
}
