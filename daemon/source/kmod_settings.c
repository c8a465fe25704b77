// SPDX-License-Identifier: GPL-2.0
/* The module's settings: ours given to it, its own asked for when they may differ. */
#include "source/kmod_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* rescans, that is 8 s */
#define ASK_EACH 4

static uint32_t count_cpus(const char *list)
{
	struct cpu_mask m;
	uint32_t n = 0;

	if (cpus_parse(list, &m))
		return 0;
	for (uint32_t i = 0; i < CPUS_MAX / 64; i++)
		n += (uint32_t)__builtin_popcountll(m.bits[i]);
	return n;
}

int kmod_settings_read(struct control *ctl, struct source_info *info, uint32_t *ret_max_nodes,
		       char *err, size_t errlen)
{
	struct control_config *cfg = calloc(1, sizeof(*cfg));
	int r = cfg ? control_get(ctl, cfg) : -ENOMEM;

	if (r) {
		free(cfg);
		snprintf(err, errlen, "%s", control_error(ctl));
		return r;
	}
	info->hz = cfg->hz;
	info->period = cfg->period;
	info->unit = cfg->unit;
	info->budget = cfg->budget;
	info->cpus = count_cpus(cfg->cpus_active);
	*ret_max_nodes = cfg->node_budget ? cfg->node_budget : DECODE_MAX_NODES;
	free(cfg);
	return 0;
}

/* What the rings tell: the periods in force, and which CPUs are sampled. true: some are. */
static bool read_signs(struct kmod_ring *rings, uint32_t n, struct kmod_signs *now)
{
	bool any = false;

	for (uint32_t i = 0; i < n && i < CPUS_MAX; i++) {
		if (!rings[i].head || !kmod_ring_moves(&rings[i]))
			continue;
		any = true;
		now->moving.bits[i / 64] |= UINT64_C(1) << (i % 64);
		now->weights += rings[i].dec.weight;
	}
	return any;
}

/*
 * The governor changes settings, people do, and a CPU that comes or goes. Mostly that
 * is seen in the rings, which saves an idle host half of what the module is asked; for
 * the rest (a budget, a rate while nothing is emitted) the rescans are counted. What the
 * module does about a CPU may come after the kernel says so, hence a second time.
 */
bool kmod_settings_may_differ(struct kmod_signs *last, const struct cpu_mask *online,
			      struct kmod_ring *rings, uint32_t n)
{
	struct kmod_signs now = { .online = *online, .ask = last->ask, .unasked = last->unasked };
	bool moved = read_signs(rings, n, &now);

	if (!moved || memcmp(&now, last, sizeof(now)))
		now.ask = 2;
	else if (!now.ask && ++now.unasked >= ASK_EACH)
		now.ask = 1;
	*last = now;
	if (!now.ask)
		return false;
	last->ask--;
	last->unasked = 0;
	return true;
}

void kmod_settings_ask(struct kmod_signs *s)
{
	s->ask = 1;
}

/* What the module takes: a power of two within its limits. */
static uint32_t ring_size(uint32_t wanted)
{
	uint32_t size = RINGPROF_MIN_DATA_SIZE;

	while (size < wanted && size < RINGPROF_MAX_DATA_SIZE)
		size *= 2;
	return size;
}

/*
 * The pids we were asked for are no filter in the module: what those processes
 * fork must be profiled from its first moment, which only the side band, in
 * time order, can tell. See source_wants.
 */
int kmod_settings_write(struct control *ctl, const struct source_config *want,
			const struct source_info *info, char *err, size_t errlen)
{
	struct control_config *cfg = calloc(1, sizeof(*cfg));
	int r = -ENOMEM;

	if (!cfg) {
		snprintf(err, errlen, "kmod: out of memory");
		return r;
	}
	cfg->hz = want->hz;
	cfg->set_hz = want->hz;
	cfg->ring_size = ring_size(want->ring_bytes);
	cfg->set_ring_size = want->ring_bytes;
	cfg->max_depth = want->max_depth;
	cfg->set_max_depth = want->max_depth;
	cfg->budget = want->budget;
	cfg->set_budget = want->set_budget;
	cfg->table_budget = want->table_budget;
	cfg->set_table_budget = want->set_table_budget && info->features & RINGPROF_FEAT_ROWS;
	cfg->flags = (want->no_kernel ? RINGPROF_F_NO_KERNEL : 0) |
		     (want->no_user ? RINGPROF_F_NO_USER : 0);
	cfg->set_flags = cfg->set_cpus = cfg->set_cgroup = cfg->set_tgids = true;
	if (want->cpus)
		snprintf(cfg->cpus, sizeof(cfg->cpus), "%s", want->cpus);
	if (want->cgroup)
		snprintf(cfg->cgroup, sizeof(cfg->cgroup), "%s", want->cgroup);
	r = control_set(ctl, cfg);
	free(cfg);
	if (r)
		snprintf(err, errlen, "settings: %s", control_error(ctl));
	return r;
}
