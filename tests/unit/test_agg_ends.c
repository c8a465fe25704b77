// SPDX-License-Identifier: GPL-2.0
/* Where stacks end, and whether they are whole. */
#include "tap.h"
#include "test_agg_stacks.h"

TEST(a_root_function_makes_the_stack_whole)
{
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(FAKE_START + 8), 0x400300,
		    "/bin/app+1017;/bin/app+1300");
	check_stack(RINGPROF_END_FAULT, CHAIN(FAKE_START + 8), 0x400300,
		    "/bin/app+1017;/bin/app+1300");
	/* interrupted in _start itself */
	check_stack(RINGPROF_END_FP_RANGE, NULL, 0, FAKE_START, "/bin/app+1010");
}

TEST(where_a_program_begins_is_a_root_by_any_name)
{
	fake_app.entry = 0x1100;
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(0x400200), 0x400300, "/bin/app+11ff;/bin/app+1300");
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(0x400100), 0x400300,
		    "[ringprof]+2;/bin/app+10ff;/bin/app+1300");
	fake_app.entry = 0;
}

/* Others call clone: they are above it, unless it is what called. */
TEST(clone_is_a_root_of_what_it_called_alone)
{
	struct world w;

	check_stack(RINGPROF_END_FP_ZERO, CHAIN(FAKE_CLONE + 8), 0x400300,
		    "/bin/app+1037;/bin/app+1300");
	check_stack(RINGPROF_END_FAULT, NULL, 0, FAKE_CLONE + 8, "[ringprof]+5;/bin/app+1038");
	check_stack(RINGPROF_END_FAULT, CHAIN(FAKE_CLONE + 8), FAKE_KERNEL,
		    "[ringprof]+5;/bin/app+1038;[kernel.kallsyms]+ffffffff81000000");
	/* the child before its first instruction, by rows */
	check_stack(RINGPROF_END_ROOT, CHAIN(FAKE_CLONE + 8), FAKE_KERNEL,
		    "/bin/app+1038;[kernel.kallsyms]+ffffffff81000000");
	/* one frame in both roles */
	world_make(&w, NULL);
	for (int i = 0; i < 4; i++) {
		send(&w, T0, 1, fake_chain(w.chains, RINGPROF_END_FAULT, NULL, 0), FAKE_CLONE + 7);
		send(&w, T0, 1, fake_chain(w.chains, RINGPROF_END_FAULT, CHAIN(FAKE_CLONE + 8)),
		     0x400300);
	}
	CHECK_EQ(w.a->c.stacks_whole, 4);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FAULT], 4);
	world_free(&w);
}

/* A reader that is being started: once is not for ever. */
TEST(what_could_not_be_told_once_is_asked_again)
{
	struct world w;
	uint32_t chain;

	world_make(&w, NULL);
	chain = fake_chain(w.chains, RINGPROF_END_FAULT, CHAIN(FAKE_START + 8, 0x400200));
	w.symbols.away = true;
	for (int i = 0; i < 3; i++)
		send(&w, T0, 1, chain, 0x400300);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FAULT], 3);
	CHECK_EQ(w.symbols.asked, 1);
	w.symbols.away = false;
	send(&w, T0 + SEC / 2, 1, chain, 0x400300);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FAULT], 4);
	for (int i = 0; i < 3; i++)
		send(&w, T0 + SEC, 1, chain, 0x400300);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FAULT], 4);
	CHECK_EQ(w.a->c.stacks_whole, 3);
	CHECK_EQ(w.symbols.asked, 2);
	/* no file yet */
	chain = fake_chain(w.chains, RINGPROF_END_ROOT, CHAIN(FAKE_LATER + 8));
	for (int i = 0; i < 2; i++)
		send(&w, T0 + SEC, 1, chain, 0x400300);
	CHECK_EQ(w.a->c.no_file, 2);
	for (size_t i = 0; i < ARRAY_SIZE(fake_maps); i++)
		if (fake_maps[i].start == FAKE_LATER)
			fake_maps[i].file = &fake_lib;
	for (int i = 0; i < 2; i++)
		send(&w, T0 + SEC, 1, chain, 0x400300);
	CHECK_EQ(w.a->c.no_file, 2);
	for (size_t i = 0; i < ARRAY_SIZE(fake_maps); i++)
		if (fake_maps[i].start == FAKE_LATER)
			fake_maps[i].file = NULL;
	world_free(&w);
}

