// SPDX-License-Identifier: GPL-2.0
#include "query/stack_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/feed.h"
#include "store/match.h"

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

static void free_model(struct stack_merge_model *mm)
{
	free(mm->stack_path);
	free(mm->frame_keys);
	free(mm->by_thread);
	match_cache_free(&mm->match);
	model_unref(mm->model);
}

void stack_merge_free(struct stack_merge *m)
{
	for (uint32_t i = 0; i < m->n_models; i++)
		free_model(&m->models[i]);
	free(m->keys);
	free(m->chain);
	paths_free(&m->paths);
}

/* *p has room for n elements and gets room for want, zeroed. */
static int extend(struct budget *b, void *p, uint32_t n, uint32_t want, size_t elem)
{
	void *q;

	if (budget_charge(b, (size_t)(want - n) * elem))
		return -ENOMEM;
	q = realloc(*(void **)p, (want ? want : 1) * elem);
	if (!q)
		return -ENOMEM;
	memset((char *)q + n * elem, 0, (want - n) * elem);
	*(void **)p = q;
	return 0;
}

/*
 * Room for all rows that the model has by now: one that the collector adds to
 * has more of them when the next window comes. A window is published after
 * its rows, so all its numbers are below the counts.
 */
static int follow_model(struct stack_merge *m, struct stack_merge_model *mm)
{
	struct match_cache *c = &mm->match;
	size_t before = m->budget->used;
	uint32_t n[6];
	int r = 0;

	model_counts(mm->model, n);
	mm->n_objects = n[0];
	if (n[1] != mm->n_frames || !mm->frame_keys)
		r = extend(m->budget, &mm->frame_keys, mm->n_frames, n[1], sizeof(uint32_t));
	if (!r && (n[2] != mm->n_stacks || !mm->stack_path))
		r = extend(m->budget, &mm->stack_path, mm->n_stacks, n[2], sizeof(uint32_t));
	if (!r && (n[5] != c->n_threads || !mm->by_thread))
		r = extend(m->budget, &mm->by_thread, c->n_threads, n[5], sizeof(uint32_t));
	if (!r)
		r = match_cache_follow(c, n, m->budget);
	mm->bytes += m->budget->used - before;
	if (r)
		return r;
	mm->n_frames = n[1];
	mm->n_stacks = n[2];
	return 0;
}

/* A place for one more: that of the one not used for longest when all are taken. */
static struct stack_merge_model *model_place(struct stack_merge *m)
{
	struct stack_merge_model *oldest = &m->models[0];

	if (m->n_models < STACK_MERGE_MODELS)
		return &m->models[m->n_models++];
	for (uint32_t i = 1; i < m->n_models; i++)
		if (m->models[i].used < oldest->used)
			oldest = &m->models[i];
	free_model(oldest);
	budget_return(m->budget, oldest->bytes);
	return oldest;
}

static int find_model(struct stack_merge *m, struct model *model, struct stack_merge_model **ret)
{
	struct stack_merge_model *mm = NULL;

	for (uint32_t i = 0; i < m->n_models && !mm; i++)
		if (m->models[i].model == model)
			mm = &m->models[i];
	if (!mm) {
		mm = model_place(m);
		*mm = (struct stack_merge_model){ .model = model_ref(model),
						  .match = { .sel = m->sel, .model = model } };
	}
	mm->used = ++m->turn;
	*ret = mm;
	return follow_model(m, mm);
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

/* marks come from a fixed small set; a surplus joins the last row, so that sums stay */
static void add_loss(struct stack_merge *m, const struct window_loss *l)
{
	uint32_t i;

	for (i = 0; i < m->n_losses && m->losses[i].mark != l->mark; i++)
		;
	if (i == m->n_losses && i < STACK_MERGE_MAX_LOSSES)
		m->losses[m->n_losses++] = (struct window_loss){ .mark = l->mark };
	if (i == STACK_MERGE_MAX_LOSSES)
		i--;
	m->losses[i].count += l->count;
	m->losses[i].weight += l->weight;
	m->totals.lost_samples += l->count;
	m->totals.lost_weight += l->weight;
}

/*
 * How much longer the time covered gets. Hosts that were recorded side by side
 * used their CPUs in the same seconds.
 */
static uint64_t new_time(const struct stack_merge *m, uint64_t from, uint64_t to)
{
	if (store_match_names_host(m->sel) && from < m->totals.wall_to)
		from = m->totals.wall_to;
	return to > from ? to - from : 0;
}

static void add_totals(struct stack_merge *m, const struct window *w)
{
	struct stack_merge_totals *t = &m->totals;
	uint64_t len = w->end - w->start;

	if (len)
		t->duration += (uint64_t)((unsigned __int128)window_sampled(w) *
					  new_time(m, w->wall_start, w->wall_start + len) / len);
	if (!t->windows || w->wall_start < t->wall_from)
		t->wall_from = w->wall_start;
	if (w->wall_start + len > t->wall_to)
		t->wall_to = w->wall_start + len;
	t->period = w->period;
	t->samples += w->samples;
	t->weight += w->weight;
	if (w->cpus > t->cpus)
		t->cpus = w->cpus;
	t->windows++;
	for (uint32_t j = 0; j < w->n_losses; j++)
		add_loss(m, &w->losses[j]);
}

static int merge_window(void *arg, struct window *w)
{
	struct stack_merge *m = arg;
	struct stack_merge_model *mm = NULL;
	int r;

	/* of that time nothing is known */
	if (!window_sampled(w) && !w->n_entries)
		return 0;
	r = find_model(m, w->model, &mm);
	add_totals(m, w);
	if (!r && m->window)
		r = m->window(m->arg, w);
	for (uint32_t j = 0; !r && j < w->n_entries; j++) {
		if (j % CHECK_EVERY == 0)
			r = budget_check(m->budget);
		if (!r)
			r = merge_entry(m, mm, &w->entries[j]);
	}
	return r;
}

int stack_merge_input(struct stack_merge *m, const struct query_env *env,
		      const struct query_input *in)
{
	return query_feed(env, in, m->sel, m->budget, merge_window, m, &m->used);
}
