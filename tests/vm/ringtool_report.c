// SPDX-License-Identifier: GPL-2.0
/*
 * ringtool's report: per CPU, the module's counters over netlink (after minus
 * before), the ring head's own as they stand, and what the reader saw.
 * Numbers only; tests judge them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ringtool.h"

static void number(const char *name, uint64_t v)
{
	printf(",\"%s\":%" PRIu64, name, v);
}

static const struct control_stats *find(const struct control_stats *s, int n, unsigned int cpu)
{
	static const struct control_stats none;

	for (int i = 0; i < n; i++) {
		if (s[i].cpu == (int)cpu)
			return &s[i];
	}
	return &none;
}

static void outcomes(const uint64_t *now, const uint64_t *then)
{
	printf(",\"outcomes\":{");
	for (unsigned int i = 0; i < __RINGPROF_OUT_MAX; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", control_outcome_name(i),
		       now[i] - (then ? then[i] : 0));
	printf("}");
}

static void module_side(const struct control_stats *a, const struct control_stats *b)
{
	printf("\"module\":{\"cpu\":%d", a->cpu);
	number("calls", a->calls - b->calls);
	outcomes(a->outcomes, b->outcomes);
	number("missed", a->missed - b->missed);
	number("event_count", a->event_count - b->event_count);
	number("elapsed", a->elapsed - b->elapsed);
	number("chain_hits", a->chain_hits - b->chain_hits);
	number("nodes", a->nodes - b->nodes);
	number("bytes", a->bytes - b->bytes);
	number("frames", a->frames - b->frames);
	number("handler_ns", a->handler_ns - b->handler_ns);
	number("node_limit_hits", a->node_limit_hits - b->node_limit_hits);
	printf("}");
}

static void ring_side(const struct ringread *r)
{
	const struct ringprof_ring_head *h = r->head;
	uint64_t now[16];

	for (unsigned int i = 0; i < 16; i++)
		now[i] = h->outcome[i];
	printf(",\"head\":{\"cpu\":%u", h->cpu);
	number("calls", h->calls);
	outcomes(now, NULL);
	number("data_size", h->data_size);
	number("features", h->features);
	printf("}");
}

static void reader_side(const struct ringread *r)
{
	const char *sep = "";

	printf(",\"reader\":{\"samples\":%" PRIu64, r->seen.samples);
	number("detached", r->seen.detached);
	number("bytes", r->seen.bytes);
	number("nodes", r->seen.nodes);
	number("epochs", r->seen.epochs);
	number("weights", r->seen.weights);
	number("weight_sum", r->seen.weight_sum);
	number("unit", r->unit);
	number("errors", r->seen.errors);
	printf(",\"error\":\"%s\",\"ends\":{", r->seen.error);
	for (unsigned int i = 0; i <= RINGPROF_END_MAX; i++) {
		if (!r->seen.ends[i])
			continue;
		printf("%s\"%s\":%" PRIu64, sep, control_end_name(i), r->seen.ends[i]);
		sep = ",";
	}
	printf("}}");
}

void report(const struct control_config *cfg, const struct ringread *rings, unsigned int n_rings,
	    const struct control_stats *before, int n_before, const struct control_stats *after,
	    int n_after, pid_t child, int child_status)
{
	printf("{\"hz\":%u,\"period\":%" PRIu64 ",\"unit\":%u,\"child\":%d,\"child_status\":%d,"
	       "\"cpus\":[",
	       cfg->hz, cfg->period, cfg->unit, (int)child,
	       WIFEXITED(child_status) ? WEXITSTATUS(child_status) : 255);
	for (unsigned int i = 0; i < n_rings; i++) {
		unsigned int cpu = rings[i].cpu;

		printf("%s\n{", i ? "," : "");
		module_side(find(after, n_after, cpu), find(before, n_before, cpu));
		ring_side(&rings[i]);
		reader_side(&rings[i]);
		printf("}");
	}
	printf("]}\n");
}
