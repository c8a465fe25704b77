/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module samples by. Private to kmod.c.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_KMOD_SETTINGS_H
#define RINGPROF_SOURCE_KMOD_SETTINGS_H

#include "source/kmod_ring.h"

/* What the rings told of settings at the last rescan; begins as zero. */
struct kmod_signs {
	uint64_t weights; /* of all rings, added up */
	struct cpu_mask online, moving;
	unsigned int ask, unasked; /* rescans: that ask still, that did not */
};

/*
 * Once a rescan: are they to be asked for? n rings, of which those of offline CPUs may
 * be unmapped.
 */
bool kmod_settings_may_differ(struct kmod_signs *last, const struct cpu_mask *online,
			      struct kmod_ring *rings, uint32_t n);
/* Asked for in vain: once more at the next rescan. */
void kmod_settings_ask(struct kmod_signs *s);

/*
 * What is in force, for info, and how many nodes a CPU and epoch are kept. 0, or
 * -errno with a sentence.
 */
int kmod_settings_read(struct control *ctl, struct source_info *info, uint32_t *ret_max_nodes,
		       char *err, size_t errlen);
/* Ours, as far as info's features go. 0, or -errno with a sentence. */
int kmod_settings_write(struct control *ctl, const struct source_config *want,
			const struct source_info *info, char *err, size_t errlen);

#endif
