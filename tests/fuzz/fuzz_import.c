// SPDX-License-Identifier: GPL-2.0
/*
 * A history file from elsewhere, opened, read and imported. Input: changes to a
 * small good file (tests/unit/history-1.rph), each a letter, the row, a length (16
 * bits) and so many bytes. Blobs are packed and end in their checks, and the
 * file's sum is made anew: a fuzzer would not get past them. 'b' puts bytes
 * into the file itself, last of all. What is taken can be read and asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fuzz.h"
#include "store/hfile_int.h"
#include "store/pins.h"

#define BASE_FILE   "tests/unit/history-1.rph"
#define MAX_FILE    (256U << 10)
#define MAX_CHANGES 16

static char dir[] = "/tmp/fuzz_import.XXXXXX", path[64];
static char base[MAX_FILE];
static size_t base_len;
static struct store *store;

struct change {
	char kind;
	uint8_t row;
	const uint8_t *p;
	size_t len;
};

/* Neither is made by ringprof: views, triggers, columns that are made while they are read. */
static const char *const schemas[] = {
	"DROP TABLE win; CREATE VIEW win AS SELECT 1 id, 2 t0, 3 t1, 4 q0, 5 q1, x'00' head",
	"DROP TABLE seg; CREATE VIEW seg AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
	"SELECT x + 1 FROM c) SELECT x id, x'00' data FROM c",
	"CREATE TRIGGER t AFTER DELETE ON win BEGIN DELETE FROM seg; END",
	"DROP TABLE seg; CREATE TABLE seg(id INTEGER PRIMARY KEY, data AS (zeroblob(999999999)));"
	"INSERT INTO seg(id) VALUES(1)",
	"ALTER TABLE dat ADD COLUMN more AS (hex(zeroblob(400000000)))",
	"DROP TABLE dat; CREATE VIRTUAL TABLE dat USING fts4(id, data)",
	"CREATE INDEX i ON win(t1)",
	"DROP TABLE seg; CREATE TABLE seg(id, data)",
};

static void must(int good)
{
	if (!good)
		abort();
}

