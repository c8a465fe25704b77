// SPDX-License-Identifier: GPL-2.0
/*
 * query_tree: windows -> paths of functions -> nodes. The merge works on
 * numbers; names are asked for once per frame of a model, interned in the
 * tree, and functions are told apart by (name, object).
 */
#include "query/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/stack_merge.h"
#include "query/resolve.h"

#define MARK_OBJECT "[ringprof]"

struct weights {
	uint64_t ns, samples;
};

struct builder {
	struct stack_merge merge;
	struct budget budget;
	const struct query_env *env;
	struct tree *tree;
	uint32_t cap_funcs;
	struct hmap func_index;
	struct weights *self; /* by path */
	uint32_t cap_self, n_self;
	struct sym_answer answer; /* large: not on the stack */
};

static int add_func(struct builder *b, const struct sym_line *l, const struct model_object *o,
		    uint32_t name, uint32_t object, uint64_t hash, uint32_t *ret)
{
	struct tree *t = b->tree;
	uint32_t sys, file;

	if (BUDGET_ROOM(&b->budget, t->funcs, b->cap_funcs, (uint64_t)t->n_funcs + 1) ||
	    budget_text(&b->budget, t->strings, l->system_name, &sys) ||
	    budget_text(&b->budget, t->strings, l->file, &file) ||
	    budget_hmap_insert(&b->budget, &b->func_index, hash, t->n_funcs))
		return -ENOMEM;
	t->funcs[t->n_funcs] = (struct tree_func){
		.name = strtab_get(t->strings, name),
		.system_name = strtab_get(t->strings, sys),
		.file = strtab_get(t->strings, file),
		.object = strtab_get(t->strings, object),
		.kind = o->kind,
		.line = l->start_line,
	};
	*ret = t->n_funcs++;
	return 0;
}

/* What a function is called in this view. */
static int func_text(struct builder *b, const struct sym_line *l, uint32_t *ret)
{
	char text[QUERY_TEXT_MAX];

	if (!b->env->view.lines || !*l->file || !l->line)
		return budget_text(&b->budget, b->tree->strings, l->name, ret);
	snprintf(text, sizeof(text), "%s %s:%" PRIu32, l->name, l->file, l->line);
	return budget_text(&b->budget, b->tree->strings, text, ret);
}

/* Where a function is may be known at some of its addresses only: the first that knows tells. */
static int learn_file(struct builder *b, struct tree_func *f, const struct sym_line *l)
{
	uint32_t file;

	if (*f->file || !*l->file)
		return 0;
	if (budget_text(&b->budget, b->tree->strings, l->file, &file))
		return -ENOMEM;
	f->file = strtab_get(b->tree->strings, file);
	f->line = l->start_line;
	return 0;
}

/* texts are interned: equal texts are equal pointers */
static int intern_func(struct builder *b, const struct sym_line *l, const struct model_object *o,
		       uint32_t object, uint32_t *ret)
{
	struct tree *t = b->tree;
	const char *n, *obj = strtab_get(t->strings, object);
	uint32_t name, i;
	uint64_t hash;

	if (func_text(b, l, &name))
		return -ENOMEM;
	n = strtab_get(t->strings, name);
	hash = hash_mix(name, object);
	HMAP_FOR_EACH (&b->func_index, hash, it, i) {
		if (t->funcs[i].name == n && t->funcs[i].object == obj) {
			*ret = i;
			return learn_file(b, &t->funcs[i], l);
		}
	}
	return add_func(b, l, o, name, object, hash, ret);
}

/* kernel frames stand under their module's name, marks under ours */
static int object_name(struct builder *b, const struct model_object *o, uint32_t *ret)
{
	char module[sizeof(b->answer.module) + 2];
	const char *name = o->name ? o->name : "";

	if (o->kind == FRAME_MARK) {
		name = MARK_OBJECT;
	} else if (o->kind == FRAME_KERNEL && b->answer.module[0]) {
		snprintf(module, sizeof(module), "[%s]", b->answer.module);
		name = module;
	}
	return budget_text(&b->budget, b->tree->strings, name, ret);
}

