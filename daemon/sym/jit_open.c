// SPDX-License-Identifier: GPL-2.0
/*
 * Finding and opening what a JIT has written. /tmp is everybody's: what stands
 * under the name of a perf map may be a FIFO, a link, or a stranger's file, so
 * its kind and owner are looked at through an O_PATH descriptor before it is
 * opened, and a link is not followed. The path is walked from the process's
 * own root, as it has the file.
 *
 * The thread of jit.c alone: any of these calls may hang on a file system that
 * user space serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/file_open.h"
#include "sym/jit_int.h"

#define SMALL_MAX 65536
/* kernels stamp files by a clock that ticks, and start times are in 1/100 s */
#define STALE_SLACK_NS NSEC_PER_SEC

static int read_proc(pid_t pid, const char *name, struct buf *b)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	b->len = 0;
	return buf_read_file(b, path, SMALL_MAX);
}

/* Field 22 of stat, behind a name that may hold anything; 0: no such process. */
static uint64_t start_ticks(pid_t pid, struct buf *b)
{
	unsigned long long start;
	const char *close;

	if (read_proc(pid, "stat", b) || !b->len)
		return 0;
	close = strrchr(b->data, ')');
	if (!close || sscanf(close + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			     "%*d %*d %*d %llu",
			     &start) != 1)
		return 0;
	return start;
}

/* The user it touches files as, and its number in the innermost pid namespace. */
static void parse_status(struct jit_proc *p, const char *text)
{
	const char *uid = strstr(text, "\nUid:"), *ns = strstr(text, "\nNSpid:"), *end;
	unsigned int fsuid;

	if (uid && sscanf(uid + 5, "%*u %*u %*u %u", &fsuid) == 1)
		p->uid = fsuid;
	p->ns_pid = p->pid;
	if (!ns)
		return;
	ns += strlen("\nNSpid:");
	for (end = ns + strcspn(ns, "\n"); ns < end;) {
		char *next;
		long v = strtol(ns, &next, 10);

		if (next == ns || next > end)
			break;
		p->ns_pid = (pid_t)v;
		ns = next;
	}
}

/* Does it see what file_open_host_root() opens? */
static bool sees_host(pid_t pid)
{
	struct stat theirs, hosts;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return !stat(path, &theirs) &&
	       (!stat("/proc/1/ns/mnt", &hosts) || !stat("/proc/self/ns/mnt", &hosts)) &&
	       theirs.st_ino == hosts.st_ino;
}

/*
 * Is the pid still this process? Learns who it is as long as it is: the user of a
 * service, and where its root is, change on the way to the program that it is to run.
 */
static bool identify(struct jit_proc *p)
{
	struct buf b = { 0 };
	uint64_t ticks = start_ticks(p->pid, &b);
	bool same = ticks && (!p->start_ticks || ticks == p->start_ticks);

	if (same) {
		p->start_ticks = ticks;
		if (!read_proc(p->pid, "status", &b) && b.len)
			parse_status(p, b.data);
		p->host_root = sees_host(p->pid);
	}
	buf_free(&b);
	return same;
}

void jit_refuse(struct jit *j, struct jit_file *f, const struct stat *st, enum jit_refusal why)
{
	if (f->refused_ctime.tv_sec == st->st_ctim.tv_sec &&
	    f->refused_ctime.tv_nsec == st->st_ctim.tv_nsec && f->refused == why)
		return;
	f->refused_ctime = st->st_ctim;
	f->refused = why;
	jit_count(&j->c.refused[why], 1);
}

static bool is_stale(const struct jit_proc *p, const struct stat *st)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), started, written;

	if (!p->start_ticks || !ticks)
		return false;
	started = wall_now() - clock_ns(CLOCK_BOOTTIME) + p->start_ticks / ticks * NSEC_PER_SEC +
		  p->start_ticks % ticks * NSEC_PER_SEC / ticks;
	written = (uint64_t)st->st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_mtim.tv_nsec;
	return written + STALE_SLACK_NS < started;
}

/* May a file with this stat be read as p's? */
static int check(struct jit_proc *p, struct jit_file *f, const struct stat *st, bool may_be_old)
{
	enum jit_refusal why;

	if (!S_ISREG(st->st_mode))
		why = JIT_NOT_REGULAR;
	else if (st->st_uid && st->st_uid != p->uid)
		why = JIT_OWNER;
	else if (!may_be_old && is_stale(p, st))
		why = JIT_STALE;
	else
		return 0;
	jit_refuse(p->j, f, st, why);
	return -EPERM;
}

/* openat2 came with 5.6; before that a link on the way may lead out of the root. */
static int open_path(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The file itself, whatever is written to it: its inode, and when that was made
 * where the file system says so, as inodes get used again.
 */
static void identify_file(int fd, const struct stat *st, uint8_t key[20])
{
	const uint32_t dev = (uint32_t)st->st_dev;
	const uint64_t ino = st->st_ino;
	uint64_t born = 0;
	struct statx x;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) && (x.stx_mask & STATX_BTIME))
		born = (uint64_t)x.stx_btime.tv_sec * NSEC_PER_SEC + x.stx_btime.tv_nsec;
	memcpy(key, &ino, sizeof(ino));
	memcpy(key + 8, &born, sizeof(born));
	memcpy(key + 16, &dev, sizeof(dev));
}

static void keep(struct jit *j, struct jit_file *f, int fd, const struct stat *st, const char *path)
{
	f->fd = fd;
	f->path = strdup(path);
	identify_file(fd, st, f->key);
	__atomic_fetch_add(&j->open_files, 1, __ATOMIC_RELAXED);
}

void jit_close(struct jit *j, struct jit_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	free(f->path);
	f->path = NULL;
	__atomic_fetch_sub(&j->open_files, 1, __ATOMIC_RELAXED);
}

int jit_open_map(struct jit_proc *p)
{
	bool alive = identify(p);
	cleanup_close int root = -1, found = -1;
	char path[64], self[64], *name = path;
	struct stat st;
	int r, fd;

	/* its /tmp may have gone with it, but the host's has not */
	if (!alive && p->ns_pid && !p->host_root)
		return -ENOENT;
	root = alive ? file_open_root(p->pid) : file_open_host_root();
	if (root < 0)
		return root;
	/* as we would find it: perf-1.map is in many a container */
	if (!p->host_root)
		name += snprintf(path, sizeof(path), "/proc/%d/root", (int)p->pid);
	snprintf(name, 32, "/tmp/perf-%d.map", (int)(p->ns_pid ? p->ns_pid : p->pid));
	found = open_path(root, name + 1);
	if (found < 0)
		return found;
	if (fstat(found, &st))
		return -errno;
	r = check(p, &p->map, &st, false);
	if (r)
		return r;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	keep(p->j, &p->map, fd, &st, path);
	return 0;
}

int jit_open_dump(struct jit_proc *p, const struct file_where *w)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r;

	if (!identify(p))
		return -ESRCH;
	fd = file_open_mapping(w, &st);
	if (fd < 0)
		return fd;
	r = check(p, &p->dumped, &st, true);
	if (!r)
		keep(p->j, &p->dumped, steal_fd(&fd), &st, w->path);
	return r;
}
