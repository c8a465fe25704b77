/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the process table: ptable.c keeps the entries and their limits,
 * ptable_event.c applies the side band, ptable_read.c reads /proc,
 * ptable_labels.c says whose a process is, ptable_cgroup.c what a cgroup id
 * stands for, ptable_details.c reads what takes longer. One thread.
 */
#ifndef RINGPROF_PROC_PTABLE_INT_H
#define RINGPROF_PROC_PTABLE_INT_H

#include <sys/queue.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "base/strtab.h"
#include "proc/container.h"
#include "proc/exes.h"
#include "proc/maplist.h"
#include "proc/otel.h"
#include "proc/parse.h"
#include "proc/ptable.h"
#include "proc/users.h"

#define PROC_PATH_MAX 4096
#define CGROUPS_MAX   16384
#define RECENT	      256U

/*
 * No event tells that a process became another user: servers do soon after their
 * start, shells for root at any time. A look costs three files of /proc.
 */
#define LOOK_FIRST_NS (1 * NSEC_PER_SEC)
#define LOOK_MOST_NS  (512 * NSEC_PER_SEC)

struct entry {
	struct process p; /* first: a struct process * is a struct entry * */
	uint32_t slot;	  /* in t->slots */
	struct maplist *maps;
	TAILQ_ENTRY(entry) link; /* t->live, least recently seen first; t->exited */
	uint64_t scanned; /* mono ns of the last reading of /proc, 0 never: older events are in it */
	uint64_t last_seen; /* mono ns of its last event */
	uint64_t lived;	    /* mono ns of the event or sample that told of it first; 0: /proc did */
	/* when user and cgroup are read again, mono ns, and how long after the time before */
	uint64_t look, look_ns;
	int32_t threads;   /* as far as known */
	bool indexed;	   /* t->by_pid leads to it */
	bool leader_gone;  /* its first thread has exited */
	bool check_alive;  /* its end may have been missed: looked for at the next expiry */
	bool unreadable;   /* /proc did not give it: not asked again until exec or a loss */
	bool want_labels;  /* new, or exec'ed: read the rest of /proc at the first sample */
	bool want_exe;	   /* exec'ed: the first file that is mapped is the program */
	bool want_details; /* environment and program are to be read at the first sample */
	bool want_version; /* packages were installed: the program is to be looked at again */
	/* number of the process that forked it, if that one's environment was not read by then */
	uint32_t parent_id;
	pid_t parent;
	bool in_container; /* its unit is around its container, or is the container's */
	/* what the environment and the program say; interned, "" nothing */
	const char *otel_name, *otel_version, *exe_version;
};

TAILQ_HEAD(entry_list, entry);

/* what a cgroup id stands for */
struct cgroup_names {
	uint64_t id;
	const char *path, *unit, *container_id;
	bool in_container; /* the container's part of the path is further in than the unit's */
};

enum { MOUNT_UNIFIED, MOUNT_MEMORY, MOUNT_CPUACCT, MOUNT_PERF, MOUNT_SYSTEMD, MOUNT_KINDS };

struct interner {
	struct strtab *texts;
	struct hmap index; /* hash -> strtab number; a strtab cannot be asked without adding */
	size_t max_bytes;
	size_t kept; /* bytes when it was last made anew */
};

struct ptable {
	struct ptable_config cfg;
	struct files *files;
	char *proc_root;
	struct entry **slots;
	uint32_t n_slots, cap_slots, next_id;
	uint32_t *free_slots;
	uint32_t n_free;
	struct hmap by_pid;
	struct entry *recent[RECENT]; /* by pid: found lately, or NULL */
	struct entry_list live, exited;
	uint32_t n_live, n_exited;
	struct interner strings;
	struct users *users;
	struct cgroup_names *cgroups;
	uint32_t n_cgroups;
	struct hmap by_cgroup;
	char *cgroup_mounts[MOUNT_KINDS]; /* NULL: there is none, or not to be asked */
	enum cgroup_ids cgroup_ids;
	struct containers *containers;
	struct exes *exes;
	uint64_t packages_state; /* exes_state at the last look */
	char *host_root;
	uint64_t map_bytes;
	struct strtab *outlived; /* texts that could not be let go: no memory */
	uint64_t find_at;	 /* mono ns: look for processes that a loss hid; 0: none was lost */
	struct ptable_counters c;
};

static inline struct entry *entry_of(struct process *p)
{
	return (struct entry *)p;
}

