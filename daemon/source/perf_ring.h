/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One perf event of one CPU and its mmap ring. Takes a perf_event_attr, gives
 * whole records, each contiguous and 8-byte aligned, that stay readable until
 * they are released. Knows nothing of what is in them.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_PERF_RING_H
#define RINGPROF_SOURCE_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/perf_event.h>

struct perf_ring {
	int fd; /* -1: closed */
	struct perf_event_mmap_page *page;
	const unsigned char *data;
	size_t size;		/* of data, power of two */
	uint64_t head;		/* noted: read up to here */
	uint64_t at;		/* the record given last */
	uint64_t pos;		/* the next one */
	unsigned char *scratch; /* for a record that wraps */
	uint64_t corrupt;	/* bytes passed over as no records */
};

/* perf_event_open for all tasks of a CPU, or of a cgroup (fd, else -1) there; fd or -errno. */
int perf_open_cpu(struct perf_event_attr *attr, int cpu, int cgroup);

/*
 * Maps the ring of fd, which it takes over, closed also when this fails. `bytes`
 * of data are rounded up to a power of two of pages; where the limit of locked
 * memory refuses them, it takes half, a quarter, ... down to 16 KiB. 0 or
 * -errno.
 */
int perf_ring_open(struct perf_ring *r, int fd, size_t bytes);
void perf_ring_close(struct perf_ring *r); /* fine on a closed one whose fd is -1 */

/* Looks how far the kernel has written; perf_ring_next stops there. */
void perf_ring_note(struct perf_ring *r);
/* The next record, NULL when there is none before the noted head. */
const struct perf_event_header *perf_ring_next(struct perf_ring *r);
/* Gives the kernel the room back, of the last record too unless `keep`. */
void perf_ring_release(struct perf_ring *r, bool keep);
/* The same when a good part of the ring can be given back, else nothing. */
void perf_ring_release_lazily(struct perf_ring *r);

/* ns that the event has been enabled on its CPU (attr.read_format TOTAL_TIME_ENABLED). */
int perf_ring_enabled_ns(const struct perf_ring *r, uint64_t *ret);

size_t perf_ring_bytes(const struct perf_ring *r);

#endif
