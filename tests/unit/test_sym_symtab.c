// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "sym/symtab.h"
#include "tap.h"
#include "test_random.h"
#include "test_sym_world.h"

static void add(struct symtab_builder *b, uint64_t addr, uint64_t size, enum sym_bind bind,
		bool func, const char *name)
{
	struct sym_input in = { .addr = addr,
				.size = size,
				.room = 0x10000 - addr,
				.bind = bind,
				.func = func,
				.name = name,
				.len = strlen(name) };

	CHECK_EQ(symtab_add(b, &in), 0);
}

TEST(one_name_per_address_by_fixed_rules)
{
	struct symtab_builder b = { 0 };
	struct symtab t;

	add(&b, 0x100, 16, SYM_LOCAL, true, "local");
	add(&b, 0x100, 16, SYM_WEAK, true, "weak");
	add(&b, 0x100, 16, SYM_GLOBAL, true, "__global");
	add(&b, 0x100, 16, SYM_GLOBAL, true, "global_long");
	add(&b, 0x100, 16, SYM_GLOBAL, true, "global_b");
	add(&b, 0x100, 16, SYM_GLOBAL, true, "global_a");
	add(&b, 0x200, 16, SYM_LOCAL, true, "function");
	add(&b, 0x200, 16, SYM_GLOBAL, false, "label");
	add(&b, 0x300, 0, SYM_GLOBAL, true, "without_size");
	add(&b, 0x300, 8, SYM_LOCAL, true, "with_size");
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_EQ(t.n, 3);
	CHECK_STR(at(&t, 0x100), "global_a");
	CHECK_STR(at(&t, 0x10f), "global_a");
	CHECK_STR(at(&t, 0x110), "-");
	CHECK_STR(at(&t, 0xff), "-");
	CHECK_STR(at(&t, 0x200), "function");
	CHECK_STR(at(&t, 0x300), "with_size");
	symtab_free(&t);
}

TEST(size_zero_reaches_to_the_next_or_the_section_end)
{
	struct symtab_builder b = { 0 };
	struct symtab t;

	add(&b, 0x100, 0, SYM_LOCAL, false, "a");
	add(&b, 0x180, 0, SYM_LOCAL, false, "b");
	add(&b, 0xff00, 0, SYM_LOCAL, true, "last");
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, 0x17f), "a");
	CHECK_STR(at(&t, 0x180), "b");
	CHECK_STR(at(&t, 0xffff), "last");
	CHECK_STR(at(&t, 0x10000), "-");
	symtab_free(&t);
}

TEST(labels_inside_a_function_are_dropped_and_nesting_is_seen)
{
	struct symtab_builder b = { 0 };
	struct symtab t;

	add(&b, 0x100, 0x100, SYM_GLOBAL, true, "outer");
	add(&b, 0x120, 0, SYM_LOCAL, false, "loop");
	add(&b, 0x140, 0x10, SYM_LOCAL, true, "inner");
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, 0x121), "outer");
	CHECK_STR(at(&t, 0x145), "inner");
	CHECK_STR(at(&t, 0x150), "outer");
	CHECK_STR(at(&t, 0x1ff), "outer");
	CHECK_STR(at(&t, 0x200), "-");
	symtab_free(&t);
}

TEST(sizes_that_lie_are_cut_and_ends_do_not_wrap)
{
	struct symtab_builder b = { 0 };
	struct sym_input in = { .addr = UINT64_MAX - 4, .size = UINT64_MAX, .name = "x", .len = 1 };
	struct symtab t;

	add(&b, 0x100, UINT64_MAX, SYM_GLOBAL, true, "huge");
	CHECK_EQ(symtab_add(&b, &in), 0);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, 0xffff), "huge");
	CHECK_STR(at(&t, 0x10000), "-");
	CHECK_STR(at(&t, UINT64_MAX), "x");
	symtab_free(&t);
}

TEST(limit_drops_and_counts)
{
	struct symtab_builder b = { .limit = 10 };
	char name[16];
	struct symtab t;

	for (unsigned int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		add(&b, 0x100 + i * 16, 16, SYM_GLOBAL, true, name);
	}
	CHECK_EQ(b.dropped, 15);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_EQ(t.n, 10);
	symtab_free(&t);
}

TEST(long_names_are_cut_and_empty_ones_left_out)
{
	struct symtab_builder b = { 0 };
	char *name = malloc(10000);
	struct symtab t;

	memset(name, 'x', 9999);
	name[9999] = '\0';
	add(&b, 0x100, 16, SYM_GLOBAL, true, name);
	add(&b, 0x200, 16, SYM_GLOBAL, true, "");
	free(name);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_EQ(t.n, 1);
	CHECK_EQ(strlen(at(&t, 0x100)), SYM_NAME_MAX - 1);
	symtab_free(&t);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, 0x100), "-");
	symtab_free(&t);
}

/* Tables of all shapes: what the index leads to is what looking at every symbol finds. */
static void check_all(const struct symtab *t, uint64_t from, uint64_t to, __u64 *seed)
{
	for (int i = 0; i < 3000; i++) {
		uint64_t addr = from + next_random(seed) % (to - from);
		const struct sym *want = NULL;

		/* they do not overlap here: the one that covers it */
		for (size_t k = 0; k < t->n; k++)
			if (addr - t->syms[k].addr < t->syms[k].size)
				want = &t->syms[k];
		CHECK(symtab_find(t, addr) == want);
	}
}

TEST(the_index_leads_to_the_same_symbols)
{
	static const uint64_t base[] = { 0x1000, 0xffffffff81000000ULL };
	__u64 seed = 42;

	for (int shape = 0; shape < 8; shape++) {
		struct symtab_builder b = { 0 };
		uint64_t at = base[shape % 2], first = at;
		struct symtab t;

		for (int i = 0; i < 2000; i++) {
			uint64_t size = 1 + next_random(&seed) % 200;
			char name[32];

			snprintf(name, sizeof(name), "f%d", i);
			CHECK_EQ(symtab_add(&b, &(struct sym_input){ .addr = at,
								     .size = size,
								     .func = true,
								     .name = name,
								     .len = strlen(name) }),
				 0);
			at += size + next_random(&seed) % 4 * 8;
			/* one far away, or many heaps */
			if ((shape / 2 == 1 && i == 1000) || (shape / 2 == 2 && !(i % 100)))
				at += 1 << 24;
		}
		CHECK_EQ(symtab_finish(&b, &t), 0);
		CHECK(t.index);
		check_all(&t, first - 100, at + 100, &seed);
		check_all(&t, first, first + 1000, &seed);
		symtab_free(&t);
	}
}

int main(void)
{
	return tap_main();
}
