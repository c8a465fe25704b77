// SPDX-License-Identifier: GPL-2.0
/*
 * What takes longer to find out of a process: what its environment says, and
 * which version its program is. Read at its first sample and after an exec;
 * the many processes that never run are never asked, and start-up does not
 * wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/ptable_int.h"
#include "sym/file_close.h"
#include "sym/file_open.h"

int ptable_details_init(struct ptable *t)
{
	static const char init_root[] = "/proc/1/root";
	const char *host = t->cfg.host_root;
	struct stat st;

	/* a daemon in a container that shares the host's pids still finds the host's files */
	if (!host)
		host = stat("/proc/1/root/.", &st) ? "/" : init_root;
	t->host_root = strdup(host);
	t->containers = containers_new(host);
	t->exes = exes_new(host);
	return t->host_root && t->containers && t->exes ? 0 : -ENOMEM;
}

void ptable_details_free(struct ptable *t)
{
	containers_free(t->containers);
	exes_free(t->exes);
	free(t->host_root);
}

static void read_environ(struct ptable *t, struct entry *e, int dir)
{
	cleanup_close int fd = openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	struct otel o;

	if (fd >= 0 && !otel_read_fd(fd, &o))
		labels_set_otel(t, e, &o);
}

/* Is the process's root directory the host's? */
static bool on_host(const struct ptable *t, int dir)
{
	struct stat own, host;

	return !fstatat(dir, "root", &own, 0) && !stat(t->host_root, &host) &&
	       own.st_dev == host.st_dev && own.st_ino == host.st_ino;
}

/*
 * Is the program behind fd not the one that was sampled, but one that was exec'ed
 * since? In a chroot events have another path than /proc, on some file systems
 * another device: who has the same inode's number is the same.
 */
static bool is_later_one(const struct entry *e, int dir, int fd)
{
	char link[PROC_PATH_MAX], path[PROC_PATH_MAX];
	const char *exe = e->p.labels.exe;
	ssize_t n = readlinkat(dir, "exe", link, sizeof(link));
	struct stat st;

	if (!*exe || n <= 0 || fstat(fd, &st))
		return false;
	maps_path(link, (size_t)n, path, sizeof(path));
	if (!strcmp(path, exe))
		return false;
	for (size_t i = 0; i < e->maps->n; i++)
		if (e->maps->m[i].path == exe && e->maps->m[i].ino == st.st_ino)
			return false;
	return true;
}

static const struct mapping *program_of(const struct entry *e)
{
	const char *exe = e->p.labels.exe;

	for (size_t i = 0; *exe && i < e->maps->n; i++)
		if (e->maps->m[i].path == exe && e->maps->m[i].kind == MAPPING_FILE)
			return &e->maps->m[i];
	return NULL;
}

/* On a file system that may hang (sym/file_opener.h)? */
static bool may_hang(const struct ptable *t, const struct mapping *m)
{
	return m && !m->maj && m->ino && t->files;
}

/*
 * May the program be asked for now? Not if it lies on a file system that hangs,
 * or that may and has not given us the file yet: then it is asked for again.
 */
static bool may_open(struct ptable *t, struct entry *e)
{
	const struct mapping *m = program_of(e);

	if (!may_hang(t, m))
		return true;
	m = process_map_at(t, &e->p, m->start);
	/* one that cannot be had was answered for as well */
	e->want_version = m &&
			  ((!m->file && !m->file_failed) || files_hang(t->files, m->maj, m->min));
	return !e->want_version;
}

static int read_exe(int fd, uint64_t size, void *ret)
{
	_Static_assert(sizeof(struct exe_facts) <= FILES_READ_MAX, "fits");
	return exe_read(fd, size, ret);
}

/* 0: exes_find has it now; -EAGAIN: its file system hangs; -errno. Takes fd. */
static int learn_program(struct ptable *t, const struct file_where *w, int fd,
			 const struct stat *st)
{
	struct exe_facts facts;
	int r = files_read_soon(t->files, w, fd, (uint64_t)st->st_size, read_exe, &facts,
				sizeof(facts));

	if (r == -EAGAIN || r == -ENOMEM)
		return r;
	return exes_add(t->exes, st, &facts) ? 0 : -ENOMEM;
}

