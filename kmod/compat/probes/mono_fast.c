// SPDX-License-Identifier: GPL-2.0
/* NMI-safe CLOCK_MONOTONIC; needs symbol ktime_get_mono_fast_ns */
#include <linux/ktime.h>
#include <linux/timekeeping.h>
u64 probe(void);
u64 probe(void)
{
	return ktime_get_mono_fast_ns();
}
