// SPDX-License-Identifier: GPL-2.0
/* See stats.h. */
#include <linux/kernel.h>

#include "compat.h"
#include "cpu.h"
#include "stats.h"

void rp_stats_add(struct rp_stats *sum, struct rp_cpu *c)
{
	const struct ringprof_ring_head *h = c->s.ring.shared;
	/* calls after the event's count: what is counted in between is not called missed */
	struct rp_run run = rp_cpu_run(c);
	u64 calls = READ_ONCE(h->calls);
	int i;

	sum->calls += calls;
	for (i = 0; i < __RINGPROF_OUT_MAX; i++)
		sum->outcome[i] += READ_ONCE(h->outcome[i]);
	sum->missed += run.expected > calls ? run.expected - calls : 0;
	sum->event_count += run.count;
	sum->elapsed += run.elapsed;
	sum->chain_hits += READ_ONCE(h->chain_hits);
	sum->nodes += READ_ONCE(h->nodes);
	sum->bytes += READ_ONCE(h->bytes);
	sum->frames += READ_ONCE(h->frames);
	sum->handler_ns += READ_ONCE(h->handler_ns);
	sum->node_limit_hits += READ_ONCE(h->node_limit_hits);
	for (i = 0; i < __RINGPROF_UNW_MAX; i++)
		sum->unwind[i] += READ_ONCE(c->unwind[i]);
	sum->epoch = max_t(u32, sum->epoch, READ_ONCE(h->epoch));
}