static void sql(sqlite3 *db, const char *text)
{
	must(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static size_t slurp(const char *name, char *room)
{
	FILE *f = fopen(name, "rb");
	size_t n;

	must(f != NULL);
	n = fread(room, 1, MAX_FILE, f);
	fclose(f);
	must(n < MAX_FILE);
	return n;
}

static void put_file(const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

/* ---- once ---- */

static void remove_dir(void)
{
	char cmd[64];

	store_free(store);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	must(!system(cmd));
}

static uint64_t now(void)
{
	return 20000 * 86400 * NSEC_PER_SEC;
}

static void name_nothing(void *arg, const struct model_object *o, uint64_t off,
			 struct sym_answer *ret, bool *has_vaddr, uint64_t *vaddr)
{
	*has_vaddr = false;
}

static void open_store(void)
{
	struct history_config c = { .dir = dir,
				    .host = "here",
				    .max_bytes = 1 << 30,
				    .max_age = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
				    .now = now,
				    .name = name_nothing };
	char err[256];

	store = store_new(
		&(struct store_config){ .max_age = 3600 * NSEC_PER_SEC, .max_bytes = 1 << 20 });
	must(store && !store_open_history(store, &c, err, sizeof(err)));
}

/* The committed file, as a pin, cut to what three of its windows need. */
static void make_base(void)
{
	sqlite3 *db;

	base_len = slurp(BASE_FILE, base);
	put_file(base, base_len);
	must(sqlite3_open(path, &db) == SQLITE_OK);
	sql(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;"
		"DELETE FROM win WHERE id>3; DELETE FROM dat WHERE id>3;"
		"DELETE FROM seg WHERE id>3; INSERT INTO meta VALUES('pin','x'); VACUUM");
	sqlite3_close(db);
	base_len = slurp(path, base);
}

/* ---- changes ---- */

static size_t cut(const uint8_t *p, size_t size, struct change c[MAX_CHANGES])
{
	size_t n = 0;

	for (; size >= 4 && n < MAX_CHANGES; n++) {
		size_t len = p[2] | (size_t)p[3] << 8;

		if (len > size - 4)
			len = size - 4;
		c[n] = (struct change){ (char)p[0], p[1], p + 4, len };
		p += 4 + len;
		size -= 4 + len;
	}
	return n;
}

static void put_check(struct buf *b)
{
	uint64_t h = XXH64(b->data ? b->data : "", b->len, 0);
	uint8_t c[2] = { (uint8_t)h, (uint8_t)(h >> 8) };

	buf_append(b, c, sizeof(c));
}

/* The blob that is meant: packed as it ought to be, or not ('S', 'D', 'H') at all. */
static void make_blob(const struct change *c, struct buf *ret)
{
	static ZSTD_CCtx *z;
	struct buf raw = { 0 };
	size_t third = c->len / 3;

	z = z ? z : ZSTD_createCCtx();
	if (c->kind == 's' || c->kind == 'i') {
		buf_append(&raw, c->p, c->len);
		code_pack(z, CODE_TEXTS, &raw, ret);
	} else if (c->kind == 'd') {
		for (size_t i = 0; i < 3; i++) {
			raw.len = 0;
			buf_append(&raw, c->p + i * third, third);
			code_pack(z, CODE_NUMBERS, &raw, ret);
		}
	} else {
		buf_append(ret, c->p, c->len);
	}
	if (c->kind == 'd' || c->kind == 'h')
		put_check(ret);
	buf_free(&raw);
}

static void put_blob(sqlite3 *db, const struct change *c, const char *text)
{
	struct buf b = { 0 };
	sqlite3_stmt *q;

	make_blob(c, &b);
	if (sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK) {
		if (c->kind == 'T')
			sqlite3_bind_text(q, 1, b.data ? b.data : "", (int)b.len, SQLITE_STATIC);
		else
			sqlite3_bind_blob(q, 1, b.data ? b.data : "", (int)b.len, SQLITE_STATIC);
		sqlite3_bind_int(q, 2, c->row);
		sqlite3_step(q);
	}
	sqlite3_finalize(q);
	buf_free(&b);
}

static void put_numbers(sqlite3 *db, const struct change *c)
{
	int64_t v[5] = { c->row };
	char text[256];

	memcpy(v, c->p, c->len < sizeof(v) ? c->len : sizeof(v));
	snprintf(text, sizeof(text), "UPDATE win SET t0=%lld,t1=%lld,q0=%lld,q1=%lld WHERE id=%u",
		 (long long)v[0], (long long)v[1], (long long)v[2], (long long)v[3], c->row);
	sqlite3_exec(db, text, NULL, NULL, NULL);
	snprintf(text, sizeof(text), "UPDATE win SET id=%lld WHERE id=%u", (long long)v[4], c->row);
	if (c->len > 32)
		sqlite3_exec(db, text, NULL, NULL, NULL);
}

static void put_meta(sqlite3 *db, const struct change *c)
{
	static const char *const texts[] = {
		"UPDATE meta SET value=CAST(?1 AS TEXT) WHERE key='pin'",
		"UPDATE meta SET value=CAST(?1 AS TEXT) WHERE key='host'",
		"UPDATE meta SET value=?1 WHERE key='pin'",
		"UPDATE meta SET value=?1 WHERE key='host'",
		"UPDATE meta SET value=CAST(?1 AS INTEGER) WHERE key='origin'",
		"INSERT INTO meta VALUES(CAST(?1 AS TEXT), ?1)",
		"UPDATE meta SET value=NULL WHERE key='pin'",
		"DELETE FROM meta WHERE key='host'",
	};

	put_blob(db, c, texts[c->row % ARRAY_SIZE(texts)]);
}

static void take_row(sqlite3 *db, const struct change *c)
{
	static const char *const tables[] = { "seg", "win", "dat" };
	char text[64];

	snprintf(text, sizeof(text), "DELETE FROM %s WHERE id=%u",
		 tables[c->len ? c->p[0] % ARRAY_SIZE(tables) : 0], c->row);
	sqlite3_exec(db, text, NULL, NULL, NULL);
}

/* 1: the file has tables that ringprof does not make */
static int change(sqlite3 *db, const struct change *c)
{
	switch (c->kind) {
	case 's':
	case 'S':
	case 'T':
		put_blob(db, c, "UPDATE seg SET data=?1 WHERE id=?2");
		break;
	case 'i':
		put_blob(db, c, "INSERT INTO seg(data) VALUES(?1)");
		break;
	case 'h':
	case 'H':
		put_blob(db, c, "UPDATE win SET head=?1 WHERE id=?2");
		break;
	case 'd':
	case 'D':
		put_blob(db, c, "UPDATE dat SET data=?1 WHERE id=?2");
		break;
	case 'n':
		put_numbers(db, c);
		break;
	case 'm':
		put_meta(db, c);
		break;
	case 'x':
		take_row(db, c);
		break;
	case 'q':
		return sqlite3_exec(db, schemas[c->row % ARRAY_SIZE(schemas)], NULL, NULL, NULL) ==
		       SQLITE_OK;
	default:
		break;
	}
	return 0;
}

/* As change(); -1: there is no such file. */
static int make_file(const struct change *c, size_t n)
{
	int foreign = 0;
	sqlite3 *db;

	put_file(base, base_len);
	must(sqlite3_open(path, &db) == SQLITE_OK);
	sql(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; BEGIN");
	for (size_t i = 0; i < n; i++)
		foreign |= change(db, &c[i]);
	sql(db, "COMMIT");
	sqlite3_close(db);
	/* its sum would take the gigabyte that such a file asks for */
	if (!foreign)
		pins_put_sum(path);
	return foreign;
}

static void put_bytes(const struct change *c)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0);
	if (c->len > 2)
		must(pwrite(fd, c->p + 2, c->len - 2, c->p[0] | c->p[1] << 8) ==
		     (ssize_t)c->len - 2);
	close(fd);
}

/* ---- what comes of it ---- */

static void see_window(const struct window *w)
{
	uint32_t counts[6];

	model_counts(w->model, counts);
	for (uint32_t i = 0; i < w->n_entries; i++)
		must(w->entries[i].thread < counts[5] && w->entries[i].stack < counts[2]);
}

static int see(void *arg, struct window *w)
{
	see_window(w);
	return 0;
}

static int see_series(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		      const struct model_series *labels, uint64_t samples, uint64_t weight)
{
	must(from < to && sampled && sampled <= to - from);
	return 0;
}

/* Whatever its sum says; every number is a look-up of its own. */
static int open_file(void)
{
	struct hfile *f;
	const char *why;
	int r = hfile_open(&f, path, &why);

	if (r)
		return r;
	for (size_t i = 0; i < f->n_rows && i < 64; i++) {
		struct raw_sample *samples = NULL;
		struct window *w = NULL;
		uint32_t n = 0;

		if (!hfile_window(f, &f->rows[i], NULL, false, &w))
			see_window(w);
		window_unref(w);
		w = NULL;
		if (!hfile_raw(f, &f->rows[i], &w, &samples, &n))
			for (uint32_t k = 0; k < n; k++)
				must(samples[k].entry < w->n_entries);
		window_unref(w);
		free(samples);
		hfile_series(f, &f->rows[i], NULL, see_series, NULL);
	}
	hfile_unref(f);
	return 0;
}

static int import_file(void)
{
	struct store_ask ask = { .to = INT64_MAX, .all_hosts = true };
	struct store_import *in;
	static char file[MAX_FILE];
	size_t n = slurp(path, file);
	char err[512] = "";
	uint64_t id;
	int r;

	must(!store_import_begin(store, n, &in, err, sizeof(err)));
	r = store_import_write(in, file, n, err, sizeof(err));
	if (r)
		store_import_drop(in);
	else
		r = store_import_end(in, &id, err, sizeof(err));
	/* who is refused is told why */
	must(!r || *err);
	if (r)
		return r;
	/* all of it was read before it was taken */
	must(!store_feed(store, &ask, see, NULL, NULL));
	must(!store_series(store, &ask, see_series, NULL));
	must(!store_unpin(store, id));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct change c[MAX_CHANGES];
	int foreign, r;
	size_t n;

	if (!store) {
		must(mkdtemp(dir) != NULL);
		snprintf(path, sizeof(path), "%s/file", dir);
		atexit(remove_dir);
		open_store();
		make_base();
	}
	n = cut(data, size, c);
	foreign = make_file(c, n);
	for (size_t i = 0; i < n; i++)
		if (c[i].kind == 'b')
			put_bytes(&c[i]);
	r = import_file();
	must(!foreign || r);
	r = open_file();
	must(!foreign || r);
	hfile_remove(path);
	return 0;
}
