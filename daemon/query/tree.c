// SPDX-License-Identifier: GPL-2.0
/*
 * query_tree: windows -> paths of functions -> nodes. The merge works on
 * numbers; names are asked for once per frame of a model.
 */
#include "query/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/feed.h"
#include "query/tree_build.h"

static int tree_frame(void *arg, struct stack_merge_model *mm, uint32_t frame, uint32_t *ret,
		      uint32_t *n)
{
	static const struct model_object none = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	const struct model_frame *f;

	/* an entry without any frame: cut short before the first one */
	if (frame == STACK_MERGE_NO_FRAME)
		return tree_name_place(arg, &none, MARK_END, ret, n);
	f = model_frame(mm->model, frame);
	return tree_name_place(arg, model_object(mm->model, f->object), f->off, ret, n);
}

static int add_self(struct builder *b, uint32_t path, uint64_t ns, uint64_t samples)
{
	if (path >= b->n_self) {
		if (BUDGET_ROOM(&b->budget, b->self, b->cap_self, (uint64_t)path + 1))
			return -ENOMEM;
		memset(b->self + b->n_self, 0, (b->cap_self - b->n_self) * sizeof(*b->self));
		b->n_self = b->cap_self;
	}
	b->self[path].ns += ns;
	b->self[path].samples += samples;
	return 0;
}

static uint64_t in_unit(const struct builder *b, uint64_t ns, uint64_t samples)
{
	return b->tree->in_samples ? samples : ns;
}

static int add_weight(struct builder *b, uint32_t path, uint64_t ns, uint64_t samples)
{
	int r = add_self(b, path, ns, samples);

	return r ? r : errors_add(b, path, in_unit(b, ns, samples));
}

static int tree_entry(void *arg, struct stack_merge_model *mm, const struct window_entry *e,
		      uint32_t path)
{
	struct builder *b = arg;
	uint64_t value = in_unit(b, e->weight, e->count);

	if (b->shape.on) {
		const struct shaped *x;
		int r = shape_stack(b, mm, e->thread, path, &x);

		if (r)
			return r;
		if (x->shown == SHAPE_DROPPED) {
			b->tree->left_out += value;
			return 0;
		}
		if (x->truncated)
			b->shape.truncated += value;
		path = x->shown;
	}
	b->tree->samples += e->count;
	b->tree->total += value;
	return add_weight(b, path, e->weight, e->count);
}

/* The path of a kind of loss, below the root. */
static int loss_path(struct builder *b, uint32_t mark, uint32_t *ret)
{
	static const struct model_object marks = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	uint32_t keys[STACK_MERGE_MAX_KEYS], n_keys, path = 0, i;
	int r;

	/* marks come from a fixed small set; a surplus counts with the last */
	for (i = 0; i < b->n_losses; i++)
		if (b->losses[i].mark == mark || i + 1 == STACK_MERGE_MAX_LOSSES) {
			*ret = b->losses[i].path;
			return 0;
		}
	r = tree_name_place(b, &marks, mark, keys, &n_keys);
	for (uint32_t k = 0; !r && k < n_keys; k++)
		r = paths_child(shown_paths(b), &b->budget, path, keys[k], &path);
	if (r)
		return r;
	b->losses[b->n_losses].mark = mark;
	b->losses[b->n_losses++].path = *ret = path;
	return 0;
}

static int tree_window(void *arg, const struct window *w)
{
	struct builder *b = arg;
	int r = errors_window(b, w);

	for (uint32_t i = 0; !r && b->tree->lost_included && i < w->n_losses; i++) {
		const struct window_loss *l = &w->losses[i];
		uint32_t path;

		if (!l->count && !l->weight)
			continue;
		r = loss_path(b, l->mark, &path);
		if (!r)
			r = add_weight(b, path, l->weight, l->count);
	}
	return r;
}

