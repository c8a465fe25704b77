// SPDX-License-Identifier: GPL-2.0
/* What is told of a rate that the module's governor has lowered, and how often. */
#include "agg/governor.h"

#include <string.h>

#include "base/clock.h"
#include "tap.h"

static char text[512];
static uint64_t now = 5 * NSEC_PER_SEC;

/* A look two seconds later, at a period that is so many times the one asked for, less 1 %. */
static bool look(struct governor *g, uint32_t hz, uint32_t times)
{
	struct source_info info = {
		.hz = hz,
		.period = NSEC_PER_SEC / hz * times / 100 * 99,
		.unit = RINGPROF_UNIT_NS,
		.budget = 150,
	};

	now += 2 * NSEC_PER_SEC;
	text[0] = 0;
	return governor_look(g, now, &info, text, sizeof(text));
}

static bool has(const char *what)
{
	printf("# %s\n", text);
	return strstr(text, what);
}

TEST(slower_is_told_once_with_rates_budget_and_the_way_out)
{
	struct governor g = { 0 };

	CHECK(!look(&g, 4999, 1));
	CHECK(look(&g, 4999, 2));
	CHECK(has("2499.5 Hz where 4999 Hz are asked for") && has("1.50 % of a CPU"));
	CHECK(has("(frequency, max-depth)") && has("(budget)"));
	CHECK(!look(&g, 4999, 4));
	CHECK(!look(&g, 4999, 8));
	CHECK_EQ(g.slowdown, 8);
	CHECK_EQ(g.changes, 3);
}

TEST(and_the_rate_asked_for_once)
{
	struct governor g = { 0 };

	CHECK(look(&g, 999, 4));
	now += 60 * NSEC_PER_SEC;
	CHECK(!look(&g, 999, 2));
	CHECK(look(&g, 999, 1));
	CHECK(has("999 Hz again, as asked for"));
	CHECK(!look(&g, 999, 1));
	CHECK_EQ(g.slowdown, 1);
	CHECK_EQ(g.changes, 2);
}

TEST(to_and_fro_is_told_once_a_minute)
{
	struct governor g = { 0 };
	unsigned int told = 0;

	for (unsigned int i = 0; i < 300; i++)
		told += look(&g, 999, 1 + i % 2);
	/* 600 s; each line is of the state then */
	printf("# %u lines, %u changes\n", told, (unsigned int)g.changes);
	CHECK(told >= 8 && told <= 10);
	CHECK_EQ(g.changes, 299);
}

TEST(what_it_came_to_within_the_minute_is_told_after_it)
{
	struct governor g = { 0 };

	CHECK(look(&g, 999, 2));
	for (unsigned int i = 0; i < 29; i++)
		CHECK(!look(&g, 999, 1));
	CHECK(look(&g, 999, 1));
	CHECK(has("again"));
}

TEST(another_rate_asked_for_is_no_change)
{
	struct governor g = { 0 };

	CHECK(!look(&g, 99, 1));
	CHECK(!look(&g, 10, 1));
	CHECK(!look(&g, 4999, 1));
	CHECK_EQ(g.changes, 0);
	CHECK_EQ(g.slowdown, 1);
}

TEST(cycles_are_compared_with_the_fewest_of_that_rate)
{
	struct governor g = { 0 };
	struct source_info info = { .hz = 999, .unit = RINGPROF_UNIT_CYCLES, .budget = 100 };

	info.period = 3000000;
	CHECK(!governor_look(&g, now, &info, text, sizeof(text)));
	info.period *= 2;
	CHECK(governor_look(&g, now, &info, text, sizeof(text)));
	CHECK_EQ(g.slowdown, 2);
	info.hz = 99;
	info.period = 30000000;
	governor_look(&g, now + 100 * NSEC_PER_SEC, &info, text, sizeof(text));
	CHECK_EQ(g.slowdown, 1);
	CHECK_EQ(g.changes, 1);
}

TEST(settings_that_cannot_be_are_survived)
{
	struct governor g = { 0 };
	struct source_info info = { .hz = 0, .period = 1 };

	CHECK(!governor_look(&g, now, &info, text, sizeof(text)));
	info = (struct source_info){ .hz = 1, .period = 0 };
	CHECK(!governor_look(&g, now, &info, text, sizeof(text)));
	info = (struct source_info){ .hz = 1, .period = 1, .unit = RINGPROF_UNIT_CYCLES };
	CHECK(!governor_look(&g, now, &info, text, sizeof(text)));
}

int main(void)
{
	return tap_main();
}
