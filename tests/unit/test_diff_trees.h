/* SPDX-License-Identifier: GPL-2.0 */
/* Trees made of text for the tests of comparisons. */
#ifndef RINGPROF_TEST_DIFF_TREES_H
#define RINGPROF_TEST_DIFF_TREES_H

#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "query/diff.h"
#include "query/tree.h"
#include "tap.h"

#define DT_NS 1000000ULL /* a sample's weight */

static inline const char *dt_text(struct tree *t, const char *s, size_t n)
{
	return strtab_get(t->strings, strtab_add_n(t->strings, s, n));
}

/* "name@object", object "" when not given; [marks] are marks */
static inline uint32_t dt_func(struct tree *t, const char *s, size_t n)
{
	const char *at = memchr(s, '@', n);
	const char *name = dt_text(t, s, at ? (size_t)(at - s) : n);
	const char *object = at ? dt_text(t, at + 1, n - (size_t)(at - s) - 1) : "";

	if (*name == '[')
		object = dt_text(t, "[ringprof]", 10);
	for (uint32_t i = 1; i < t->n_funcs; i++)
		if (t->funcs[i].name == name && !strcmp(t->funcs[i].object, object))
			return i;
	t->funcs = realloc(t->funcs, (t->n_funcs + 1) * sizeof(*t->funcs));
	t->funcs[t->n_funcs] = (struct tree_func){ .name = name,
						   .system_name = name,
						   .file = "",
						   .object = object,
						   .kind = *name == '[' ? FRAME_MARK : FRAME_USER };
	return t->n_funcs++;
}

static inline uint32_t dt_child(struct tree *t, uint32_t parent, uint32_t func)
{
	for (uint32_t i = 1; i < t->n_nodes; i++)
		if (t->nodes[i].parent == parent && t->nodes[i].func == func)
			return i;
	t->nodes = realloc(t->nodes, (t->n_nodes + 1) * sizeof(*t->nodes));
	t->nodes[t->n_nodes] = (struct tree_node){ .parent = parent, .func = func };
	return t->n_nodes++;
}

static inline struct tree *dt_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	t->strings = strtab_new();
	t->funcs = calloc(1, sizeof(*t->funcs));
	t->funcs[0] = (struct tree_func){ .name = dt_text(t, "total", 5),
					  .system_name = dt_text(t, "total", 5),
					  .file = "",
					  .object = "",
					  .kind = FRAME_MARK };
	t->n_funcs = 1;
	t->nodes = calloc(1, sizeof(*t->nodes));
	t->n_nodes = 1;
	t->duration = 10 * 1000000000ULL;
	t->period = DT_NS;
	return t;
}

/* Totals and order, from the nodes' own samples. */
static inline void dt_finish(struct tree *t)
{
	for (uint32_t i = t->n_nodes; i-- > 0;) {
		struct tree_node *n = &t->nodes[i];

		n->self = n->self_samples * DT_NS;
		n->total += n->self;
		n->total_samples += n->self_samples;
		if (i) {
			t->nodes[n->parent].total += n->total;
			t->nodes[n->parent].total_samples += n->total_samples;
		}
	}
	t->total = t->nodes[0].total;
	t->samples = t->nodes[0].total_samples;
	tree_link(t);
}

/* Folded lines "a;b;c 12": 12 samples with c innermost. Free with tree_free. */
static inline struct tree *dt_tree(const char *folded)
{
	struct tree *t = dt_new();

	while (*folded) {
		size_t line = strcspn(folded, "\n"), n = 0;
		uint32_t node = 0;

		for (;;) {
			n = strcspn(folded, "; ");
			node = dt_child(t, node, dt_func(t, folded, n));
			folded += n + 1;
			line -= n + 1;
			if (folded[-1] == ' ')
				break;
		}
		t->nodes[node].self_samples += strtoull(folded, NULL, 10);
		folded += line;
		folded += *folded == '\n';
	}
	dt_finish(t);
	return t;
}

#endif
