/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One CPU's ring of the module: mapping, checks of its header, the way of its
 * samples to the receiver. Private to kmod.c and kmod_ring.c.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_KMOD_RING_H
#define RINGPROF_SOURCE_KMOD_RING_H

#include "source/control.h"
#include "source/decode.h"
#include "source/source_priv.h"

/* counters of a ring's header */
struct kmod_counts {
	uint64_t calls, outcome[16], chain_hits, nodes, bytes, frames, node_limit_hits, handler_ns;
};

struct kmod_ring {
	struct stream stream; /* first: a stream is its kmod_ring */
	struct source *s;
	uint32_t cpu;
	const struct ringprof_ring_head *head; /* NULL: no ring (yet) */
	struct ringprof_ring_tail *tail;
	struct ringprof_cursor at; /* in the data area, which is there twice over */
	struct decode dec;
	struct decode_sample sample; /* at hand */
	int64_t clock_offset;	     /* mono - the ring's clock */
	struct kmod_counts base;     /* when it was mapped first */
	struct kmod_counts last;     /* when it was unmapped */
	bool has_base;
	uint64_t filtered; /* by us, of what the module emitted */
	uint64_t too_deep;
	uint64_t stuck_since; /* mono; 0: not waiting for an EPOCH */
	uint64_t stuck_records;
	uint64_t calls_seen; /* by kmod_ring_moves */
};

/* 0, or -EPROTO with a sentence that names both versions and the way out. */
int kmod_check_abi(uint32_t major, uint32_t minor, const char *version, char *err, size_t errlen);

void kmod_ring_init(struct kmod_ring *r, struct source *s, uint32_t cpu);
/*
 * Maps the ring, if it is not yet. fresh: it was made after this reader came,
 * so all its counters are ours. 0, -ENXIO (no ring), or -errno with a sentence.
 */
int kmod_ring_map(struct kmod_ring *r, int fd, bool fresh, uint32_t max_nodes, char *err,
		  size_t errlen);
/* Lets go of the mapping; counters stay, and so does base for a later map. */
void kmod_ring_unmap(struct kmod_ring *r);
void kmod_ring_free(struct kmod_ring *r);

void kmod_ring_note(struct kmod_ring *r);
void kmod_ring_release(struct kmod_ring *r);
/* The module writes, but for `patience` ns we have had to drop all of it. */
bool kmod_ring_is_stuck(struct kmod_ring *r, uint64_t now, uint64_t patience);
/* Has the module seen overflows on that CPU since the last call? Of mapped rings alone. */
bool kmod_ring_moves(struct kmod_ring *r);
/* Adds what happened since the first map. */
void kmod_ring_count(const struct kmod_ring *r, struct source_counters *ret);
size_t kmod_ring_bytes(const struct kmod_ring *r);

#endif
