// SPDX-License-Identifier: GPL-2.0
/*
 * rpm keeps an index of base names (name, package number, file number) and one
 * binary header a package, in SQLite tables. A question costs one indexed
 * search and the headers of the packages that have a file of that base name;
 * an index of all files, as for dpkg, would mean reading some 100 MB.
 *
 * The database is opened as immutable: it is in WAL mode, and a reader of that
 * wants to write next to it, which the daemon must not. What rpm is writing
 * meanwhile is met at the next change of the file's time.
 */
#include "proc/packages_rpm.h"

#include <endian.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "proc/packages_index.h"

#define MAX_SAME_NAME 256 /* files of one base name that are looked at */
#define MAX_HEADER    (32U << 20)

/* rpm's header: two counts, rows of four words, then the data, all big endian */
enum { TAG_VERSION = 1001, TAG_RELEASE = 1002, TAG_EPOCH = 1003 };
enum { TAG_DIRINDEXES = 1116, TAG_BASENAMES = 1117, TAG_DIRNAMES = 1118 };
enum { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_STRING_ARRAY = 8 };

struct row {
	uint32_t tag, type, offset, count;
};

struct header {
	const unsigned char *rows, *data;
	uint32_t n_rows, n_data;
};

struct packages_rpm {
	char *path[2]; /* of the database: today's place, the old one */
	struct timespec mtime;
	sqlite3 *db;
	sqlite3_stmt *names, *header;
};

