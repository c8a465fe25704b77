// SPDX-License-Identifier: GPL-2.0
/*
 * What is shown of a stack: without hidden frames, with its group's frames
 * outermost, upside down, or not at all. Each (group, stack) is looked at
 * once, each function is shown to the filters once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "query/frame_filter.h"
#include "query/tree_build.h"

enum { ASKED = 1, FOCUS = 2, IGNORE = 4, HIDE = 8 };

int shape_init(struct builder *b)
{
	const struct query_view *v = &b->env->view;

	b->shape.on = v->invert || v->focus || v->ignore || v->hide || v->n_group_by ||
		      v->merge == MERGE_BINARY || v->merge == MERGE_CATEGORY;
	return b->shape.on ? paths_init(&b->shape.paths, &b->budget) : 0;
}

void shape_free(struct shape *s)
{
	paths_free(&s->paths);
	hmap_free(&s->index);
	free(s->stacks);
	free(s->verdict);
	free(s->chain);
}

static int ask_filters(struct builder *b, uint32_t func)
{
	const struct query_view *v = &b->env->view;
	const struct tree_func *f = &b->tree->funcs[func];
	int focus = frame_filter_test(v->focus, f), ignore = 0, hide = 0;

	if (focus >= 0)
		ignore = frame_filter_test(v->ignore, f);
	if (ignore >= 0)
		hide = frame_filter_test(v->hide, f);
	if (focus < 0 || ignore < 0 || hide < 0)
		return focus < 0 ? focus : ignore < 0 ? ignore : hide;
	return ASKED | (focus ? FOCUS : 0) | (ignore ? IGNORE : 0) | (hide ? HIDE : 0);
}

/* The filters' word on a function: the flags, or -errno */
static int verdict(struct builder *b, uint32_t func)
{
	struct shape *s = &b->shape;
	int r;

	if (BUDGET_ZEROED(&b->budget, s->verdict, s->n_verdict, s->cap_verdict, func + 1))
		return -ENOMEM;
	if (s->verdict[func])
		return s->verdict[func];
	r = ask_filters(b, func);
	if (r > 0)
		s->verdict[func] = (uint8_t)r;
	return r;
}

/* Functions of a path into s->chain, outermost first. */
static int get_chain(struct builder *b, uint32_t path, uint32_t *n)
{
	const struct paths *p = &b->merge.paths;
	struct shape *s = &b->shape;
	uint32_t depth = 0, at;

	for (uint32_t i = path; i; i = p->p[i].parent)
		depth++;
	if (BUDGET_ROOM(&b->budget, s->chain, s->cap_chain, depth))
		return -ENOMEM;
	at = depth;
	for (uint32_t i = path; i; i = p->p[i].parent)
		s->chain[--at] = p->p[i].key;
	*n = depth;
	return 0;
}

/* Takes hidden and repeated frames out of the chain; *seen: what the filters said of any of them */
static int sift_chain(struct builder *b, uint32_t *n, int *seen)
{
	enum merge_by merge = b->env->view.merge;
	bool runs = merge == MERGE_BINARY || merge == MERGE_CATEGORY;
	uint32_t *c = b->shape.chain, kept = 0;

	*seen = 0;
	for (uint32_t i = 0; i < *n; i++) {
		int v = verdict(b, c[i]);

		if (v < 0)
			return v;
		*seen |= v;
		if (v & HIDE || (runs && kept && c[kept - 1] == c[i]))
			continue;
		c[kept++] = c[i];
	}
	*n = kept;
	return 0;
}

/*
 * A stack of which nothing is left has a frame that says so: its time would be
 * the root's own else, where writers of stacks and tables of functions do not look.
 */
static int say_hidden(struct builder *b, uint32_t *path)
{
	uint32_t func;

	if (tree_name_mark(b, "[hidden]", &func))
		return -ENOMEM;
	return paths_child(&b->shape.paths, &b->budget, *path, func, path);
}

