// SPDX-License-Identifier: GPL-2.0
/*
 * Cache files of rows. Format: struct cache_head, then the rows as they are in
 * memory; a host's own byte order, as the files never leave it. A format that
 * changes gets another version, and with it another directory.
 *
 * When a table was used last is its file's mtime: no list of its own to lose.
 */
#include "unwind/tables_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "ringprof/row_check.h"
#include "unwind/tables.h"

#define CACHE_VERSION "1"
#define CACHE_MAGIC   "rprows\0" CACHE_VERSION
#define NAME_LEN      (2 * RINGPROF_KEY_SIZE)
#define MAX_FILES     65536 /* names looked at */

struct cache_head {
	char magic[8];
	uint64_t sum; /* XXH64 of everything behind it */
	uint8_t key[RINGPROF_KEY_SIZE];
	uint32_t n_rows;
	uint64_t size, headers; /* struct cache_source */
	uint64_t base;
	uint32_t n_segments, n_opaque;
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
};

#define SUM_FROM (offsetof(struct cache_head, sum) + sizeof(uint64_t))

struct cached {
	char name[NAME_LEN + 1];
	uint64_t size, used;
};

static void key_name(char name[NAME_LEN + 1], const uint8_t *key)
{
	for (int i = 0; i < RINGPROF_KEY_SIZE; i++)
		snprintf(name + 2 * i, 3, "%02x", key[i]);
}

/* Opens path/name as a directory of ours, made if need be. */
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
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
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

/* A user who owned `dir` before may have put links in it: none is followed. */
int tables_make_dir(const char *dir, uid_t uid, gid_t gid)
{
	cleanup_close int top = give_dir(AT_FDCWD, dir, uid, gid);
	cleanup_close int rows = top < 0 ? top : give_dir(top, "rows", uid, gid);
	cleanup_close int last = rows < 0 ? rows : give_dir(rows, CACHE_VERSION, uid, gid);

	return last < 0 ? last : 0;
}

