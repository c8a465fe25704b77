// SPDX-License-Identifier: GPL-2.0
/* Which row holds at an address, and which address of the file that is. */
#include "tap.h"
#include "test_random.h"
#include "unwind/walk.h"

static uint32_t rule_by_scan(const struct ringprof_table *v, uint64_t addr)
{
	uint32_t rule = RINGPROF_CFA_GAP;

	for (uint32_t i = 0; i < v->n_rows && addr >= v->base; i++) {
		if (v->rows[i].pc <= addr - v->base && !((addr - v->base) >> 32))
			rule = v->rows[i].rule;
	}
	return rule;
}

TEST(rows_are_found_by_any_index)
{
	__u64 seed = 7;

	for (uint32_t turn = 0; turn < 400; turn++) {
		struct ringprof_row rows[40];
		uint32_t index[2100], n = turn % 41, pc = 0, i = 0;
		struct ringprof_table v = { rows, index, 0x1000, n, 0, 3 + turn % 8 };

		for (uint32_t k = 0; k < n; k++) {
			pc += (k || turn & 1) + next_random(&seed) % (turn % 3 ? 9 : 400);
			rows[k] = (struct ringprof_row){ pc, ringprof_rule(RINGPROF_CFA_SP,
									   (int)k + 1, 0, 0) };
		}
		v.n_index = (n ? pc >> v.shift : 0) + 2;
		for (uint32_t b = 0; b < v.n_index; b++) {
			while (i < n && rows[i].pc < b << v.shift)
				i++;
			index[b] = i;
		}
		for (uint64_t at = 0xff0; at < 0x1100 + pc; at++)
			CHECK_EQ(ringprof_row_find(&v, at), rule_by_scan(&v, at));
		CHECK_EQ(ringprof_row_find(&v, 0x1000 + (1ULL << 32)), RINGPROF_CFA_GAP);
		CHECK_EQ(ringprof_row_find(&v, 0), RINGPROF_CFA_GAP);
	}
}

TEST(bias_by_segment)
{
	struct ringprof_segment seg[2] = { { 0x1000, 0x401000, 0x2000 },
					   { 0x3000, 0x604000, 0x100 } };
	uint64_t bias = 0;

	CHECK(walk_bias(seg, 2, 0x55001000, 0x1000, &bias));
	CHECK_EQ(bias, 0x55001000 - 0x401000);
	CHECK(walk_bias(seg, 2, 0x55003010, 0x3010, &bias));
	CHECK_EQ(bias, 0x55003010 - 0x604010);
	CHECK(!walk_bias(seg, 2, 0x55000000, 0xfff, &bias));
	CHECK(!walk_bias(seg, 2, 0x55000000, 0x3100, &bias));
	CHECK(!walk_bias(seg, 0, 0x55000000, 0, &bias));
}

int main(void)
{
	return tap_main();
}
