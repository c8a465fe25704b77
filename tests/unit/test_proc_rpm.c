// SPDX-License-Identifier: GPL-2.0
/*
 * Which rpm a file belongs to: a database laid out as rpm 4.18 lays it out, and
 * headers that lie.
 */
#include <endian.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "proc/packages.h"
#include "proc/packages_rpm.h"
#include "tap.h"
#include "test_proc_world.h"

/* A header as the database holds it: counts, rows, data. */
struct made {
	unsigned char bytes[4096];
	uint32_t n_rows, n_data;
	unsigned char data[2048];
};

static void word(unsigned char *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static void row(struct made *h, uint32_t tag, uint32_t type, uint32_t count, const void *data,
		size_t n)
{
	unsigned char *p = h->bytes + 8 + 16 * (size_t)h->n_rows++;

	word(p, tag);
	word(p + 4, type);
	word(p + 8, h->n_data);
	word(p + 12, count);
	memcpy(h->data + h->n_data, data, n);
	h->n_data += (uint32_t)n;
}

static size_t finish(struct made *h)
{
	size_t at = 8 + 16 * (size_t)h->n_rows;

	word(h->bytes, h->n_rows);
	word(h->bytes + 4, h->n_data);
	memcpy(h->bytes + at, h->data, h->n_data);
	return at + h->n_data;
}

/* /usr/bin/worker, /usr/bin/other, /usr/libexec/w/worker: files 1, 0, 2 */
static size_t worker(struct made *h, uint32_t epoch)
{
	static const char base[] = "other\0worker\0worker", dirs[] = "/usr/bin/\0/usr/libexec/w/";
	unsigned char index[12], e[4];

	memset(h, 0, sizeof(*h));
	word(index, 0);
	word(index + 4, 0);
	word(index + 8, 1);
	word(e, epoch);
	row(h, 1001, 6, 1, "3.4", 4);
	row(h, 1002, 6, 1, "5.el9", 6);
	if (epoch)
		row(h, 1003, 4, 1, e, 4);
	row(h, 1116, 4, 3, index, sizeof(index));
	row(h, 1117, 8, 3, base, sizeof(base));
	row(h, 1118, 8, 2, dirs, sizeof(dirs));
	return finish(h);
}

static const char *version(const unsigned char *p, size_t n, uint32_t idx, const char *path)
{
	static char ret[64];
	int e = rpm_header_version(p, n, idx, path, ret, sizeof(ret));

	return e == -EINVAL ? "damaged" : e ? "another" : ret;
}

TEST(headers)
{
	struct made h;
	size_t n = worker(&h, 2);

	CHECK_STR(version(h.bytes, n, 1, "/usr/bin/worker"), "2:3.4-5.el9");
	CHECK_STR(version(h.bytes, n, 1, "/bin/worker"), "2:3.4-5.el9");
	CHECK_STR(version(h.bytes, n, 2, "/usr/libexec/w/worker"), "2:3.4-5.el9");
	CHECK_STR(version(h.bytes, n, 1, "/opt/bin/worker"), "another");
	CHECK_STR(version(h.bytes, n, 3, "/usr/bin/worker"), "damaged");
	n = worker(&h, 0);
	CHECK_STR(version(h.bytes, n, 0, "/usr/bin/other"), "3.4-5.el9");
}

TEST(hostile_headers)
{
	struct made h;
	size_t n = worker(&h, 2);
	unsigned int damaged = 0;

	for (size_t cut = 0; cut < n; cut++) {
		unsigned char *exact = memcpy(malloc(cut + !cut), h.bytes, cut);

		CHECK_STR(version(exact, cut, 1, "/usr/bin/worker"), "damaged");
		free(exact);
	}
	srand(3);
	for (int i = 0; i < 20000; i++) {
		unsigned char *q = memcpy(malloc(n), h.bytes, n);

		for (int k = 0; k < 3; k++)
			q[(size_t)rand() % (8 + 16 * 6)] = (unsigned char)rand();
		damaged += !strcmp(version(q, n, 2, "/usr/libexec/w/worker"), "damaged");
		free(q);
	}
	CHECK(damaged > 1000);
	CHECK(damaged < 20000);
}

static void sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL))
		abort();
}

/* What rpm 4.18 makes, names as text or, as once, as bytes. */
static void make_db(const char *path, bool bytes)
{
	struct made h;
	size_t n = worker(&h, bytes ? 7 : 2);
	sqlite3_stmt *st;
	sqlite3 *db;

	if (sqlite3_open(path, &db))
		abort();
	sql(db, "PRAGMA journal_mode = WAL");
	sql(db, "DROP TABLE IF EXISTS Packages; DROP TABLE IF EXISTS Basenames");
	sql(db, "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT "
		"NULL); CREATE TABLE 'Basenames' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, "
		"idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum)); CREATE "
		"INDEX 'Basenames_key_idx' ON 'Basenames'(key ASC)");
	if (sqlite3_prepare_v2(db, "INSERT INTO Packages (blob) VALUES (?)", -1, &st, NULL) ||
	    sqlite3_bind_blob(st, 1, h.bytes, (int)n, SQLITE_STATIC) ||
	    sqlite3_step(st) != SQLITE_DONE)
		abort();
	sqlite3_finalize(st);
	sql(db, "INSERT INTO Basenames VALUES ('worker', 99, 0), ('worker', 1, 2), "
		"('worker', 1, 1), ('other', 1, 0)");
	if (bytes)
		sql(db, "UPDATE Basenames SET key = CAST(key AS BLOB)");
	sqlite3_close(db);
}

TEST(owning_rpm)
{
	struct packages *p;
	char path[512];

	fresh();
	p = packages_new(root);
	CHECK_STR(owner(p, "/usr/bin/worker", 1), "");
	text("var/lib/rpm/x", "");
	snprintf(path, sizeof(path), "%s/var/lib/rpm/rpmdb.sqlite", root);
	make_db(path, false);
	CHECK_STR(owner(p, "/usr/bin/worker", 11 * NSEC_PER_SEC), "2:3.4-5.el9");
	CHECK_STR(owner(p, "/bin/other", 11 * NSEC_PER_SEC), "2:3.4-5.el9");
	CHECK_STR(owner(p, "/usr/bin/none", 11 * NSEC_PER_SEC), "");
	CHECK_STR(owner(p, "/opt/worker", 11 * NSEC_PER_SEC), "");
	CHECK_STR(owner(p, "", 11 * NSEC_PER_SEC), "");
	make_db(path, true);
	CHECK_STR(owner(p, "/usr/bin/worker", 22 * NSEC_PER_SEC), "7:3.4-5.el9");
	text("var/lib/rpm/rpmdb.sqlite", "no database");
	CHECK_STR(owner(p, "/usr/bin/worker", 33 * NSEC_PER_SEC), "");
	packages_free(p);
}

int main(void)
{
	proc_init();
	return tap_main();
}