/* paths -> nodes with totals: children have the larger numbers, so one pass back adds up */
static int make_nodes(struct builder *b)
{
	const struct paths *p = shown_paths(b);
	struct tree *t = b->tree;

	t->nodes = budget_zalloc(&b->budget, p->n, sizeof(*t->nodes));
	if (!t->nodes)
		return -ENOMEM;
	t->n_nodes = p->n;
	for (uint32_t i = p->n; i-- > 0;) {
		struct weights w = i < b->n_self ? b->self[i] : (struct weights){ 0 };
		struct tree_node *n = &t->nodes[i], *up = &t->nodes[p->p[i].parent];

		n->parent = p->p[i].parent;
		n->func = p->p[i].key;
		n->self = t->in_samples ? w.samples : w.ns;
		n->self_samples = w.samples;
		n->total += n->self;
		n->total_samples += n->self_samples;
		if (i) {
			up->total += n->total;
			up->total_samples += n->total_samples;
		}
	}
	return 0;
}

static bool is_loss(const struct builder *b, uint32_t path)
{
	for (uint32_t i = 0; i < b->n_losses; i++)
		if (b->losses[i].path == path)
			return true;
	return false;
}

/* stacks that did not reach a root have their mark below node 0 */
static void add_truncated(struct builder *b)
{
	struct tree *t = b->tree;

	t->truncated = b->shape.truncated;
	for (uint32_t i = 1; i < t->n_nodes && !b->shape.on; i++)
		if (!t->nodes[i].parent && t->funcs[t->nodes[i].func].kind == FRAME_MARK &&
		    !is_loss(b, i))
			t->truncated += t->nodes[i].total;
}

static void fill_totals(struct builder *b)
{
	const struct stack_merge_totals *m = &b->merge.totals;
	struct tree *t = b->tree;

	t->lost = t->in_samples ? m->lost_samples : m->lost_weight;
	t->lost_samples = m->lost_samples;
	t->wall_from = m->wall_from;
	t->wall_to = m->wall_to;
	t->period = m->period;
	t->duration = m->duration;
	t->windows = m->windows;
	t->cpus = m->cpus;
	t->used = b->merge.used;
}

static int build(struct builder *b, const struct query_input *in)
{
	const struct query_view *v = &b->env->view;
	struct query_input whole = *in;
	uint32_t root;
	int r = tree_name_mark(b, "total", &root);

	/* losses are the host's: part of the whole host's tree alone */
	b->tree->lost_included = selector_is_all(b->merge.sel) && !v->focus && !v->ignore;
	if (!r)
		r = stack_merge_init(&b->merge);
	if (!r)
		r = shape_init(b);
	if (r)
		return r;
	errors_init(b, in);
	/* coarser windows would be fewer to read, but too few to tell errors from */
	if (!whole.list && !whole.step)
		whole.step = 2 * b->errors.len > WINDOW_NS ? 2 * b->errors.len : WINDOW_NS;
	r = stack_merge_input(&b->merge, b->env, &whole);
	if (!r)
		r = make_nodes(b);
	if (!r)
		r = errors_finish(b);
	if (r)
		return r;
	add_truncated(b);
	fill_totals(b);
	return tree_link(b->tree);
}

int query_tree(const struct query_env *env, const struct query_input *in,
	       const struct selector *sel, const struct query_limits *lim, struct tree **ret)
{
	struct builder *b = calloc(1, sizeof(*b));
	struct tree *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (t)
		t->strings = strtab_new();
	if (b && t && t->strings) {
		budget_init(&b->budget, lim);
		b->env = env;
		b->tree = t;
		t->in_samples = selector_is_samples(sel);
		b->merge = (struct stack_merge){ .budget = &b->budget,
						 .sel = sel,
						 .frame = tree_frame,
						 .entry = tree_entry,
						 .window = tree_window,
						 .arg = b };
		r = build(b, in);
		stack_merge_free(&b->merge);
		shape_free(&b->shape);
		errors_free(&b->errors);
		hmap_free(&b->func_index);
		hmap_free(&b->category_index);
		free(b->categorised);
		free(b->self);
	}
	free(b);
	if (r)
		tree_free(t);
	else
		*ret = t;
	return r;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->funcs);
	strtab_free(t->strings);
	free(t);
}