static int walk_chain(struct builder *b, uint32_t n, uint32_t *path)
{
	struct shape *s = &b->shape;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t key = s->chain[b->env->view.invert ? n - 1 - i : i];

		if (paths_child(&s->paths, &b->budget, *path, key, path))
			return -ENOMEM;
	}
	return 0;
}

static int make_shaped(struct builder *b, struct shaped *x)
{
	const struct query_view *v = &b->env->view;
	uint32_t n;
	int seen, r = get_chain(b, x->path, &n);

	if (r)
		return r;
	x->truncated = n && b->tree->funcs[b->shape.chain[0]].kind == FRAME_MARK;
	r = sift_chain(b, &n, &seen);
	if (r)
		return r;
	x->shown = x->group;
	if (seen & IGNORE || (v->focus && !(seen & FOCUS)))
		x->shown = SHAPE_DROPPED;
	else
		r = n ? walk_chain(b, n, &x->shown) : say_hidden(b, &x->shown);
	return r;
}

/* ---- groups ---- */

static const char *label_value(const struct model *m, uint32_t thread, const char *key, char *room,
			       size_t len)
{
	const struct model_thread *t = model_thread(m, thread);
	const struct model_proc *p = model_proc(m, t->proc);
	const char *v = series_get(model_series(m, p->series), key);

	if (v)
		return v;
	if (!strcmp(key, "comm"))
		return p->comm ? p->comm : "";
	if (!strcmp(key, "exe"))
		return p->exe ? p->exe : "";
	/* the disk keeps neither number: 0 is no process's, but for the idle task, which has a name */
	if (!p->pid && !*p->comm)
		return "";
	snprintf(room, len, "%d", strcmp(key, "tid") ? p->pid : t->tid);
	return !strcmp(key, "pid") || !strcmp(key, "tid") ? room : "";
}

/* The path of the group that a thread belongs to; remembered per thread. */
static int group_path(struct builder *b, struct stack_merge_model *mm, uint32_t thread,
		      uint32_t *ret)
{
	const struct query_view *v = &b->env->view;
	char text[QUERY_TEXT_MAX], number[16];
	uint32_t path = 0, func;

	*ret = 0;
	if (!v->n_group_by)
		return 0;
	if (mm->by_thread[thread]) {
		*ret = mm->by_thread[thread];
		return 0;
	}
	for (uint32_t i = 0; i < v->n_group_by; i++) {
		snprintf(text, sizeof(text), "%s=%s", v->group_by[i],
			 label_value(mm->model, thread, v->group_by[i], number, sizeof(number)));
		if (tree_name_mark(b, text, &func) ||
		    paths_child(&b->shape.paths, &b->budget, path, func, &path))
			return -ENOMEM;
	}
	*ret = mm->by_thread[thread] = path;
	return 0;
}

int shape_stack(struct builder *b, struct stack_merge_model *mm, uint32_t thread, uint32_t path,
		const struct shaped **ret)
{
	struct shape *s = &b->shape;
	struct shaped x = { .path = path };
	uint64_t hash;
	uint32_t i;
	int r = group_path(b, mm, thread, &x.group);

	if (r)
		return r;
	hash = hash_mix(x.group, path);
	HMAP_FOR_EACH (&s->index, hash, it, i) {
		if (s->stacks[i].group == x.group && s->stacks[i].path == path) {
			*ret = &s->stacks[i];
			return 0;
		}
	}
	r = make_shaped(b, &x);
	if (r)
		return r;
	if (BUDGET_ROOM(&b->budget, s->stacks, s->cap_stacks, (uint64_t)s->n_stacks + 1) ||
	    budget_hmap_insert(&b->budget, &s->index, hash, s->n_stacks))
		return -ENOMEM;
	s->stacks[s->n_stacks] = x;
	*ret = &s->stacks[s->n_stacks++];
	return 0;
}
