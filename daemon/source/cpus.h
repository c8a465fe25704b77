/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU lists as the kernel writes them ("0-3,8"), and which CPUs there are.
 */
#ifndef RINGPROF_SOURCE_CPUS_H
#define RINGPROF_SOURCE_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#define CPUS_MAX 8192 /* x86's largest NR_CPUS */

struct cpu_mask {
	uint64_t bits[CPUS_MAX / 64];
};

static inline bool cpu_isset(const struct cpu_mask *m, uint32_t cpu)
{
	return cpu < CPUS_MAX && (m->bits[cpu / 64] >> (cpu % 64) & 1);
}

/* 0, or -EINVAL for anything but a list of numbers and rising ranges below CPUS_MAX. */
int cpus_parse(const char *list, struct cpu_mask *ret);
/* 0 or -errno; online always has a CPU. */
int cpus_online(struct cpu_mask *ret);
/* One more than the highest CPU that could ever come. */
uint32_t cpus_possible(void);
/* Takes out the CPUs that the administrator keeps free of the kernel's own work. */
void cpus_drop_isolated(struct cpu_mask *m);

#endif