/* Interned copy; "" past the limit (counted) or without memory. */
const char *ptable_intern(struct ptable *t, const char *s);
/* ptable_strings.c: lets go of texts that no entry has any more, when there are many. */
void ptable_compact(struct ptable *t);

/* ptable_find where it has to search. */
struct entry *ptable_search(struct ptable *t, pid_t pid);

static inline struct entry **ptable_recent(struct ptable *t, pid_t pid)
{
	return &t->recent[(uint32_t)pid % RECENT];
}

/* The process of that pid; NULL: none is known. Every sample asks, and more than once. */
static inline struct entry *ptable_find(struct ptable *t, pid_t pid)
{
	struct entry *e = *ptable_recent(t, pid);

	return e && e->p.pid == pid ? e : ptable_search(t, pid);
}

/* A new entry for pid; one that had the pid before loses it and counts as exited. NULL: no memory. */
struct entry *ptable_new_entry(struct ptable *t, pid_t pid, uint64_t now);
void ptable_mark_exited(struct ptable *t, struct entry *e);
void ptable_touch(struct ptable *t, struct entry *e, uint64_t now);
/* Keeps the limits by evicting, never `keep`. */
void ptable_trim(struct ptable *t, const struct entry *keep);

/*
 * Reads all of /proc/PID into e: 0; -ENOENT: the process is gone; -ESTALE: the
 * pid is another process now; -errno. now: mono ns of before the reading.
 */
int ptable_read_process(struct ptable *t, struct entry *e, uint64_t now);
/* Reads user and cgroup again of a process that lives; what cannot be read stays as it is. */
void ptable_look(struct ptable *t, struct entry *e);
/* The same without the mappings. */
int ptable_read_labels(struct ptable *t, struct entry *e);
/* Reads the processes of /proc that the table does not have. */
void ptable_find_new(struct ptable *t);
/* Is there such a process? */
bool ptable_pid_exists(struct ptable *t, pid_t pid);
/* Was it there at that time (mono ns), and not another one? */
bool ptable_pid_lived(struct ptable *t, pid_t pid, uint64_t time);
/* O_PATH descriptor of /proc/PID if the process is still e; -ESTALE: it is another; -errno. */
int ptable_open_process(struct ptable *t, const struct entry *e);
/* /proc/PID/cgroup as a path into out[PROC_PATH_MAX]; -ESRCH: it ends and is in none; -errno. */
int ptable_read_cgroup(struct ptable *t, const struct entry *e, char *out);

/* Adds an executable mapping to a process; m->path interned. */
void ptable_map(struct ptable *t, struct entry *e, const struct mapping *m);
void ptable_maps_changed(struct entry *e);

/* Setters that bump labels_gen when something changed. */
void labels_set_comm(struct ptable *t, struct entry *e, const char *comm);
void labels_set_exe(struct ptable *t, struct entry *e, const char *exe);
void labels_set_user(struct ptable *t, struct entry *e, const char *user);
void labels_set_cgroup_path(struct ptable *t, struct entry *e, const char *path);
/* Recomputes service_name. */
void labels_set_service(struct ptable *t, struct entry *e);
/* Sets a label to an interned text. */
void labels_set(struct entry *e, const char **label, const char *interned);
/* What the environment says, or did: fills the labels that depend on it. */
void labels_set_otel(struct ptable *t, struct entry *e, const struct otel *o);
/* Facts of the program; NULL: not known (any more). */
void labels_set_exe_facts(struct ptable *t, struct entry *e, const struct exe_facts *f);
void labels_apply_cgroup(struct ptable *t, struct entry *e, const struct cgroup_names *c);
/* Fills p's labels with "". */
void labels_init(struct ptable *t, struct entry *e);

/* A sample says that the process is in that cgroup. */
void ptable_cgroup_id(struct ptable *t, struct entry *e, uint64_t id);

/* A cgroup was made: it has its name when its processes and itself are gone again. */
void ptable_cgroup_made(struct ptable *t, uint64_t id, const char *path);
void ptable_name_cgroup(struct ptable *t, const char *path, struct cgroup_names *ret);
void ptable_find_cgroup_mounts(struct ptable *t);

/* Environment and program of the process, or of what is left of it. */
void ptable_read_details(struct ptable *t, struct entry *e);
/* The version of its program anew; what its environment says stays. */
void ptable_read_version(struct ptable *t, struct entry *e);
int ptable_details_init(struct ptable *t);
void ptable_details_free(struct ptable *t);

#endif