/* All files of the cache into *ret; what is left of a write that broke off is removed. */
static size_t list_files(int dir, struct cached **ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, cap = 0;
	struct dirent *e;
	struct stat st;

	*ret = NULL;
	if (!d && fd >= 0)
		close(fd);
	while (d && n < MAX_FILES && (e = readdir(d))) {
		struct cached *p;

		if (e->d_name[0] == '.') {
			if (!strncmp(e->d_name, ".new-", 5))
				unlinkat(dir, e->d_name, 0);
			continue;
		}
		if (strlen(e->d_name) != NAME_LEN ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		p = array_room(*ret, &cap, n + 1, sizeof(*p));
		if (!p)
			break;
		*ret = p;
		memcpy(p[n].name, e->d_name, NAME_LEN + 1);
		p[n].size = (uint64_t)st.st_size;
		p[n++].used =
			(uint64_t)st.st_mtim.tv_sec * 1000000000ULL + (uint64_t)st.st_mtim.tv_nsec;
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
static void make_room(struct tables_cache *c, uint64_t more)
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

int cache_open(struct tables_cache *c, const char *path, uint64_t max_bytes)
{
	cleanup_close int top = -1, rows = -1;

	*c = (struct tables_cache){ .dir = -1, .max_bytes = max_bytes };
	if (!path)
		return 0;
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	rows = open_dir(top, "rows");
	if (rows < 0)
		return rows;
	c->dir = open_dir(rows, CACHE_VERSION);
	if (c->dir < 0)
		return c->dir;
	c->bytes = max_bytes; /* not known: the next line counts */
	make_room(c, 1);
	return 0;
}

void cache_close(struct tables_cache *c)
{
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

static bool head_ok(const struct cache_head *h, size_t len, const struct cache_source *src)
{
	const struct ringprof_row *rows = (const struct ringprof_row *)(h + 1);

	if (memcmp(h->magic, CACHE_MAGIC, sizeof(h->magic)) || h->n_rows > RINGPROF_MAX_ROWS ||
	    h->n_segments > RINGPROF_MAX_SEGMENTS || len != sizeof(*h) + h->n_rows * sizeof(*rows))
		return false;
	if (memcmp(h->key, src->key, sizeof(h->key)) || h->size != src->size ||
	    h->headers != src->headers)
		return false;
	return h->sum == XXH64((const char *)h + SUM_FROM, len - SUM_FROM, 0) &&
	       ringprof_rows_ok(rows, h->n_rows, 0) == h->n_rows;
}

static int map_file(int fd, struct cache_rows *ret)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    (uint64_t)st.st_size < sizeof(struct cache_head) ||
	    (uint64_t)st.st_size >
		    sizeof(struct cache_head) + RINGPROF_MAX_ROWS * sizeof(struct ringprof_row))
		return -EINVAL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ret->map = p;
	ret->map_len = (size_t)st.st_size;
	return 0;
}

static void from_map(struct cache_rows *r)
{
	const struct cache_head *h = r->map;

	r->rows.rows = (struct ringprof_row *)(uintptr_t)(h + 1);
	r->rows.n = h->n_rows;
	r->rows.base = h->base;
	r->rows.n_segments = h->n_segments;
	r->rows.n_opaque = h->n_opaque;
	r->rows.origin = "cache";
	memcpy(r->rows.segments, h->segments, sizeof(h->segments));
}

int cache_load(struct tables_cache *c, const struct cache_source *src, struct cache_rows *ret)
{
	cleanup_close int fd = -1;
	char name[NAME_LEN + 1];
	int r;

	memset(ret, 0, sizeof(*ret));
	if (c->dir < 0)
		return -ENOENT;
	key_name(name, src->key);
	fd = openat(c->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = map_file(fd, ret);
	if (!r && !head_ok(ret->map, ret->map_len, src)) {
		cache_rows_free(ret);
		r = -EINVAL;
	}
	if (r) {
		if (r == -EINVAL)
			unlinkat(c->dir, name, 0);
		return r;
	}
	from_map(ret);
	futimens(fd, NULL); /* used now */
	return 0;
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

static int write_file(int fd, const struct cache_source *src, const struct rows *rows)
{
	size_t len = rows->n * sizeof(*rows->rows);
	struct cache_head h = { .size = src->size,
				.headers = src->headers,
				.n_rows = rows->n,
				.base = rows->base,
				.n_segments = rows->n_segments,
				.n_opaque = rows->n_opaque };
	XXH64_state_t *st = XXH64_createState();
	int r;

	if (!st)
		return -ENOMEM;
	memcpy(h.magic, CACHE_MAGIC, sizeof(h.magic));
	memcpy(h.key, src->key, sizeof(h.key));
	memcpy(h.segments, rows->segments, rows->n_segments * sizeof(h.segments[0]));
	XXH64_reset(st, 0);
	XXH64_update(st, (char *)&h + SUM_FROM, sizeof(h) - SUM_FROM);
	if (len)
		XXH64_update(st, rows->rows, len);
	h.sum = XXH64_digest(st);
	XXH64_freeState(st);
	r = write_all(fd, &h, sizeof(h));
	return r ? r : write_all(fd, rows->rows, len);
}

int cache_store(struct tables_cache *c, const struct cache_source *src, const struct rows *rows)
{
	uint64_t size = sizeof(struct cache_head) + rows->n * sizeof(*rows->rows);
	char name[NAME_LEN + 1], tmp[NAME_LEN + 8];
	cleanup_close int fd = -1;
	int r;

	if (c->dir < 0)
		return 0;
	if (size > c->max_bytes)
		return -E2BIG;
	make_room(c, size);
	key_name(name, src->key);
	snprintf(tmp, sizeof(tmp), ".new-%s", name);
	unlinkat(c->dir, tmp, 0);
	fd = openat(c->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_file(fd, src, rows);
	/* no fsync: after a crash the checksum says what became of it */
	if (!r && renameat(c->dir, tmp, c->dir, name))
		r = -errno;
	if (r)
		unlinkat(c->dir, tmp, 0);
	else
		c->bytes += size;
	return r;
}

void cache_rows_free(struct cache_rows *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	else
		rows_free(&r->rows);
	memset(r, 0, sizeof(*r));
}
