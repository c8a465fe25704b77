// SPDX-License-Identifier: GPL-2.0
/*
 * Reading /proc/PID. All files of one process are opened below one directory
 * descriptor: when the pid is reused in between, it gives errors instead of
 * the other process's files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/ptable_int.h"

#define MAPS_MAX  (32U << 20)
#define SMALL_MAX 65536

static int open_process(struct ptable *t, pid_t pid)
{
	char path[PROC_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%d", t->proc_root, (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool ptable_pid_exists(struct ptable *t, pid_t pid)
{
	cleanup_close int fd = open_process(t, pid);

	return fd >= 0;
}

static int read_at(int dir, const char *name, struct buf *b, size_t max)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	int r;

	b->len = 0;
	if (fd < 0)
		return -errno;
	r = buf_read_fd(b, fd, max);
	return r ? r : buf_reserve(b, 0); /* an empty file is a text too */
}

/* ENOENT: no such process; ESRCH: gone while it was being read. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH;
}

/*
 * Did what has the pid now begin after that time? A start is in ticks of the time since
 * boot, which runs on while the host sleeps and events' clock does not: what both are
 * apart by now is the most they can have been apart then.
 */
static bool is_later_owner(uint64_t start_time, uint64_t lived)
{
	uint64_t tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t mono = mono_now(), slept = clock_ns(CLOCK_BOOTTIME) - mono;

	/* a tick more, as clocks are read at different places */
	return start_time > (lived + slept) / tick + 1;
}

static int read_stat(const struct entry *e, int dir, struct buf *b, struct proc_stat *st)
{
	int r = read_at(dir, "stat", b, SMALL_MAX);

	if (r)
		return r;
	if (!stat_parse(b->data, st))
		return -EINVAL;
	if (e->p.start_time ? e->p.start_time != st->start_time
			    : e->lived && is_later_owner(st->start_time, e->lived))
		return -ESTALE;
	return 0;
}

bool ptable_pid_lived(struct ptable *t, pid_t pid, uint64_t time)
{
	const struct entry e = { .p.pid = pid, .lived = time };
	cleanup_close int dir = ptable_open_process(t, &e);

	return dir >= 0;
}

static void read_exe(struct ptable *t, struct entry *e, int dir)
{
	char link[PROC_PATH_MAX], path[PROC_PATH_MAX];
	ssize_t n = readlinkat(dir, "exe", link, sizeof(link));

	if (n <= 0)
		return;
	maps_path(link, (size_t)n, path, sizeof(path));
	labels_set_exe(t, e, path);
}

static void apply_stat(struct ptable *t, struct entry *e, const struct proc_stat *st)
{
	e->p.start_time = st->start_time;
	e->p.kthread = st->kthread;
	e->threads = (int32_t)st->threads;
	labels_set_comm(t, e, st->comm);
}

int ptable_open_process(struct ptable *t, const struct entry *e)
{
	cleanup_close int dir = open_process(t, e->p.pid);
	struct buf b = { 0 };
	struct proc_stat st;
	int r = dir < 0 ? dir : read_stat(e, dir, &b, &st);

	buf_free(&b);
	return r ? r : steal_fd(&dir);
}

static bool is_ending(const struct entry *e, int dir, struct buf *b)
{
	struct proc_stat st;

	return read_stat(e, dir, b, &st) || st.ending;
}

/*
 * Hierarchies of version 1 say "/" of a task that ends, so that what is said of it
 * may be another one's; the unified one alone still knows where it was. A task ends
 * at any moment: it is looked at after what it said.
 */
static int read_cgroup(const struct entry *e, int dir, struct buf *b, char path[PROC_PATH_MAX])
{
	const char *known = e->p.labels.cgroup;
	int r = read_at(dir, "cgroup", b, SMALL_MAX);

	if (r)
		return r;
	if (!cgroup_path(b->data, path, PROC_PATH_MAX))
		return -EINVAL;
	if (!*known || !strcmp(path, known) || cgroup_is_unified(b->data))
		return 0;
	return is_ending(e, dir, b) ? -ESRCH : 0;
}

/*
 * What is not there (no exe: a kernel thread; no right) leaves its label as it was,
 * and so does an exe that an event told: by now it may be that of a program which
 * was exec'ed after the sample.
 */
static void read_rest(struct ptable *t, struct entry *e, int dir, struct buf *b)
{
	char path[PROC_PATH_MAX], user[USER_NAME_MAX];
	uid_t uid;

	if (!e->p.kthread && (e->p.incomplete || !*e->p.labels.exe))
		read_exe(t, e, dir);
	if (!read_at(dir, "status", b, SMALL_MAX) && status_uid(b->data, &uid))
		labels_set_user(t, e, users_name(t->users, uid, user));
	if (!read_cgroup(e, dir, b, path))
		labels_set_cgroup_path(t, e, path);
	e->want_labels = false;
}

static void map_line(struct ptable *t, struct entry *e, const struct map_line *l)
{
	char path[PROC_PATH_MAX];
	struct mapping m = { .start = l->start,
			     .end = l->end,
			     .pgoff = l->pgoff,
			     .maj = l->maj,
			     .min = l->min,
			     .ino = l->ino };

	maps_path(l->path, l->path_len, path, sizeof(path));
	m.kind = maps_kind(path);
	m.path = ptable_intern(t, path);
	ptable_map(t, e, &m);
}

