// SPDX-License-Identifier: GPL-2.0
/* Counters as attributes; process context, locked (sampler.h). */
#include "netlink_attr.h"
#include "cpu.h"
#include "stats.h"

static int put_stats(struct sk_buff *skb, const struct rp_stats *st)
{
	if (rp_put_u64(skb, RINGPROF_A_CALLS, st->calls) ||
	    nla_put(skb, RINGPROF_A_OUTCOMES, sizeof(st->outcome), st->outcome) ||
	    rp_put_u64(skb, RINGPROF_A_MISSED, st->missed) ||
	    rp_put_u64(skb, RINGPROF_A_EVENT_COUNT, st->event_count) ||
	    rp_put_u64(skb, RINGPROF_A_ELAPSED, st->elapsed) ||
	    rp_put_u64(skb, RINGPROF_A_CHAIN_HITS, st->chain_hits) ||
	    rp_put_u64(skb, RINGPROF_A_NODES, st->nodes) ||
	    rp_put_u64(skb, RINGPROF_A_BYTES, st->bytes) ||
	    rp_put_u64(skb, RINGPROF_A_FRAMES, st->frames) ||
	    nla_put_u32(skb, RINGPROF_A_EPOCH, st->epoch) ||
	    rp_put_u64(skb, RINGPROF_A_HANDLER_NS, st->handler_ns) ||
	    rp_put_u64(skb, RINGPROF_A_NODE_LIMIT_HITS, st->node_limit_hits) ||
	    nla_put(skb, RINGPROF_A_UNWIND, sizeof(st->unwind), st->unwind))
		return -EMSGSIZE;
	return 0;
}

int rp_netlink_put_totals(struct sk_buff *skb)
{
	struct rp_stats st = { 0 };
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c)
			rp_stats_add(&st, c);
	}
	rp_mm_add_counters(st.unwind);
	return put_stats(skb, &st);
}

/*
 * What is no CPU's own stands in the totals alone. With the period and unit of
 * this CPU: after a fallback they differ between CPUs.
 */
int rp_netlink_put_cpu(struct sk_buff *skb, struct rp_cpu *c)
{
	struct rp_stats st = { 0 };

	rp_stats_add(&st, c);
	if (nla_put_u32(skb, RINGPROF_A_CPU, c->cpu) ||
	    rp_put_u64(skb, RINGPROF_A_PERIOD, c->period) ||
	    nla_put_u32(skb, RINGPROF_A_UNIT, rp_cpu_unit(c)))
		return -EMSGSIZE;
	return put_stats(skb, &st);
}
