/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One made-up host for the tests of all formats: two models, every kind of
 * frame, inlined lines, losses, threads, names that mean harm. And larger ones.
 */
#ifndef RINGPROF_TEST_EXPORT_WORLD_H
#define RINGPROF_TEST_EXPORT_WORLD_H

#include "base/cleanup.h"
#include "test_query_fixture.h"

struct world {
	struct window *w[4];
	struct window_list list;
};

#define WORLD_HOSTILE "semi;colon \"quote\" <b>&\n\x1b[31mred\xff\xfe\xe2\x82 \\end"

static inline void world_names(void)
{
	static char big[1 << 20];
	const struct fix_name names[] = {
		{ .object = "/lld/server",
		  .off = 0x1100,
		  .names = { "std::vector<int>::push_back(int)", "fill(int)", "main" },
		  .system_name = "_ZNSt6vectorIiE9push_backEi",
		  .file = "/src/server.cc",
		  .line = 42,
		  .start_line = 30 },
		{ .object = "/bin/evil", .off = 0x20, .names = { WORLD_HOSTILE } },
		{ .object = "/bin/evil", .off = 0x30, .names = { big } },
		{ .object = "[kernel.kallsyms]",
		  .off = 0xffffffffc0001000,
		  .names = { "ext4_write" },
		  .module = "ext4" },
	};

	memset(big, 'x', sizeof(big) - 1);
	fix_n_names = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fix_names[fix_n_names++] = names[i];
}

static inline uint32_t world_stack(struct model *m, uint32_t parent, uint32_t object, uint64_t off)
{
	return model_add_stack(m, parent, model_add_frame(m, object, off));
}

static inline void world_window(struct world *w, struct model *m)
{
	uint32_t n = (uint32_t)w->list.n;
	uint32_t app = fix_object(m, FRAME_USER, "/lld/server");
	uint32_t libc = fix_object(m, FRAME_USER, "/lib/libc.so.6");
	uint32_t kern = fix_object(m, FRAME_KERNEL, "[kernel.kallsyms]");
	uint32_t jit = fix_object(m, FRAME_ANON, "[anon]");
	uint32_t vdso = fix_object(m, FRAME_VDSO, "[vdso]");
	uint32_t mark = fix_object(m, FRAME_MARK, "[ringprof]");
	uint32_t none = fix_object(m, FRAME_UNKNOWN, "[unknown]");
	uint32_t evil = fix_object(m, FRAME_USER, "/bin/evil");
	uint32_t api = fix_thread(m, fix_series(m, "api", NULL, NULL), 100, "api");
	uint32_t api2 = model_add_thread(m, model_thread(m, api)->proc, 101);
	uint32_t bare = fix_thread(m, fix_series(m, "", NULL, NULL), 7, "kworker");
	uint32_t root = world_stack(m, 0, app, 0x1100);
	uint32_t sys = world_stack(m, world_stack(m, root, libc, 0x500), kern, 0xffffffff81000100);
	uint32_t cut = world_stack(m, 0, mark, 4);
	uint32_t rec = world_stack(m, world_stack(m, root, app, 0x2000), app, 0x2008);
	struct window_entry e[] = {
		fix_entry(root, api, 5),
		fix_entry(root, api2, 2),
		fix_entry(sys, api, 3),
		fix_entry(world_stack(m, sys, kern, 0xffffffffc0001000), api, 4),
		fix_entry(rec, api, 6),
		fix_entry(world_stack(m, root, jit, 0x7f0000001000), api2, 1),
		fix_entry(world_stack(m, root, vdso, 0x700), api2, 1),
		fix_entry(world_stack(m, cut, none, 0x1234), api2, 1),
		fix_entry(world_stack(m, cut, evil, 0x20), bare, 2),
		fix_entry(world_stack(m, cut, evil, 0x30), bare, 1),
		fix_entry(0, bare, 1),
	};
	struct window_loss l[] = {
		{ .mark = MARK_LOST + 5, .count = 4, .weight = 40000000 },
		{ .mark = MARK_LOST_OTHER + LOST_MISSED, .count = 1, .weight = 10000000 },
	};

	e[1].cpu = 1;
	w->w[n] = fix_window(m, ARRAY_SIZE(e), e, ARRAY_SIZE(l), l, n);
	w->list.w = w->w;
	w->list.n = n + 1;
}

#define WORLD_SAMPLES 27 /* a window */
#define WORLD_LOST    5

/* three windows, the last one of another model that numbers things differently */
static inline void world_make(struct world *w)
{
	struct model *m1 = model_new(), *m2 = model_new();

	memset(w, 0, sizeof(*w));
	world_names();
	fix_object(m2, FRAME_USER, "/lib/libother.so");
	FIX_STACK(m2, 0, 1, 2, 3);
	world_window(w, m1);
	world_window(w, m1);
	world_window(w, m2);
	model_unref(m1);
	model_unref(m2);
}

/* n different stacks that branch as real ones do; places may be shared */
static inline void world_make_large(struct world *w, uint32_t n)
{
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/lld/large"),
		 *stacks = calloc(n + 1, sizeof(*stacks));
	uint32_t th = fix_thread(m, fix_series(m, "large", NULL, NULL), 1, "large");
	struct window_entry *e = calloc(n, sizeof(*e));
	uint32_t seed = 11;

	memset(w, 0, sizeof(*w));
	fix_n_names = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from;

		/* new stacks grow out of the recent ones, so that depth and breadth both occur */
		seed = seed * 1664525 + 1013904223;
		from = i < 64 ? 0 : i - 1 - (seed >> 8) % (i < 4096 ? i : 4096);
		stacks[i + 1] = world_stack(m, i < 64 ? 0 : stacks[from + 1], app,
					    0x1100 + 16 * ((uint64_t)i % 1000));
		e[i] = fix_entry(stacks[i + 1], th, 1 + i % 3);
	}
	w->w[0] = fix_window(m, n, e, 0, NULL, 0);
	w->list.w = w->w;
	w->list.n = 1;
	free(e);
	free(stacks);
	model_unref(m);
}

static inline void world_free(struct world *w)
{
	fix_free(&w->list);
	fix_n_names = 0;
}

#endif
