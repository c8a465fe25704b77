// SPDX-License-Identifier: GPL-2.0
/*
 * dpkg keeps one list of files a package and one status file for all of them.
 * A file is found by the hash of its path: a row of 16 bytes, sorted.
 */
#include "proc/packages_index.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/strtab.h"

struct owned {
	uint64_t path; /* hash */
	uint32_t version;
	uint32_t pad;
};

struct packages_index {
	const char *info; /* while it is read */
	struct owned *files;
	size_t n, cap;
	struct strtab *versions;
	uint64_t bytes; /* of lists read */
};

const char *packages_without_usr(const char *path, size_t n)
{
	static const char *const merged[] = { "bin/", "sbin/", "lib/", "lib64/", "lib32/" };

	if (n < 5 || memcmp(path, "/usr/", 5))
		return path;
	for (size_t i = 0; i < ARRAY_SIZE(merged); i++)
		if (n - 5 > strlen(merged[i]) && !memcmp(path + 5, merged[i], strlen(merged[i])))
			return path + 4;
	return path;
}

static uint64_t path_hash(const char *path, size_t n)
{
	const char *p = packages_without_usr(path, n);

	return XXH3_64bits(p, n - (size_t)(p - path));
}

static bool holds_no_program(const char *path, size_t n)
{
	static const char *const dirs[] = { "/usr/share/", "/usr/include/", "/etc/",
					    "/usr/src/",   "/var/",	    "/boot/" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (n > strlen(dirs[i]) && !memcmp(path, dirs[i], strlen(dirs[i])))
			return true;
	return n < 2;
}

static void add_file(struct packages_index *x, const char *path, size_t n, uint32_t version)
{
	struct owned *files;

	if (holds_no_program(path, n) || x->n == PACKAGES_FILES_MAX)
		return;
	files = array_room(x->files, &x->cap, x->n + 1, sizeof(*files));
	if (!files)
		return;
	x->files = files;
	x->files[x->n++] = (struct owned){ .path = path_hash(path, n), .version = version };
}

static int read_list(struct packages_index *x, const char *name, const char *arch, struct buf *b)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s%s.list", x->info, name, *arch ? ":" : "", arch);
	b->len = 0;
	return buf_read_file(b, path, PACKAGES_LIST_MAX);
}

struct paragraph {
	char name[256], version[128], arch[32];
	bool installed;
};

static void add_package(struct packages_index *x, const struct paragraph *g, struct buf *b)
{
	uint32_t version;
	const char *s;

	if (!*g->name || !*g->version || !g->installed || strchr(g->name, '/') ||
	    strchr(g->arch, '/') || x->bytes > PACKAGES_BYTES_MAX)
		return;
	if (read_list(x, g->name, "", b) && read_list(x, g->name, g->arch, b))
		return;
	x->bytes += b->len;
	version = strtab_add(x->versions, g->version);
	if (version == UINT32_MAX || !b->len)
		return;
	s = b->data;
	while (*s) {
		size_t n = strcspn(s, "\n");

		add_file(x, s, n, version);
		s += n + (s[n] == '\n');
	}
}

static void field(const char *line, size_t n, const char *key, char *out, size_t len)
{
	size_t kn = strlen(key);

	if (n > kn && !memcmp(line, key, kn))
		snprintf(out, len, "%.*s", (int)(n - kn), line + kn);
}

/* Paragraphs of "Key: value" lines, an empty line between two. */
static void read_status(struct packages_index *x, const char *s, const int *stop)
{
	struct paragraph g = { .installed = false };
	struct buf list = { 0 };

	while (*s && !__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		size_t n = strcspn(s, "\n");
		char status[64] = "";

		field(s, n, "Package: ", g.name, sizeof(g.name));
		field(s, n, "Version: ", g.version, sizeof(g.version));
		field(s, n, "Architecture: ", g.arch, sizeof(g.arch));
		field(s, n, "Status: ", status, sizeof(status));
		if (strstr(status, " installed"))
			g.installed = true;
		s += n + (s[n] == '\n');
		if (n && *s)
			continue;
		add_package(x, &g, &list);
		memset(&g, 0, sizeof(g));
	}
	buf_free(&list);
}

static int by_path(const void *pa, const void *pb)
{
	const struct owned *a = pa, *b = pb;

	return a->path < b->path ? -1 : a->path > b->path;
}

struct packages_index *packages_index_read(const char *status, const char *info, const int *stop)
{
	struct packages_index *x = calloc(1, sizeof(*x));
	struct buf text = { 0 };

	if (!x)
		return NULL;
	x->info = info;
	x->versions = strtab_new();
	if (!x->versions) {
		free(x);
		return NULL;
	}
	if (!buf_read_file(&text, status, PACKAGES_STATUS_MAX) && text.len)
		read_status(x, text.data, stop);
	buf_free(&text);
	x->info = NULL;
	if (x->n)
		qsort(x->files, x->n, sizeof(*x->files), by_path);
	return x;
}

void packages_index_free(struct packages_index *x)
{
	if (!x)
		return;
	free(x->files);
	strtab_free(x->versions);
	free(x);
}

const char *packages_index_version(const struct packages_index *x, const char *path)
{
	struct owned key = { .path = path_hash(path, strlen(path)) }, *hit;

	hit = x->n ? bsearch(&key, x->files, x->n, sizeof(key), by_path) : NULL;
	return hit ? strtab_get(x->versions, hit->version) : NULL;
}

size_t packages_index_bytes(const struct packages_index *x)
{
	return x ? sizeof(*x) + x->cap * sizeof(*x->files) + strtab_bytes(x->versions) : 0;
}