static uint32_t word(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static bool find_row(const struct header *h, uint32_t tag, uint32_t type, struct row *ret)
{
	for (uint32_t i = 0; i < h->n_rows; i++) {
		const unsigned char *p = h->rows + 16 * (size_t)i;

		*ret = (struct row){ word(p), word(p + 4), word(p + 8), word(p + 12) };
		if (ret->tag == tag)
			return ret->type == type && ret->offset < h->n_data;
	}
	return false;
}

/* String number i of an array, NULL: none that ends within the data. */
static const char *string_at(const struct header *h, uint32_t tag, uint32_t type, uint32_t i)
{
	const char *s, *end = (const char *)h->data + h->n_data;
	struct row row;

	if (!find_row(h, tag, type, &row) || i >= row.count)
		return NULL;
	for (s = (const char *)h->data + row.offset;; i--) {
		const char *nul = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

		if (!nul || !i)
			return nul ? s : NULL;
		s = nul + 1;
	}
}

static bool int_at(const struct header *h, uint32_t tag, uint32_t i, uint32_t *ret)
{
	struct row row;

	if (!find_row(h, tag, TYPE_INT32, &row) || i >= row.count ||
	    i >= (h->n_data - row.offset) / 4)
		return false;
	*ret = word(h->data + row.offset + 4 * (size_t)i);
	return true;
}

static int parse_header(const unsigned char *p, size_t n, struct header *h)
{
	if (n < 8 || n > MAX_HEADER)
		return -EINVAL;
	h->n_rows = word(p);
	h->n_data = word(p + 4);
	if (h->n_rows > (n - 8) / 16 || h->n_data > n - 8 - 16 * (size_t)h->n_rows)
		return -EINVAL;
	h->rows = p + 8;
	h->data = h->rows + 16 * (size_t)h->n_rows;
	return 0;
}

static bool same_file(const char *dir, const char *base, const char *path)
{
	char listed[4096];
	int n = snprintf(listed, sizeof(listed), "%s%s", dir, base);

	return n > 0 && (size_t)n < sizeof(listed) &&
	       !strcmp(packages_without_usr(listed, (size_t)n),
		       packages_without_usr(path, strlen(path)));
}

int rpm_header_version(const unsigned char *header, size_t n, uint32_t idx, const char *path,
		       char *ret, size_t len)
{
	const char *base, *dir, *version, *release;
	struct header h;
	uint32_t d, epoch;

	if (parse_header(header, n, &h))
		return -EINVAL;
	base = string_at(&h, TAG_BASENAMES, TYPE_STRING_ARRAY, idx);
	if (!base || !int_at(&h, TAG_DIRINDEXES, idx, &d))
		return -EINVAL;
	dir = string_at(&h, TAG_DIRNAMES, TYPE_STRING_ARRAY, d);
	version = string_at(&h, TAG_VERSION, TYPE_STRING, 0);
	release = string_at(&h, TAG_RELEASE, TYPE_STRING, 0);
	if (!dir || !version || !release)
		return -EINVAL;
	if (!same_file(dir, base, path))
		return -ENOENT;
	if (int_at(&h, TAG_EPOCH, 0, &epoch) && epoch)
		snprintf(ret, len, "%u:%s-%s", epoch, version, release);
	else
		snprintf(ret, len, "%s-%s", version, release);
	return 0;
}

static void close_db(struct packages_rpm *r)
{
	sqlite3_finalize(r->names);
	sqlite3_finalize(r->header);
	sqlite3_close(r->db);
	r->names = r->header = NULL;
	r->db = NULL;
}

static int prepare(struct packages_rpm *r, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(r->db, sql, -1, ret, NULL);
}

/* As a URI: what would be read as the end of the name is written by its number. */
static char *immutable_uri(const char *path)
{
	char *uri = malloc(3 * strlen(path) + 32), *p = uri;

	if (!uri)
		return NULL;
	p += sprintf(p, "file:");
	for (; *path; path++)
		p += sprintf(p, strchr("?#%", *path) ? "%%%02x" : "%c", (unsigned char)*path);
	sprintf(p, "?immutable=1");
	return uri;
}

static void open_db(struct packages_rpm *r, const char *path)
{
	char *uri = immutable_uri(path);
	bool good = uri &&
		    !sqlite3_open_v2(uri, &r->db,
				     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
				     NULL) &&
		    /* older rpms stored the names as bytes */
		    !prepare(r,
			     "SELECT hnum, idx FROM Basenames WHERE key IN (?1, CAST(?1 AS BLOB)) "
			     "LIMIT ?2",
			     &r->names) &&
		    !prepare(r, "SELECT blob FROM Packages WHERE hnum = ?1", &r->header);

	free(uri);
	if (!good)
		close_db(r);
}

struct packages_rpm *packages_rpm_new(const char *host)
{
	static const char *const places[] = { "usr/lib/sysimage/rpm", "var/lib/rpm" };
	struct packages_rpm *r = calloc(1, sizeof(*r));

	for (size_t i = 0; r && i < ARRAY_SIZE(places); i++)
		if (asprintf(&r->path[i], "%s/%s/rpmdb.sqlite", host, places[i]) < 0)
			r->path[i] = NULL;
	if (r && (!r->path[0] || !r->path[1])) {
		packages_rpm_free(r);
		return NULL;
	}
	return r;
}

void packages_rpm_free(struct packages_rpm *r)
{
	if (!r)
		return;
	close_db(r);
	free(r->path[0]);
	free(r->path[1]);
	free(r);
}

bool packages_rpm_refresh(struct packages_rpm *r)
{
	struct stat st;
	size_t i = 0;

	while (i < ARRAY_SIZE(r->path) && stat(r->path[i], &st))
		i++;
	if (i == ARRAY_SIZE(r->path) ||
	    (st.st_mtim.tv_sec == r->mtime.tv_sec && st.st_mtim.tv_nsec == r->mtime.tv_nsec))
		return false;
	r->mtime = st.st_mtim;
	close_db(r);
	open_db(r, r->path[i]);
	return true;
}

/* 0: this one owns it */
static int ask_package(struct packages_rpm *r, int64_t number, uint32_t idx, const char *path,
		       char *ret, size_t len)
{
	int e = -ENOENT;

	sqlite3_bind_int64(r->header, 1, number);
	if (sqlite3_step(r->header) == SQLITE_ROW) {
		const void *blob = sqlite3_column_blob(r->header, 0);
		int n = sqlite3_column_bytes(r->header, 0);

		if (blob && n > 0)
			e = rpm_header_version(blob, (size_t)n, idx, path, ret, len);
	}
	sqlite3_reset(r->header);
	return e;
}

void packages_rpm_version(struct packages_rpm *r, const char *path, char *ret, size_t len)
{
	const char *base = strrchr(path, '/');

	*ret = '\0';
	if (!r->db || !base || !base[1])
		return;
	sqlite3_bind_text(r->names, 1, base + 1, -1, SQLITE_STATIC);
	sqlite3_bind_int(r->names, 2, MAX_SAME_NAME);
	while (sqlite3_step(r->names) == SQLITE_ROW) {
		int64_t idx = sqlite3_column_int64(r->names, 1);

		if (idx >= 0 && idx <= UINT32_MAX &&
		    !ask_package(r, sqlite3_column_int64(r->names, 0), (uint32_t)idx, path, ret,
				 len))
			break;
	}
	sqlite3_reset(r->names);
	sqlite3_clear_bindings(r->names);
}
