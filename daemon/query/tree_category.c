// SPDX-License-Identifier: GPL-2.0
/*
 * Categories of places. A function has many places and the rules are dozens of
 * regular expressions, so what they said of a function is kept for the query.
 */
#include "query/category.h"
#include "query/tree_build.h"

static int ask(struct builder *b, const struct model_object *o, uint32_t object, const char *name,
	       struct categorised *ret)
{
	const struct query_view *v = &b->env->view;
	int r = category_of(v->categories, o->kind, strtab_get(b->tree->strings, object), name,
			    &ret->category);

	return r < 0 ? r : 0;
}

/* What the rules say of one function, NULL nothing. */
static int category_of_line(struct builder *b, const struct model_object *o, uint32_t object,
			    const char *name, const char **ret)
{
	struct categorised k = { .object = object, .kind = o->kind };
	uint64_t hash;
	uint32_t i;
	int r = budget_text(&b->budget, b->tree->strings, name, &k.name);

	if (r)
		return r;
	hash = hash_mix(hash_mix(k.name, object), o->kind);
	HMAP_FOR_EACH (&b->category_index, hash, it, i) {
		const struct categorised *old = &b->categorised[i];

		*ret = old->category;
		if (old->name == k.name && old->object == object && old->kind == k.kind)
			return 0;
	}
	r = ask(b, o, object, name, &k);
	if (!r)
		r = BUDGET_ROOM(&b->budget, b->categorised, b->cap_categorised,
				b->n_categorised + 1);
	if (!r)
		r = budget_hmap_insert(&b->budget, &b->category_index, hash, b->n_categorised);
	if (r)
		return r;
	b->categorised[b->n_categorised++] = k;
	*ret = k.category;
	return 0;
}

int tree_category(struct builder *b, const struct model_object *o, uint32_t object,
		  const char **ret)
{
	for (uint32_t i = 0; i < b->answer.n; i++) {
		int r = category_of_line(b, o, object, b->answer.lines[i].name, ret);

		if (r || *ret)
			return r;
	}
	*ret = CATEGORY_NONE;
	return 0;
}
