/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A /proc of the test's own: a directory with the files that the process table
 * reads of a process, and the events that the kernel would send beside it. One
 * directory a program, emptied by new_table() and removed at exit.
 */
#ifndef RINGPROF_TESTS_PROC_WORLD_H
#define RINGPROF_TESTS_PROC_WORLD_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/packages.h"
#include "proc/ptable.h"
#include "tap.h"

static char root[64];
static int freed; /* processes freed by the table since new_table() */
static uint32_t last_freed;

static inline void run(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fprintf(stderr, "failed: %s\n", cmd);
}

static inline void remove_root(void)
{
	run("rm -rf '%s'", root);
}

/* Empties the directory. */
static inline void fresh(void)
{
	remove_root();
	mkdir(root, 0700);
}

/* Writes a file below the root, with the directories that lead there. */
static inline void file(const char *name, const void *data, size_t n)
{
	char path[600], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	run("mkdir -p '%s'", path);
	*slash = '/';
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, n, f) != n || fclose(f))
		abort();
}

static inline void text(const char *name, const char *s)
{
	file(name, s, strlen(s));
}

/*
 * What the packages say of a file at that time, in the state behind `old` (0: the first
 * that is known): the index is made on a thread.
 */
static inline const char *owner_after(struct packages *p, const char *path, uint64_t now,
				      uint64_t old)
{
	static char version[256];

	for (int i = 0; i < 10000 && packages_state(p, now) <= old; i++)
		usleep(1000);
	CHECK(packages_version(p, path, now, version, sizeof(version)) > old);
	return version;
}

static inline const char *owner(struct packages *p, const char *path, uint64_t now)
{
	return owner_after(p, path, now, 0);
}

static inline void proc_init(void)
{
	strcpy(root, "/tmp/ringprof-proc-XXXXXX");
	if (!mkdtemp(root))
		abort();
	atexit(remove_root);
}

static inline void put(int pid, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/%s", root, pid, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

/* A process of the fake /proc; what is left out is empty, root's or one thread. */
struct fake {
	int pid;
	const char *comm, *maps, *cgroup, *exe;
	unsigned int flags, uid, threads;
	unsigned long start;
};

static inline void fake(const struct fake *p)
{
	char text[1024], path[256];

	snprintf(path, sizeof(path), "%s/%d", root, p->pid);
	mkdir(path, 0700);
	snprintf(text, sizeof(text),
		 "%d (%s) S 1 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 %u 0 %lu 1 2 3\n", p->pid, p->comm,
		 p->flags, p->threads ? p->threads : 1, p->start);
	put(p->pid, "stat", text);
	put(p->pid, "maps", p->maps ? p->maps : "");
	put(p->pid, "cgroup", p->cgroup ? p->cgroup : "0::/\n");
	snprintf(text, sizeof(text), "Name:\tx\nUid:\t%u\t%u\t%u\t%u\n", p->uid, p->uid, p->uid,
		 p->uid);
	put(p->pid, "status", text);
	if (p->exe)
		run("ln -sfn '%s' %s/%d/exe", p->exe, root, p->pid);
}

static inline void vanish(int pid)
{
	run("rm -rf %s/%d", root, pid);
}

static inline void on_free(void *arg, struct process *p)
{
	freed++;
	last_freed = p->id;
}

static inline struct ptable *new_table(size_t max)
{
	struct ptable_config cfg = {
		.max_processes = max, .on_free = on_free, .proc_root = root, .cgroup_root = root
	};
	struct ptable *t;

	remove_root();
	mkdir(root, 0700);
	freed = 0;
	t = ptable_new(&cfg, NULL);
	if (!t)
		abort();
	return t;
}

static inline uint64_t now(void)
{
	return mono_now();
}

static inline struct process *sample_in(struct ptable *t, int pid, uint64_t cgroup)
{
	struct event ev = { .type = EV_SAMPLE, .time = now(), .pid = pid, .tid = pid };

	ev.sample.cgroup = cgroup;
	return ptable_sample(t, &ev);
}

static inline struct process *sample(struct ptable *t, int pid)
{
	return sample_in(t, pid, 0);
}

static inline void ev_mmap(struct ptable *t, int pid, uint64_t addr, uint64_t len, const char *path)
{
	struct event ev = { .type = EV_MMAP, .time = now(), .pid = pid, .tid = pid };

	ev.mmap.addr = addr;
	ev.mmap.len = len;
	ev.mmap.path = path;
	ev.mmap.ino = 7;
	ptable_event(t, &ev);
}

static inline void ev_comm(struct ptable *t, int pid, int tid, const char *name, bool exec)
{
	struct event ev = { .type = EV_COMM, .time = now(), .pid = pid, .tid = tid };

	ev.comm.name = name;
	ev.comm.exec = exec;
	ptable_event(t, &ev);
}

static inline void ev_fork(struct ptable *t, int ppid, int pid, int tid)
{
	struct event ev = { .type = EV_FORK, .time = now(), .pid = pid, .tid = tid };

	ev.fork.ppid = ppid;
	ev.fork.ptid = ppid;
	ptable_event(t, &ev);
}

static inline void ev_exit(struct ptable *t, int pid, int tid)
{
	struct event ev = { .type = EV_EXIT, .time = now(), .pid = pid, .tid = tid };

	ptable_event(t, &ev);
}

static inline void ev_lost(struct ptable *t)
{
	struct event ev = { .type = EV_LOST, .time = now() };

	ev.lost.records = 1;
	ptable_event(t, &ev);
}

#endif