static int name_place(struct builder *b, const struct model_object *o, uint64_t off, uint32_t *ret,
		      uint32_t *n)
{
	uint32_t object;
	int r;

	query_resolve(b->env, o, off, budget_line_ns(&b->budget), &b->answer);
	r = object_name(b, o, &object);
	for (uint32_t i = 0; !r && i < b->answer.n; i++)
		r = intern_func(b, &b->answer.lines[b->answer.n - 1 - i], o, object, &ret[i]);
	*n = b->answer.n;
	return r;
}

static int tree_frame(void *arg, struct stack_merge_model *mm, uint32_t frame, uint32_t *ret,
		      uint32_t *n)
{
	static const struct model_object none = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	const struct model_frame *f;

	/* an entry without any frame: cut short before the first one */
	if (frame == STACK_MERGE_NO_FRAME)
		return name_place(arg, &none, MARK_END, ret, n);
	f = model_frame(mm->model, frame);
	return name_place(arg, model_object(mm->model, f->object), f->off, ret, n);
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

static int tree_entry(void *arg, struct stack_merge_model *mm, const struct window_entry *e,
		      uint32_t path)
{
	struct builder *b = arg;

	b->tree->samples += e->count;
	b->tree->total += b->tree->in_samples ? e->count : e->weight;
	return add_self(b, path, e->weight, e->count);
}

static int add_losses(struct builder *b, const struct window_list *in)
{
	static const struct model_object marks = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	struct window_loss losses[STACK_MERGE_MAX_LOSSES];
	uint32_t n = stack_merge_losses(in, losses, STACK_MERGE_MAX_LOSSES);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t keys[STACK_MERGE_MAX_KEYS], n_keys, path = 0;
		int r;

		if (!losses[i].count && !losses[i].weight)
			continue;
		r = name_place(b, &marks, losses[i].mark, keys, &n_keys);
		for (uint32_t k = 0; !r && k < n_keys; k++)
			r = paths_child(&b->merge.paths, &b->budget, path, keys[k], &path);
		if (!r)
			r = add_self(b, path, losses[i].weight, losses[i].count);
		if (r)
			return r;
	}
	return 0;
}

/* paths -> nodes with totals: children have the larger numbers, so one pass back adds up */
static int make_nodes(struct builder *b)
{
	const struct paths *p = &b->merge.paths;
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

/* stacks that did not reach a root have their mark below node 0 */
static void add_truncated(struct tree *t, uint32_t n_paths)
{
	for (uint32_t i = 1; i < n_paths; i++)
		if (!t->nodes[i].parent && t->funcs[t->nodes[i].func].kind == FRAME_MARK)
			t->truncated += t->nodes[i].total;
}

static void fill_totals(struct tree *t, const struct window_list *in)
{
	struct stack_merge_totals m;

	stack_merge_totals(in, &m);
	t->lost = t->in_samples ? m.lost_samples : m.lost_weight;
	t->lost_samples = m.lost_samples;
	t->wall_from = m.wall_from;
	t->wall_to = m.wall_to;
	t->period = m.period;
	t->duration = m.duration;
	t->windows = m.windows;
	t->cpus = m.cpus;
}

static int add_root_func(struct builder *b)
{
	static const struct model_object root = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	const struct sym_line line = { .name = "total", .system_name = "total", .file = "" };
	uint32_t f;

	return intern_func(b, &line, &root, 0, &f);
}

static int build(struct builder *b, const struct window_list *in)
{
	struct tree *t = b->tree;
	uint32_t before_losses;
	int r = add_root_func(b);

	if (!r)
		r = stack_merge_init(&b->merge);
	if (!r)
		r = stack_merge_windows(&b->merge, in);
	before_losses = b->merge.paths.n;
	t->lost_included = selector_is_all(b->merge.sel);
	if (!r && t->lost_included)
		r = add_losses(b, in);
	if (!r)
		r = make_nodes(b);
	if (r)
		return r;
	add_truncated(t, before_losses);
	fill_totals(t, in);
	return tree_link(t);
}

int query_tree(const struct query_env *env, const struct window_list *in,
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
						 .arg = b };
		r = build(b, in);
		stack_merge_free(&b->merge);
		hmap_free(&b->func_index);
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
