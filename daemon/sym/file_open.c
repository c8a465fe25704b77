// SPDX-License-Identifier: GPL-2.0
/* Opening files of other processes; see file_open.h for the precautions. */
#include "sym/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/file_age.h"

#define MAP_LINK_MAX 128

/* Opens for reading what an O_PATH descriptor stands for, if it is a regular file. */
static int reopen_regular(int path_fd, struct stat *st)
{
	char self[64];
	int fd;

	if (fstat(path_fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ENOEXEC;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/*
 * Is what lies at that address now what lay there then? On overlays the
 * mapping's inode number is that of another layer: there the name has to do.
 */
static bool still_mapped(const char *link, const struct file_where *w, const struct stat *st)
{
	char path[PATH_MAX];
	ssize_t n;

	if (!w->ino || st->st_ino == w->ino)
		return true;
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || !w->path)
		return false;
	path[n] = 0;
	return !strcmp(path, w->path);
}

static void map_file_link(const struct file_where *w, char link[MAP_LINK_MAX])
{
	snprintf(link, MAP_LINK_MAX, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)w->pid,
		 w->start, w->end);
}

int file_stat_mapping(const struct file_where *w, struct stat *st)
{
	char link[MAP_LINK_MAX];

	if (w->pid <= 0 || w->end <= w->start)
		return -ENOENT;
	map_file_link(w, link);
	if (stat(link, st))
		return -errno;
	return S_ISREG(st->st_mode) && still_mapped(link, w, st) ? 0 : -ESTALE;
}

static int open_map_file(const struct file_where *w, struct stat *st)
{
	cleanup_close int fd = -1;
	char link[MAP_LINK_MAX];
	int r;

	map_file_link(w, link);
	fd = open(link, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = reopen_regular(fd, st);
	if (r >= 0 && !still_mapped(link, w, st)) {
		close(r);
		return -ESTALE;
	}
	return r;
}

int file_open_root(pid_t pid)
{
	char link[64];
	int fd;

	snprintf(link, sizeof(link), "/proc/%d/root", (int)pid);
	fd = open(pid > 0 ? link : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_open_host_root(void)
{
	int fd = file_open_root(1);

	return fd < 0 ? file_open_root(0) : fd;
}

/* openat2 came with 5.6; before that the caller's check of inode or content has to do. */
static int path_in_root(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		path += strspn(path, "/");
		fd = openat(root, *path ? path : ".", O_PATH | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

int file_open_in_root(int root, const char *path, struct stat *st)
{
	cleanup_close int fd = path_in_root(root, path);

	return fd < 0 ? fd : reopen_regular(fd, st);
}

static int open_by_path(const struct file_where *w, pid_t pid, struct stat *st)
{
	cleanup_close int root = pid > 0 ? file_open_root(pid) : file_open_host_root();
	cleanup_close int fd = -1;

	if (root < 0)
		return root;
	fd = file_open_in_root(root, w->path, st);
	if (fd < 0)
		return fd;
	if (w->ino && (st->st_ino != w->ino || file_is_later(w, fd, st)))
		return -ESTALE;
	return steal_fd(&fd);
}

int file_open_mapping(const struct file_where *w, struct stat *st)
{
	int fd = -ENOENT;

	if (w->pid > 0 && w->end > w->start)
		fd = open_map_file(w, st);
	if (fd < 0 && fd != -ENOEXEC && w->path && w->path[0] == '/') {
		fd = w->pid > 0 ? open_by_path(w, w->pid, st) : -ENOENT;
		if (fd < 0 && fd != -ENOEXEC)
			fd = open_by_path(w, 0, st);
	}
	return fd;
}
