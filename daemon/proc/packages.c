// SPDX-License-Identifier: GPL-2.0
/*
 * dpkg keeps one list of files a package and one status file for all of them.
 * A file is found by the hash of its path: a row of 16 bytes, sorted.
 */
#include "proc/packages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strtab.h"
#include "proc/packages_rpm.h"

#define LOOK_NS (60 * NSEC_PER_SEC) /* between two looks whether dpkg was busy */

struct owned {
	uint64_t path; /* hash */
	uint32_t version;
	uint32_t pad;
};

struct packages {
	char *status, *info; /* paths */
	struct timespec mtime;
	uint64_t look_again;
	struct owned *files;
	size_t n, cap;
	struct strtab *versions;
	uint64_t bytes; /* of lists read for this index */
	struct packages_rpm *rpm;
	char rpm_version[128]; /* the last answer */
};

struct packages *packages_new(const char *host)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	if (!host || !strcmp(host, "/"))
		host = "";
	if (asprintf(&p->status, "%s/var/lib/dpkg/status", host) < 0)
		p->status = NULL;
	if (asprintf(&p->info, "%s/var/lib/dpkg/info", host) < 0)
		p->info = NULL;
	p->rpm = packages_rpm_new(host);
	if (!p->status || !p->info || !p->rpm) {
		packages_free(p);
		return NULL;
	}
	return p;
}

static void forget(struct packages *p)
{
	free(p->files);
	p->files = NULL;
	p->n = p->cap = 0;
	p->bytes = 0;
	strtab_free(p->versions);
	p->versions = NULL;
}

void packages_free(struct packages *p)
{
	if (!p)
		return;
	forget(p);
	packages_rpm_free(p->rpm);
	free(p->status);
	free(p->info);
	free(p);
}

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

static void add_file(struct packages *p, const char *path, size_t n, uint32_t version)
{
	struct owned *files;

	if (holds_no_program(path, n) || p->n == PACKAGES_FILES_MAX)
		return;
	files = array_room(p->files, &p->cap, p->n + 1, sizeof(*files));
	if (!files)
		return;
	p->files = files;
	p->files[p->n++] = (struct owned){ .path = path_hash(path, n), .version = version };
}

static int read_list(struct packages *p, const char *name, const char *arch, struct buf *b)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s%s.list", p->info, name, *arch ? ":" : "", arch);
	b->len = 0;
	return buf_read_file(b, path, PACKAGES_LIST_MAX);
}

struct paragraph {
	char name[256], version[128], arch[32];
	bool installed;
};

static void add_package(struct packages *p, const struct paragraph *g, struct buf *b)
{
	uint32_t version;
	const char *s;

	if (!*g->name || !*g->version || !g->installed || strchr(g->name, '/') ||
	    strchr(g->arch, '/') || p->bytes > PACKAGES_BYTES_MAX)
		return;
	if (read_list(p, g->name, "", b) && read_list(p, g->name, g->arch, b))
		return;
	p->bytes += b->len;
	version = strtab_add(p->versions, g->version);
	if (version == UINT32_MAX || !b->len)
		return;
	s = b->data;
	while (*s) {
		size_t n = strcspn(s, "\n");

		add_file(p, s, n, version);
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
static void read_status(struct packages *p, const char *s)
{
	struct paragraph g = { .installed = false };
	struct buf list = { 0 };

	while (*s) {
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
		add_package(p, &g, &list);
		memset(&g, 0, sizeof(g));
	}
	buf_free(&list);
}

static int by_path(const void *pa, const void *pb)
{
	const struct owned *a = pa, *b = pb;

	return a->path < b->path ? -1 : a->path > b->path;
}

/* Looks whether dpkg was busy, and if so reads all anew. */
static void refresh(struct packages *p, uint64_t now)
{
	struct buf status = { 0 };
	struct stat st;

	if (now < p->look_again)
		return;
	p->look_again = now + LOOK_NS;
	packages_rpm_refresh(p->rpm);
	if (stat(p->status, &st) ||
	    (st.st_mtim.tv_sec == p->mtime.tv_sec && st.st_mtim.tv_nsec == p->mtime.tv_nsec))
		return;
	p->mtime = st.st_mtim;
	forget(p);
	p->versions = strtab_new();
	if (p->versions && !buf_read_file(&status, p->status, PACKAGES_STATUS_MAX) && status.len)
		read_status(p, status.data);
	buf_free(&status);
	if (p->n)
		qsort(p->files, p->n, sizeof(*p->files), by_path);
}

const char *packages_version(struct packages *p, const char *path, uint64_t now)
{
	struct owned key = { .path = path_hash(path, strlen(path)) }, *hit;

	refresh(p, now);
	hit = p->n ? bsearch(&key, p->files, p->n, sizeof(key), by_path) : NULL;
	if (hit)
		return strtab_get(p->versions, hit->version);
	packages_rpm_version(p->rpm, path, p->rpm_version, sizeof(p->rpm_version));
	return p->rpm_version;
}

size_t packages_bytes(const struct packages *p)
{
	return sizeof(*p) + p->cap * sizeof(*p->files) +
	       (p->versions ? strtab_bytes(p->versions) : 0);
}