/* Without waiting for its file system: what that does not give now is asked for again. */
static void ask_program(struct ptable *t, struct entry *e, const struct file_where *w, bool on_host)
{
	const char *exe = e->p.labels.exe;
	const struct exe_facts *f = NULL;
	struct stat st;
	int fd = files_open_mapping_soon(t->files, w, &st), r = fd < 0 ? fd : 0;

	if (!r)
		f = exes_find(t->exes, &st, exe, on_host, mono_now());
	if (f)
		file_close_aside(fd, false);
	else if (!r)
		r = learn_program(t, w, fd, &st);
	if (!r)
		labels_set_exe_facts(t, e, exes_find(t->exes, &st, exe, on_host, mono_now()));
	e->want_version = r == -EAGAIN;
}

/* The file that an event said was mapped, if it still is where it was. */
static void find_program(struct ptable *t, struct entry *e)
{
	const struct mapping *m = program_of(e);
	cleanup_close int fd = -1;
	struct file_where w;
	struct stat st;

	if (!m || !m->ino)
		return;
	w = mapping_where(0, m);
	if (may_hang(t, m)) {
		ask_program(t, e, &w, true);
		return;
	}
	fd = file_open_mapping(&w, &st);
	if (fd >= 0)
		labels_set_exe_facts(t, e,
				     exes_get(t->exes, fd, e->p.labels.exe, true, mono_now()));
}

/* As /proc has it. */
static void open_program(struct ptable *t, struct entry *e, int dir)
{
	/* the kernel executes regular files only */
	cleanup_close int fd = openat(dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && is_later_one(e, dir, fd))
		find_program(t, e);
	else if (fd >= 0)
		labels_set_exe_facts(
			t, e, exes_get(t->exes, fd, e->p.labels.exe, on_host(t, dir), mono_now()));
}

static void read_program(struct ptable *t, struct entry *e, int dir)
{
	const struct mapping *m = program_of(e);
	struct file_where w;

	if (!may_hang(t, m)) {
		open_program(t, e, dir);
		return;
	}
	w = mapping_where(e->p.pid, m);
	ask_program(t, e, &w, on_host(t, dir));
}

/* A process that is gone had its environment from its parent, who may still be there. */
static void ask_parent(struct ptable *t, struct entry *e)
{
	struct entry *parent = e->parent ? ptable_find(t, e->parent) : NULL;
	cleanup_close int dir = -1;
	cleanup_close int fd = -1;
	struct otel o;

	e->parent = 0;
	if (!parent || parent->p.id != e->parent_id || parent->unreadable)
		return;
	dir = ptable_open_process(t, parent);
	fd = dir < 0 ? -1 : openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !otel_read_fd(fd, &o)) {
		labels_set_otel(t, parent, &o);
		labels_set_otel(t, e, &o);
	}
}

void ptable_read_version(struct ptable *t, struct entry *e)
{
	cleanup_close int dir = -1;

	e->want_version = false;
	if (!e->p.kthread && e->p.pid > 0 && !e->unreadable && may_open(t, e))
		dir = ptable_open_process(t, e);
	if (dir >= 0)
		read_program(t, e, dir);
}

void ptable_read_details(struct ptable *t, struct entry *e)
{
	cleanup_close int dir = -1;

	e->want_details = e->want_version = false;
	if (e->p.kthread || e->p.pid <= 0)
		return;
	if (!e->unreadable)
		dir = ptable_open_process(t, e);
	if (dir >= 0) {
		read_environ(t, e, dir);
		if (may_open(t, e))
			read_program(t, e, dir);
		return;
	}
	ask_parent(t, e);
	/* sampled inside of execve: which program it is becomes known in a moment */
	e->want_details = e->want_exe;
	if (!e->want_exe && may_open(t, e))
		find_program(t, e);
}
