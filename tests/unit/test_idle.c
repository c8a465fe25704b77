// SPDX-License-Identifier: GPL-2.0
/* When a host counts as idle, and when not any more. */
#include "agg/idle.h"

#include "base/clock.h"
#include "tap.h"

#define HZ   100
#define CPUS 4

static uint64_t now;
static struct source_counters counters;

/* Rounds of a second with so many busy samples of HZ a CPU, of all CPUs together; how often the rate was to change. */
static unsigned int seconds(struct idle *i, unsigned int n, unsigned int busy)
{
	unsigned int changes = 0;

	while (n--) {
		now += NSEC_PER_SEC;
		counters.calls += HZ * CPUS;
		counters.outcome[RINGPROF_OUT_IDLE] += HZ * CPUS - busy;
		changes += idle_look(i, now, &counters, CPUS);
	}
	return changes;
}

TEST(a_minute_of_nothing_is_idle)
{
	struct idle i;

	idle_begin(&i, false);
	CHECK_EQ(seconds(&i, 60, 5), 0);
	CHECK_EQ(seconds(&i, 5, 5), 1);
	CHECK(i.low);
	CHECK_EQ(seconds(&i, 600, 1), 0);
}

TEST(work_within_the_minute_begins_it_anew)
{
	struct idle i;

	idle_begin(&i, false);
	for (int k = 0; k < 10; k++) {
		CHECK_EQ(seconds(&i, 50, 0), 0);
		CHECK_EQ(seconds(&i, 5, 30), 0);
	}
	CHECK(!i.low);
}

TEST(work_ends_it_within_six_seconds)
{
	struct idle i;

	idle_begin(&i, true);
	CHECK_EQ(seconds(&i, 20, 30), 0);
	CHECK_EQ(seconds(&i, 6, 50), 1);
	CHECK(!i.low);
	CHECK_EQ(seconds(&i, 100, 50), 0);
}

TEST(a_host_between_the_two_stays_as_it_is)
{
	struct idle i;

	idle_begin(&i, true);
	CHECK_EQ(seconds(&i, 600, 15), 0);
	idle_begin(&i, false);
	CHECK_EQ(seconds(&i, 600, 15), 0);
}

TEST(without_samples_nothing_is_known)
{
	struct idle i;

	idle_begin(&i, false);
	for (int k = 0; k < 200; k++) {
		now += NSEC_PER_SEC;
		CHECK(!idle_look(&i, now, &counters, CPUS));
	}
}

int main(void)
{
	return tap_main();
}
