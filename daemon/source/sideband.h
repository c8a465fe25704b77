/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What processes do to their mappings and names, from per-CPU
 * PERF_COUNT_SW_DUMMY events on every online CPU, for both sources. Counts
 * nothing and costs nothing while nobody execs, forks or maps.
 *
 * A CPU that comes while we run is followed at the next rescan; what was
 * missed on it until then is told by an EV_LOST.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_SIDEBAND_H
#define RINGPROF_SOURCE_SIDEBAND_H

#include "source/source_priv.h"

struct sideband;

/* Opens on s->online; records come from now on. 0 or -errno with a sentence. */
int sideband_open(struct sideband **ret, struct source *s, char *err, size_t errlen);
void sideband_close(struct sideband *sb);

/* Follows s->online. */
void sideband_rescan(struct sideband *sb);
/*
 * Changes when the CPU's event was closed because the CPU went off line, also
 * for a moment: perf events do not survive that, silently. By then a round or
 * more has read out its ring. Who has an event there must close it now.
 */
uint32_t sideband_generation(const struct sideband *sb, uint32_t cpu);

void sideband_note(struct sideband *sb);
int sideband_add(struct sideband *sb);
void sideband_release(struct sideband *sb);

void sideband_counters(const struct sideband *sb, struct source_counters *ret);
size_t sideband_bytes(const struct sideband *sb);

#endif
