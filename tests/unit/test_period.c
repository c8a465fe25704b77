// SPDX-License-Identifier: GPL-2.0
/* The sampler's period for every rate and every tick that kernels have. */
#include <linux/ringprof.h>

#include "ringprof/period.h"
#include "tap.h"

TEST(periods_keep_the_rate_and_miss_the_tick)
{
	static const __u32 ticks[] = { 10000000, 4000000, 3333333, 1000000 };
	__u32 hz, t, stuck = 0;

	for (t = 0; t < 4; t++) {
		for (hz = RINGPROF_MIN_HZ; hz <= RINGPROF_MAX_HZ; hz++) {
			__u32 p = ringprof_period(hz, ticks[t]), ideal = RINGPROF_NS_PER_SEC / hz;

			CHECK(p <= ideal && p >= ideal - ideal / 50 - ideal / 1000 - 3);
			stuck += ringprof_beats(p, ticks[t]);
		}
	}
	CHECK_EQ(stuck, 0);
}

int main(void)
{
	return tap_main();
}
