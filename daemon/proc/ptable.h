/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of the host and what they map, kept up by events in time
 * order (source/event.h) and by a scan of /proc at the start, after a loss,
 * and for a pid never seen. Used by the collector thread alone.
 *
 * A process is (pid, start time): a reused pid is another process, with
 * another number. One exec'ed in place stays the process and gets a new `gen`.
 */
#ifndef RINGPROF_PROC_PTABLE_H
#define RINGPROF_PROC_PTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "source/event.h"
#include "sym/files.h"

enum map_kind { MAPPING_FILE, MAPPING_ANON, MAPPING_VDSO, MAPPING_OTHER };

struct mapping {
	uint64_t start, end;
	uint64_t pgoff; /* bytes */
	enum map_kind kind;
	uint32_t maj, min;
	uint64_t ino;
	uint64_t mapped;     /* mono ns; 0: unknown, it was read from /proc */
	uint32_t generation; /* of the inode; 0: unknown */
	const char *path;    /* interned */
	struct file *file;   /* opened at the first sample in it; NULL: not yet, or cannot be */
	bool file_failed;
};

/* How its file is found; good as long as m is. */
static inline struct file_where mapping_where(pid_t pid, const struct mapping *m)
{
	return (struct file_where){ .pid = pid,
				    .start = m->start,
				    .end = m->end,
				    .maj = m->maj,
				    .min = m->min,
				    .ino = m->ino,
				    .generation = m->generation,
				    .mapped = m->mapped,
				    .path = m->path };
}

/* label values of a process; "" where unknown; interned, good until the next ptable_expire */
struct process_labels {
	/*
	 * OTEL_SERVICE_NAME, else service.name of OTEL_RESOURCE_ATTRIBUTES, else
	 * unit (but not a container runtime's scope), else container, else the
	 * first 12 of container_id, else comm (a kernel thread's up to the first '/')
	 */
	const char *service_name;
	const char *comm;
	const char *exe;
	const char *cgroup; /* path */
	const char *unit;
	const char *container_id;
	const char *user;
	/* the rest: from the first sample on */
	const char *container, *pod, *ns; /* names, see proc/container.h */
	/*
	 * service.version of OTEL_RESOURCE_ATTRIBUTES, else what the program's
	 * file says, else its Debian package's, else build_id
	 */
	const char *service_version;
	const char *deployment_environment; /* OTEL_RESOURCE_ATTRIBUTES, else the settings' */
	const char *build_id;		    /* of exe */
};

struct process {
	pid_t pid;
	uint32_t id;	     /* never reused in this run */
	uint32_t gen;	     /* bumped by exec and by every change of mappings */
	uint64_t start_time; /* clock ticks after boot, field 22 of stat; 0: lived too short */
	bool kthread;
	bool incomplete; /* side band lost something since the last scan */
	bool exited;
	uint64_t cgroup_id; /* of the last sample */
	struct process_labels labels;
	uint32_t labels_gen;  /* bumped when labels change */
	struct mapping *maps; /* sorted by start, executable ones */
	size_t n_maps;
	void *user; /* the aggregator's own; freed by ptable's on_free */
};

struct ptable;

struct ptable_config {
	size_t max_processes; /* exited ones go first, then the least used */
	size_t max_bytes;
	void (*on_free)(void *arg, struct process *p);
	void *arg;
	const char *proc_root;	 /* NULL: /proc (tests use another) */
	const char *cgroup_root; /* NULL: found in mounts */
	const char *host_root; /* where runtimes and dpkg keep files; NULL: /proc/1/root, else / */
	const char *environment; /* deployment_environment of who does not say; NULL: none */
};

/* Which hierarchy the cgroup ids of samples are of. */
enum cgroup_ids {
	CGROUP_IDS_ANY,	    /* not known: each is tried */
	CGROUP_IDS_UNIFIED, /* version 2 */
	CGROUP_IDS_V1,	    /* memory's, else cpuacct's */
	CGROUP_IDS_PERF,    /* perf_event's if version 1 has it, else the unified one */
};

struct ptable *ptable_new(const struct ptable_config *cfg, struct files *files);
void ptable_free(struct ptable *t);
/* To be told when a source was opened: directories of two hierarchies may have one number. */
void ptable_cgroup_ids(struct ptable *t, enum cgroup_ids which);
/* Reads all of /proc; now = mono ns. Side-band events older than a process's scan are ignored for it. */
int ptable_scan(struct ptable *t, uint64_t now);
/* Applies a side-band event; samples go to ptable_sample. */
void ptable_event(struct ptable *t, const struct event *ev);
/*
 * The process of a sample: known, or read from /proc now, or a stub when it is
 * gone. Refreshes cgroup-derived labels when ev's cgroup id is new. Never NULL
 * but when out of memory.
 */
struct process *ptable_sample(struct ptable *t, const struct event *ev);
/* Mapping that holds addr (opens its file on the first call), NULL: none. */
struct mapping *process_map_at(struct ptable *t, struct process *p, uint64_t addr);
/*
 * One process after the other, in no order: *at (0 at first) moves on; NULL: no
 * more. A walk may take many rounds; what comes meanwhile may be missed.
 */
struct process *ptable_next(struct ptable *t, uint32_t *at);
/* Frees exited processes whose last event is older than `before`, and texts; collector, each window. */
void ptable_expire(struct ptable *t, uint64_t before);

struct ptable_counters {
	uint64_t processes, exited, mappings, scans, vanished, evicted, bytes, stubs;
	uint64_t limit_hits;  /* strings and mappings left out by a byte or count limit */
	uint64_t compactions; /* times that texts of gone processes were let go */
};
void ptable_counters(const struct ptable *t, struct ptable_counters *ret);

#endif
