// SPDX-License-Identifier: GPL-2.0
/*
 * Frames -> functions of the tree: what the view merges by, told apart by
 * (name, object). Texts are interned: equal texts are equal pointers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "query/tree_build.h"

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
static int func_text(struct builder *b, const struct sym_line *l, const struct model_object *o,
		     uint64_t off, uint32_t *ret)
{
	enum merge_by merge = b->env->view.merge;
	char text[QUERY_TEXT_MAX];

	if (o->kind == FRAME_MARK || (merge == MERGE_LINE && (!*l->file || !l->line)) ||
	    (merge != MERGE_LINE && merge != MERGE_ADDRESS))
		return budget_text(&b->budget, b->tree->strings, l->name, ret);
	if (merge == MERGE_LINE)
		snprintf(text, sizeof(text), "%s %s:%" PRIu32, l->name, l->file, l->line);
	else
		snprintf(text, sizeof(text), "%s 0x%" PRIx64, l->name,
			 query_address(b->env, o, off));
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
		       uint64_t off, uint32_t object, uint32_t *ret)
{
	struct tree *t = b->tree;
	const char *n, *obj = strtab_get(t->strings, object);
	uint32_t name, i;
	uint64_t hash;

	if (func_text(b, l, o, off, &name))
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
		name = TREE_MARKS;
	} else if (o->kind == FRAME_KERNEL && b->answer.module[0]) {
		snprintf(module, sizeof(module), "[%s]", b->answer.module);
		name = module;
	}
	return budget_text(&b->budget, b->tree->strings, name, ret);
}

/* One frame for all places of a binary, or of a category. */
static int name_merged(struct builder *b, const struct model_object *o, uint64_t off,
		       uint32_t object, uint32_t *ret)
{
	struct sym_line line = { .name = strtab_get(b->tree->strings, object), .file = "" };
	int r;

	if (b->env->view.merge == MERGE_CATEGORY) {
		line.name = NULL;
		r = tree_category(b, o, object, &line.name);
		if (r)
			return r;
		object = 0;
	} else if (!*line.name) {
		line.name = "[unnamed]";
	}
	line.system_name = line.name;
	return intern_func(b, &line, o, off, object, ret);
}

int tree_name_place(struct builder *b, const struct model_object *o, uint64_t off, uint32_t *ret,
		    uint32_t *n)
{
	enum merge_by merge = b->env->view.merge;
	uint32_t object;
	int r;

	query_resolve(b->env, o, off, budget_line_ns(&b->budget), &b->answer);
	r = object_name(b, o, &object);
	if (!r && o->kind != FRAME_MARK && (merge == MERGE_BINARY || merge == MERGE_CATEGORY)) {
		*n = 1;
		return name_merged(b, o, off, object, ret);
	}
	for (uint32_t i = 0; !r && i < b->answer.n; i++)
		r = intern_func(b, &b->answer.lines[b->answer.n - 1 - i], o, off, object, &ret[i]);
	*n = b->answer.n;
	return r;
}

int tree_name_mark(struct builder *b, const char *text, uint32_t *ret)
{
	static const struct model_object mark = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	const struct sym_line line = { .name = text, .system_name = text, .file = "" };

	return intern_func(b, &line, &mark, 0, 0, ret);
}