/* It is asked for each time, as that costs nothing, and others are told of meanwhile. */
TEST(a_file_whose_server_hangs_holds_up_no_other)
{
	struct world w;
	uint32_t hung, good;

	world_make(&w, NULL);
	w.symbols.hung = &fake_lib;
	hung = fake_chain(w.chains, RINGPROF_END_FAULT, CHAIN(0x7f0000000200));
	good = fake_chain(w.chains, RINGPROF_END_FAULT, CHAIN(FAKE_START + 8));
	for (int i = 0; i < 3; i++) {
		send(&w, T0, 2, hung, 0x7f0000000300);
		send(&w, T0, 1, good, 0x400300);
	}
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FAULT], 3);
	CHECK_EQ(w.a->c.stacks_whole, 3);
	CHECK_EQ(w.symbols.asked, 4);
	world_free(&w);
}

TEST(other_ends_are_marked)
{
	/* marks: MARK_END + enum ringprof_end, in hex */
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(0x400200), 0x400300,
		    "[ringprof]+2;/bin/app+11ff;/bin/app+1300");
	check_stack(RINGPROF_END_FAULT, NULL, 0, 0x400300, "[ringprof]+5;/bin/app+1300");
	check_stack(RINGPROF_END_KERNEL_UNWIND, CHAIN(FAKE_START + 8), FAKE_KERNEL,
		    "[ringprof]+e;/bin/app+1018;[kernel.kallsyms]+ffffffff81000000");
	check_stack(77, CHAIN(0x400200), 0x400300, "[ringprof]+4d;/bin/app+11ff;/bin/app+1300");
}

TEST(what_unwind_information_calls_outermost_is_whole)
{
	/* clone3 of a stripped libc has no name that could say so */
	check_stack(RINGPROF_END_ROOT, CHAIN(0x400200), 0x400300, "/bin/app+11ff;/bin/app+1300");
}

TEST(kernel_threads_and_filtered_stacks_are_whole)
{
	check_stack(RINGPROF_END_KTHREAD, CHAIN(FAKE_KERNEL + 16), FAKE_KERNEL + 32,
		    "[kernel.kallsyms]+ffffffff8100000f;[kernel.kallsyms]+ffffffff81000020");
	check_stack(RINGPROF_END_NONE, NULL, 0, FAKE_KERNEL, "[kernel.kallsyms]+ffffffff81000000");
}

TEST(roots_are_asked_once_per_frame)
{
	static struct agg_binary rows[AGG_MAX_BINARIES];
	struct world w;
	uint32_t root, cut;

	world_make(&w, NULL);
	root = fake_chain(w.chains, RINGPROF_END_FP_ZERO, CHAIN(FAKE_START + 8));
	cut = fake_chain(w.chains, RINGPROF_END_FP_ZERO, CHAIN(0x400200));
	for (uint64_t i = 0; i < 1000; i++) {
		send(&w, T0 + i, (int)(i % 8), root, 0x400300 + i);
		send(&w, T0 + i, (int)(i % 8), cut, 0x400300 + i);
	}
	CHECK_EQ(w.symbols.asked, 2);
	CHECK_EQ(w.a->c.stacks_whole, 1000);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_FP_ZERO], 1000);
	CHECK_EQ(agg_binaries(w.a, rows, AGG_MAX_BINARIES), 2);
	CHECK_STR(rows[0].path, "other");
	CHECK_STR(rows[1].path, "/bin/app");
	CHECK_EQ(rows[1].ends[RINGPROF_END_FP_ZERO], 1000);
	CHECK_EQ(rows[0].ends[RINGPROF_END_FP_ZERO], 0);
	world_free(&w);
}

TEST(binaries_past_the_limit_are_other)
{
	struct world w;
	char name[32];

	world_make(&w, NULL);
	for (unsigned int i = 0; i < 2 * AGG_MAX_BINARIES; i++) {
		snprintf(name, sizeof(name), "/bin/%u", i);
		CHECK_EQ(agg_binary_row(w.a, name), i + 1 < AGG_MAX_BINARIES ? i + 1 : 0);
	}
	CHECK_EQ(agg_binary_row(w.a, "/bin/7"), 8);
	CHECK_EQ(agg_binary_row(w.a, "other"), 0);
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
