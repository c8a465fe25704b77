/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in perf's records: pure functions over one record's bytes, which
 * may be anything. They read nothing outside of [h, h + h->size), which the
 * caller vouches for (8-byte aligned, as perf_ring_next gives it).
 *
 * All events here are opened with sample_id_all and PERF_RECORD_TYPE, so that
 * every record that is no sample ends in the task, the time and the CPU.
 */
#ifndef RINGPROF_SOURCE_PERF_RECORD_H
#define RINGPROF_SOURCE_PERF_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "source/event.h"

/* what every event of ours has in its sample_type, and the sampling one besides */
#define PERF_RECORD_TYPE (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU)
#define PERF_SAMPLING_TYPE \
	(PERF_RECORD_TYPE | PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_PERIOD)

/* what a sampling event may have in its sample_type beyond that */
#define PERF_USER_TYPE (PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER)

/* registers of user code by DWARF number: 7 is rsp, 16 the pc */
#define PERF_USER_REGS 17
/* the sample_regs_user that perf_parse_sample takes; 0: none for this architecture */
extern const uint64_t perf_user_regs_mask;

struct perf_sample {
	uint64_t ip, time, period;
	uint64_t cgroup;     /* 0 unless asked for */
	const uint64_t *ips; /* the call chain, context marks included, into the record */
	uint64_t n_ips;
	int32_t pid, tid;
	uint32_t cpu;
	bool kernel; /* taken in kernel mode */
	/* PERF_USER_TYPE asked for: what user code was at */
	uint32_t abi; /* enum perf_sample_regs_abi; NONE: no user code, no registers */
	uint64_t regs[PERF_USER_REGS];
	const void *stack; /* copied from rsp on, into the record */
	size_t stack_len;
	bool stack_cut; /* all that was asked for was copied: the stack goes on */
};

/*
 * A PERF_RECORD_SAMPLE of an event with this sample_type: PERF_SAMPLING_TYPE,
 * and any of PERF_SAMPLE_CGROUP and PERF_USER_TYPE (both parts of it).
 */
bool perf_parse_sample(const struct perf_event_header *h, uint64_t sample_type,
		       struct perf_sample *ret);

/*
 * A side-band record as an event; its strings point into the record. False:
 * malformed, or a type that tells us nothing.
 */
bool perf_parse_side(const struct perf_event_header *h, struct event *ret);

/* The time of any record but a sample, 0 when it has none. */
uint64_t perf_record_time(const struct perf_event_header *h);

/* The count in a PERF_RECORD_LOST, 0 for other ones. */
uint64_t perf_record_lost(const struct perf_event_header *h);

#endif
