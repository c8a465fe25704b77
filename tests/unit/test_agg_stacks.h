/* SPDX-License-Identifier: GPL-2.0 */
/* What one sample's stack is called, for the tests of the aggregator. */
#ifndef RINGPROF_TESTS_AGG_STACKS_H
#define RINGPROF_TESTS_AGG_STACKS_H

#include "test_agg_fakes.h"

#define SEC 1000000000ULL
#define T0  (100 * SEC)

/* The text of the one stack in all windows of the world. */
static void only_stack(struct world *w, char *out, size_t len)
{
	struct window_list l;

	agg_flush(w->a, T0 + SEC);
	CHECK_EQ(store_range_mono(w->store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 1);
	CHECK_EQ(l.w[0]->n_entries, 1);
	stack_text(l.w[0]->model, l.w[0]->entries[0].stack, out, len);
	window_list_free(&l);
}

/* What one sample's stack is called. */
static void check_stack(uint32_t end, const uint64_t *chain, size_t n, uint64_t leaf,
			const char *want)
{
	struct world w;
	char text[1024];

	world_make(&w, NULL);
	send(&w, T0, 1, fake_chain(w.chains, end, chain, n), leaf);
	only_stack(&w, text, sizeof(text));
	world_free(&w);
	CHECK_STR(text, want);
}

#define CHAIN(...) \
	(const uint64_t[]){ __VA_ARGS__ }, ARRAY_SIZE(((const uint64_t[]){ __VA_ARGS__ }))

#endif
