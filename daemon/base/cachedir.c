// SPDX-License-Identifier: GPL-2.0
/*
 * Cache files; see cachedir.h. When a file was used last is its mtime: no list
 * of its own to lose. There is no fsync: after a crash its user's checksum says
 * what became of a file.
 */
#include "base/cachedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

#define MAX_FILES 65536 /* names looked at */
#define NEW	  ".new-"

struct cached {
	char name[CACHEDIR_NAME_MAX + 1];
	uint64_t size, used;
};

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Opens at/name as a directory of ours, made if need be. */
static int open_dir(int at, const char *name)
{
	struct stat st;
	int fd;

	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* whoever else could write there could truncate what is mapped */
	if (fstat(fd, &st) || !is_ours(&st)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* Makes at/name if need be and hands it over; its descriptor or -errno. */
static int give_dir(int at, const char *name, uid_t uid, gid_t gid)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_uid != uid && fchown(fd, uid, gid))
		return -errno;
	return steal_fd(&fd);
}

int cachedir_make(const char *dir, const char *kind, const char *version, uid_t uid, gid_t gid)
{
	cleanup_close int top = give_dir(AT_FDCWD, dir, uid, gid);
	cleanup_close int middle = top < 0 ? top : give_dir(top, kind, uid, gid);
	cleanup_close int last = middle < 0 ? middle : give_dir(middle, version, uid, gid);

	return last < 0 ? last : 0;
}

/* 1: *ret is that file's, 0: it is none of the cache. */
static int describe(int dir, const char *name, struct cached *ret)
{
	struct stat st;

	if (name[0] == '.') {
		/* what is left of a write that broke off */
		if (!strncmp(name, NEW, strlen(NEW)))
			unlinkat(dir, name, 0);
		return 0;
	}
	if (strlen(name) > CACHEDIR_NAME_MAX || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    S_ISDIR(st.st_mode))
		return 0;
	strcpy(ret->name, name);
	ret->size = (uint64_t)st.st_size;
	ret->used = (uint64_t)st.st_mtim.tv_sec * 1000000000ULL + (uint64_t)st.st_mtim.tv_nsec;
	return 1;
}

static size_t list_files(int dir, struct cached **ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, cap = 0;
	struct dirent *e;

	*ret = NULL;
	if (!d && fd >= 0)
		close(fd);
	while (d && n < MAX_FILES && (e = readdir(d))) {
		struct cached *p = array_room(*ret, &cap, n + 1, sizeof(*p));

		if (!p)
			break;
		*ret = p;
		n += (size_t)describe(dir, e->d_name, &p[n]);
	}
	if (d)
		closedir(d);
	return n;
}

static int by_use(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

/* Removes the oldest used files until `more` bytes have room. */
static void make_room(struct cachedir *c, uint64_t more)
{
	cleanup_free struct cached *files = NULL;
	size_t n;

	if (c->bytes + more <= c->max_bytes)
		return;
	n = list_files(c->dir, &files);
	c->bytes = 0; /* as it is, whatever was thought of it */
	for (size_t i = 0; i < n; i++)
		c->bytes += files[i].size;
	if (n)
		qsort(files, n, sizeof(*files), by_use);
	for (size_t i = 0; i < n && c->bytes + more > c->max_bytes; i++) {
		if (unlinkat(c->dir, files[i].name, 0))
			continue;
		c->bytes -= files[i].size;
		c->evicted++;
	}
}

int cachedir_open(struct cachedir *c, const char *path, const char *kind, const char *version,
		  uint64_t max_bytes)
{
	cleanup_close int top = -1, middle = -1;

	*c = (struct cachedir){ .dir = -1, .max_bytes = max_bytes };
	if (!path)
		return 0;
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	middle = open_dir(top, kind);
	if (middle < 0)
		return middle;
	c->dir = open_dir(middle, version);
	if (c->dir < 0)
		return c->dir;
	c->bytes = max_bytes; /* not known: the next line counts */
	make_room(c, 1);
	return 0;
}

void cachedir_close(struct cachedir *c)
{
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

static int map_fd(int fd, uint64_t min, uint64_t max, struct cachemap *ret)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !is_ours(&st) || !st.st_size || (uint64_t)st.st_size < min ||
	    (uint64_t)st.st_size > max)
		return -EINVAL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = (struct cachemap){ p, (size_t)st.st_size };
	futimens(fd, NULL); /* used now */
	return 0;
}

int cachedir_map(struct cachedir *c, const char *name, uint64_t min, uint64_t max,
		 struct cachemap *ret)
{
	cleanup_close int fd = -1;

	*ret = (struct cachemap){ NULL, 0 };
	if (c->dir < 0)
		return -ENOENT;
	fd = openat(c->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP || errno == EACCES ? -EINVAL : -errno;
	return map_fd(fd, min, max, ret);
}

void cachedir_unmap(struct cachemap *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->len);
	*m = (struct cachemap){ NULL, 0 };
}

void cachedir_remove(struct cachedir *c, const char *name)
{
	if (c->dir >= 0)
		unlinkat(c->dir, name, 0);
}

static int write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int cachedir_reserve(struct cachedir *c, uint64_t more)
{
	if (more > c->max_bytes)
		return -E2BIG;
	make_room(c, more);
	c->bytes += more;
	return 0;
}

int cachedir_store(struct cachedir *c, const char *name, const struct iovec *parts, int n)
{
	char tmp[CACHEDIR_NAME_MAX + sizeof(NEW)];
	cleanup_close int fd = -1;
	uint64_t size = 0;
	int r = 0;

	if (c->dir < 0)
		return 0;
	for (int i = 0; i < n; i++)
		size += parts[i].iov_len;
	if (size > c->max_bytes)
		return -E2BIG;
	make_room(c, size);
	snprintf(tmp, sizeof(tmp), NEW "%s", name);
	unlinkat(c->dir, tmp, 0);
	fd = openat(c->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (int i = 0; !r && i < n; i++)
		r = write_all(fd, parts[i].iov_base, parts[i].iov_len);
	if (!r && renameat(c->dir, tmp, c->dir, name))
		r = -errno;
	if (r)
		unlinkat(c->dir, tmp, 0);
	else
		c->bytes += size;
	return r;
}
