/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a source delivers: samples and the side band (what processes did to
 * their mappings and names), in time order, whatever the source was.
 *
 * Pointers inside an event are good until the callback returns.
 */
#ifndef RINGPROF_SOURCE_EVENT_H
#define RINGPROF_SOURCE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum event_type {
	EV_SAMPLE,
	EV_MMAP,   /* an executable mapping appeared */
	EV_COMM,   /* a task got a name; exec: by execve, so all its mappings are gone */
	EV_FORK,   /* pid/tid is new, child of ppid (same pid: a thread) */
	EV_EXIT,   /* tid is gone; tid == pid: the process's first thread */
	EV_CGROUP, /* a cgroup was made; kernels since 5.7 tell */
	EV_LOST,   /* the side band lost records: rescan, flag what follows */
};

struct event_sample {
	uint64_t leaf;	 /* sampled pc */
	uint64_t cgroup; /* id, 0 unknown */
	uint64_t weight; /* ns of CPU time */
	uint32_t chain;	 /* caller chain in the chain table, 0 = none */
	uint32_t flags;	 /* RINGPROF_SAMPLE_* of the uapi header, for both sources */
};

struct event_mmap {
	uint64_t addr, len, pgoff; /* pgoff in bytes */
	uint64_t ino, ino_generation;
	uint32_t maj, min;
	uint32_t prot;	  /* PROT_*; 0 unknown */
	const char *path; /* as the process's own mount namespace names it, or "[vdso]", "//anon" */
};

struct event {
	uint64_t time; /* mono ns */
	enum event_type type;
	uint32_t cpu;
	int32_t pid, tid; /* initial pid namespace, as the side band gives them */
	union {
		struct event_sample sample;
		struct event_mmap mmap;
		struct {
			bool exec;
			const char *name; /* at most 15 bytes */
		} comm;
		struct {
			int32_t ppid, ptid;
		} fork;
		struct {
			uint64_t id;
			const char *path; /* below the root of the hierarchy that perf knows */
		} cgroup;
		struct {
			uint64_t records;
		} lost;
	};
};

/* Takes one event. Must not call back into the source except chain_*(). */
typedef void (*event_fn)(void *arg, const struct event *ev);

#endif
