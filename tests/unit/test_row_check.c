// SPDX-License-Identifier: GPL-2.0
/* Which unwind rows are taken, and the index over them against plain search. */
#include <stdlib.h>

#include "ringprof/row_check.h"
#include "tap.h"
#include "test_random.h"

static __u64 seed = 0x9e3779b97f4a7c15ULL;

TEST(rules_that_the_walker_knows)
{
	CHECK(ringprof_rule_ok(RINGPROF_CFA_GAP));
	CHECK(ringprof_rule_ok(RINGPROF_CFA_SIGNAL));
	CHECK(ringprof_rule_ok(RINGPROF_CFA_ROOT));
	CHECK(ringprof_rule_ok(RINGPROF_CFA_OPAQUE));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_SAME, 0)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_SP, -32768, RINGPROF_BP_AT_CFA, -512)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_BP_DEREF, -1, RINGPROF_BP_AT_BP, 0)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_PLT, 11, RINGPROF_BP_SAME, 0)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_REG, 1, RINGPROF_BP_UNKNOWN, 10)));
	CHECK(ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_CLONE, 1, RINGPROF_BP_AT_CFA, -2)));
}

TEST(rules_that_nobody_knows)
{
	__u32 cfa;

	for (cfa = __RINGPROF_CFA_MAX; cfa < 16; cfa++)
		CHECK(!ringprof_rule_ok(cfa));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_GAP, 1, 0, 0)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_ROOT, 0, RINGPROF_BP_AT_CFA, 0)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_OPAQUE, 0, 0, 1)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_SAME, 1)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_CLONE, 1, RINGPROF_BP_SAME, 1)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_BP, 1, RINGPROF_BP_UNKNOWN, -1)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_PLT, 16, RINGPROF_BP_SAME, 0)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_PLT, -1, RINGPROF_BP_SAME, 0)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_REG, 1, RINGPROF_BP_SAME, 16)));
	CHECK(!ringprof_rule_ok(ringprof_rule(RINGPROF_CFA_REG, 1, RINGPROF_BP_AT_CFA, 3)));
}

TEST(rows_out_of_order_are_told)
{
	struct ringprof_row rows[] = { { 0, 1 }, { 4, 1 }, { 4, 1 }, { 5, 15 } };

	CHECK_EQ(ringprof_rows_ok(rows, 2, 0), 2);
	CHECK_EQ(ringprof_rows_ok(rows, 3, 0), 2);
	CHECK_EQ(ringprof_rows_ok(rows, 2, 1), 0);
	CHECK_EQ(ringprof_rows_ok(rows + 2, 2, 4), 1);
	rows[0].pc = 0xffffffff;
	CHECK_EQ(ringprof_rows_ok(rows, 1, 0), 1);
	/* nothing can follow the last address */
	CHECK_EQ(ringprof_rows_ok(rows, 1, 0x100000000ULL), 0);
}

static __u32 plain_find(const struct ringprof_row *rows, __u32 n, __u64 base, __u64 vaddr)
{
	__u32 rule = RINGPROF_CFA_GAP, i;

	for (i = 0; i < n && vaddr >= base && rows[i].pc <= vaddr - base; i++)
		rule = rows[i].rule;
	return (vaddr - base) >> 32 ? (__u32)RINGPROF_CFA_GAP : rule;
}

static void check_table(const struct ringprof_row *rows, __u32 n, __u64 base)
{
	__u32 shift = ringprof_index_shift(n, rows[n - 1].pc), i;
	__u64 size = ringprof_index_size(rows[n - 1].pc, shift);
	__u32 *index = malloc(size * sizeof(*index));
	struct ringprof_table t = { .rows = rows,
				    .index = index,
				    .base = base,
				    .n_rows = n,
				    .n_index = size,
				    .shift = shift };

	CHECK(size <= 16 || size * sizeof(*index) * 16 <= n * sizeof(*rows));
	ringprof_index_fill(index, rows, n, shift);
	for (i = 0; i < 200; i++) {
		__u64 at = base + rows[next_random(&seed) % n].pc + next_random(&seed) % 5 - 2;

		CHECK_EQ(ringprof_row_find(&t, at), plain_find(rows, n, base, at));
	}
	CHECK_EQ(ringprof_row_find(&t, base - 1), RINGPROF_CFA_GAP);
	CHECK_EQ(ringprof_row_find(&t, base + 0x100000000ULL), RINGPROF_CFA_GAP);
	CHECK_EQ(ringprof_row_find(&t, base + 0xffffffff), rows[n - 1].rule);
	free(index);
}

TEST(index_finds_what_a_plain_search_finds)
{
	static struct ringprof_row rows[5000];
	int round;

	for (round = 0; round < 60; round++) {
		__u32 n = 1 + next_random(&seed) % (round < 30 ? 40 : 5000), i;
		__u32 step = 1U << next_random(&seed) % 19;
		__u64 pc = next_random(&seed) % step;

		for (i = 0; i < n; i++) {
			rows[i].pc = (__u32)pc;
			rows[i].rule = ringprof_rule(RINGPROF_CFA_SP, (__s32)i, 0, 0);
			pc += 1 + next_random(&seed) % step;
		}
		check_table(rows, n, round % 2 ? 0x400000 : 0);
	}
}

TEST(index_of_the_largest_address)
{
	struct ringprof_row rows[] = { { 0, 1 }, { 0xffffffff, 2 } };

	check_table(rows, 2, 0x1000);
	check_table(rows + 1, 1, 0x1000);
}

/* What lies before the first row must not wrap around into the index. */
TEST(index_of_a_few_bytes)
{
	struct ringprof_row rows[] = { { 0, 1 }, { 14, 0 } };
	__u32 last;

	for (last = 0; last < 40; last++) {
		rows[1].pc = last + 1;
		check_table(rows, 2, 0x400120);
		check_table(rows, 1, 0x400120);
	}
}

int main(void)
{
	return tap_main();
}
