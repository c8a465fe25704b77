// SPDX-License-Identifier: GPL-2.0
/* Interned rows: numbers that stay, trees, limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "tap.h"

TEST(table_interns_and_never_moves)
{
	struct table t;
	const uint64_t *first;

	table_init(&t, sizeof(uint64_t), SIZE_MAX);
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t row = i * 7919;

		CHECK_EQ(table_find(&t, &row), UINT32_MAX);
		CHECK_EQ(table_add(&t, &row), i);
		if (!i)
			first = table_row(&t, 0);
	}
	CHECK(first == table_row(&t, 0));
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t row = i * 7919;

		CHECK_EQ(*(const uint64_t *)table_row(&t, (uint32_t)i), row);
		CHECK_EQ(table_add(&t, &row), i);
		CHECK_EQ(table_find(&t, &row), i);
	}
	CHECK_EQ(table_count(&t), 100000);
	CHECK(!table_row(&t, 100000));
	CHECK(!table_row(&t, UINT32_MAX));
	table_free(&t);
}

TEST(table_bytes_and_seal)
{
	struct table t;
	uint64_t row = 5;
	size_t before;

	table_init(&t, sizeof(row), SIZE_MAX);
	CHECK_EQ(table_add(&t, &row), 0);
	before = t.bytes;
	CHECK(before >= sizeof(row));
	table_seal(&t);
	CHECK(t.bytes < before);
	row = 6;
	CHECK_EQ(table_add(&t, &row), UINT32_MAX);
	CHECK_EQ(table_find(&t, &row), UINT32_MAX);
	CHECK_EQ(*(const uint64_t *)table_row(&t, 0), 5);
	table_free(&t);
}

/* A node of a tree as its word. */
static struct table_words node(uint32_t parent, uint32_t label)
{
	return (struct table_words){ { (uint64_t)label << 32 | parent } };
}

static void tree_init(struct table *t, size_t max_bytes)
{
	uint64_t root = UINT64_MAX;

	table_init_tree(t, sizeof(root), max_bytes);
	CHECK_EQ(table_add(t, &root), 0);
}

static uint32_t below(struct table *t, uint32_t parent, uint32_t label)
{
	return table_add_below(t, parent, node(parent, label), 8);
}

TEST(a_node_of_a_tree_has_one_number)
{
	enum { N = 50000 };
	uint32_t *ids = calloc(N, sizeof(*ids));
	struct table t;

	tree_init(&t, SIZE_MAX);
	/* first, middle and last children, of long branches and of a wide node */
	for (uint32_t i = 0; i < N; i++) {
		uint32_t parent = i % 50 && i % 3 ? ids[i - 1] : ids[i - i % 50];

		ids[i] = below(&t, i % 50 ? parent : 0, i);
		CHECK_EQ(ids[i], i + 1);
	}
	for (uint32_t i = 0; i < N; i++) {
		uint32_t parent = i % 50 && i % 3 ? ids[i - 1] : ids[i - i % 50];

		CHECK_EQ(below(&t, i % 50 ? parent : 0, i), ids[i]);
		CHECK_EQ(*(const uint64_t *)table_row(&t, ids[i]),
			 (long long)node(i % 50 ? parent : 0, i).w[0]);
	}
	CHECK_EQ(table_count(&t), N + 1);
	/* most nodes are first children, which no index holds */
	CHECK(t.indexed < N / 2);
	table_free(&t);
	free(ids);
}

TEST(a_tree_knows_its_nodes_at_the_end_of_a_bucket)
{
	struct table t;

	tree_init(&t, SIZE_MAX);
	for (uint32_t i = 1; i < 64; i++)
		CHECK_EQ(below(&t, i - 1, i), i);
	CHECK_EQ(table_count(&t), t.end);
	CHECK_EQ(below(&t, 10, 11), 11); /* a first child */
	CHECK_EQ(table_count(&t), 64);
	CHECK_EQ(below(&t, 10, 12), 64);
	CHECK_EQ(below(&t, 10, 12), 64);
	CHECK_EQ(below(&t, 65, 1), UINT32_MAX); /* no such parent */
	table_free(&t);
}

TEST(a_sealed_tree_takes_nothing)
{
	size_t sum = 7;
	struct table t;

	table_init_tree(&t, 8, SIZE_MAX);
	t.sum = &sum;
	CHECK_EQ(table_add(&t, &(uint64_t){ UINT64_MAX }), 0);
	CHECK_EQ(below(&t, 0, 1), 1);
	CHECK_EQ(sum, 7 + t.bytes);
	table_seal(&t);
	CHECK_EQ(sum, 7 + t.bytes);
	CHECK_EQ(t.bytes, 64 * 8);
	CHECK_EQ(below(&t, 0, 1), UINT32_MAX);
	CHECK_EQ(below(&t, 1, 1), UINT32_MAX);
	CHECK_EQ(table_count(&t), 2);
	table_free(&t);
}

TEST(the_limit_holds_for_rows_children_and_index)
{
	struct table t;
	uint32_t n = 1;

	tree_init(&t, 1 << 20);
	while (below(&t, n % 2 ? 0 : n - 1, n) != UINT32_MAX) {
		CHECK(t.bytes <= 1 << 20);
		n++;
	}
	CHECK(n > 32000);
	CHECK_EQ(table_count(&t), n);
	/* what is there is found, whatever new rows are told */
	CHECK_EQ(below(&t, 0, 1), 1);
	CHECK_EQ(below(&t, 1, 2), 2);
	table_free(&t);
	table_init(&t, 8, 100);
	CHECK_EQ(table_add(&t, &(uint64_t){ 1 }), UINT32_MAX);
	table_free(&t);
}

int main(void)
{
	return tap_main();
}