/* Maps what the text says into a new list; files of mappings that stay are kept. */
static int apply_maps(struct ptable *t, struct entry *e, const char *text, size_t len)
{
	struct maplist *old = e->maps, *fresh = maplist_new(&t->map_bytes);
	const char *end = text + len;

	if (!fresh)
		return -ENOMEM;
	e->maps = fresh;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		struct map_line l;

		if (maps_parse_line(text, nl ? nl : end, &l) && l.exec)
			map_line(t, e, &l);
		text = nl ? nl + 1 : end;
	}
	for (size_t i = 0; i < e->maps->n; i++) {
		struct mapping *m = &e->maps->m[i];
		size_t k = maplist_find(old, m->start);

		if (k == SIZE_MAX || old->m[k].ino != m->ino || old->m[k].maj != m->maj ||
		    old->m[k].min != m->min || old->m[k].path != m->path || !old->m[k].file)
			continue;
		m->file = file_ref(old->m[k].file);
	}
	maplist_unref(old);
	ptable_maps_changed(e);
	return 0;
}

static int read_maps(struct ptable *t, struct entry *e, int dir, struct buf *b)
{
	int r = read_at(dir, "maps", b, MAPS_MAX);

	if (r)
		return r;
	return apply_maps(t, e, b->data, b->len);
}

/* A failure: what is known so far has to do. */
static int cannot_read(struct ptable *t, struct entry *e, int r)
{
	if (r == -ESTALE || r == -ENOMEM)
		return r;
	e->unreadable = true;
	t->c.vanished += is_gone(r);
	return is_gone(r) ? -ENOENT : r;
}

/* A zombie's mappings are gone, but its last samples are still to come: the known ones stay. */
static bool has_no_maps(const struct proc_stat *st)
{
	return st->kthread || st->state == 'Z' || st->state == 'X';
}

int ptable_read_process(struct ptable *t, struct entry *e, uint64_t now)
{
	cleanup_close int dir = open_process(t, e->p.pid);
	struct buf b = { 0 };
	struct proc_stat st;
	int r = dir < 0 ? dir : read_stat(e, dir, &b, &st);

	if (!r) {
		apply_stat(t, e, &st);
		r = has_no_maps(&st) ? 0 : read_maps(t, e, dir, &b);
	}
	if (!r) {
		read_rest(t, e, dir, &b);
		e->want_details = !st.kthread;
		e->scanned = now;
		e->leader_gone = false;
		e->want_exe = false;
		e->p.incomplete = false;
		t->c.scans++;
	}
	buf_free(&b);
	return r ? cannot_read(t, e, r) : 0;
}

int ptable_read_labels(struct ptable *t, struct entry *e)
{
	cleanup_close int dir = open_process(t, e->p.pid);
	struct buf b = { 0 };
	struct proc_stat st;
	int r = dir < 0 ? dir : read_stat(e, dir, &b, &st);

	if (!r) {
		/* threads and name are kept by events, which are not older than this here */
		e->p.start_time = st.start_time;
		e->p.kthread = st.kthread;
		read_rest(t, e, dir, &b);
	}
	buf_free(&b);
	if (r == -ESTALE)
		e->unreadable = true; /* the pid is another's already: its exit is on the way */
	return r && r != -ESTALE ? cannot_read(t, e, r) : r;
}

void ptable_look(struct ptable *t, struct entry *e)
{
	cleanup_close int dir = open_process(t, e->p.pid);
	struct buf b = { 0 };
	struct proc_stat st;

	/* one that ends is in no cgroup any more, and a failure says nothing about later */
	if (dir >= 0 && !read_stat(e, dir, &b, &st) && !has_no_maps(&st))
		read_rest(t, e, dir, &b);
	buf_free(&b);
}

int ptable_read_cgroup(struct ptable *t, const struct entry *e, char *out)
{
	cleanup_close int dir = open_process(t, e->p.pid);
	struct buf b = { 0 };
	struct proc_stat st;
	int r = dir < 0 ? dir : read_stat(e, dir, &b, &st);

	if (!r)
		r = read_cgroup(e, dir, &b, out);
	buf_free(&b);
	return r;
}

static void scan_pid(struct ptable *t, pid_t pid, uint64_t now)
{
	struct entry *e = ptable_find(t, pid);
	int r;

	if (!e || e->p.exited)
		e = ptable_new_entry(t, pid, now);
	if (!e)
		return;
	r = ptable_read_process(t, e, now);
	if (r == -ESTALE) {
		e = ptable_new_entry(t, pid, now);
		r = e ? ptable_read_process(t, e, now) : -ENOMEM;
	}
	if (r == -ENOENT)
		ptable_mark_exited(t, e);
	ptable_trim(t, e);
}

/* The pid that a name in /proc stands for, 0: none. */
static pid_t pid_of(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return pid > 0 && pid <= INT32_MAX && !*end ? (pid_t)pid : 0;
}

void ptable_find_new(struct ptable *t)
{
	DIR *d = opendir(t->proc_root);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		pid_t pid = pid_of(de->d_name);

		if (pid && !ptable_find(t, pid))
			scan_pid(t, pid, mono_now());
	}
	if (d)
		closedir(d);
}

int ptable_scan(struct ptable *t, uint64_t now)
{
	DIR *d = opendir(t->proc_root);
	uint64_t begun = mono_now();
	struct entry *e, *next;
	struct dirent *de;

	if (!d)
		return -errno;
	while ((de = readdir(d))) {
		pid_t pid = pid_of(de->d_name);

		/* each at its own time: events during a long scan are not in it */
		if (pid)
			scan_pid(t, pid, now + (mono_now() - begun));
	}
	closedir(d);
	for (e = TAILQ_FIRST(&t->live); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->scanned < now && e->last_seen <= now && !ptable_pid_exists(t, e->p.pid))
			ptable_mark_exited(t, e);
	}
	return 0;
}
