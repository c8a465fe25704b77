// SPDX-License-Identifier: GPL-2.0
/* Pins, exports and imports on bad days: killed, cut short, made to do harm. */
#include "query/feed.h"
#include "store/code_int.h"
#include "store/hfile_int.h"
#include "store/pins.h"
#include "store/varint.h"
#include "test_store_pins.h"

/* A copy of the log of the finest tier, beside a file of that name. */
static void leave_log(const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp %s/10s-*-0.rph-wal %s/%s-wal", world_dir, world_dir, name);
	CHECK_EQ(system(cmd), 0);
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%.64s", world_dir, name);
	return !access(path, F_OK);
}

/* SQLite plays any log that lies beside a file into it. */
TEST(what_a_killed_pin_left_is_in_no_other)
{
	static const char *const left[] = { "pin-9.tmp", "pin-9.tmp-wal", "pin-9.tmp-shm",
					    "pin-9.tmp.new", "pin-8.tmp-journal" };
	char err[256] = "", path[256];
	struct world_model m;
	struct store_file *f;
	struct store *s;
	uint64_t id;
	size_t n;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	leave_log("pin-1.tmp");
	leave_log("pin-1.rph");
	CHECK_EQ(store_pin(s, BASE, BASE + 60 * SEC, "incident", &id, err, sizeof(err)), 0);
	CHECK_EQ(pins(s).to, BASE + 60 * SEC);
	CHECK_EQ(store_export_pin(s, id, &f, err, sizeof(err)), 0);
	n = read_file(f);
	CHECK_EQ(store_unpin(s, id), 0);
	leave_log("pin-2.tmp");
	leave_log("pin-2.rph");
	CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), 0);
	CHECK_EQ(pins(s).to, BASE + 60 * SEC);
	store_free(s);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s", world_dir, left[i]);
		out = fopen(path, "w");
		CHECK(out);
		fclose(out);
	}
	s = world_open(SMALL, 1ULL << 30);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		CHECK(!is_there(left[i]));
	CHECK_EQ(pins(s).id, 1);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* The export with segments of n empty texts each behind its own; its size. */
static size_t add_segments(size_t size, int segments, uint32_t n)
{
	struct buf raw = { 0 }, packed = { 0 };
	ZSTD_CCtx *z = ZSTD_createCCtx();
	char path[256];
	sqlite3_stmt *q;
	sqlite3 *db;
	FILE *f;

	put_varint(&raw, n);
	/* their lengths, and none of anything else */
	CHECK_EQ(buf_reserve(&raw, n + 64), 0);
	memset(raw.data + raw.len, 0, n + 6);
	raw.len += n + 6;
	CHECK_EQ(code_pack(z, CODE_TEXTS, &raw, &packed), 0);
	snprintf(path, sizeof(path), "%s/bomb", world_dir);
	f = fopen(path, "w");
	CHECK(f && fwrite(file, 1, size, f) == size && !fclose(f));
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_prepare_v2(db, "INSERT INTO seg(data) VALUES(?1)", -1, &q, NULL), 0);
	for (int i = 0; i < segments; i++) {
		sqlite3_bind_blob64(q, 1, packed.data, packed.len, SQLITE_STATIC);
		CHECK_EQ(sqlite3_step(q), SQLITE_DONE);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	CHECK_EQ(sqlite3_exec(db, "DELETE FROM meta WHERE key='sum'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	CHECK_EQ(pins_put_sum(path), 0);
	f = fopen(path, "r");
	size = fread(file, 1, FILE_ROOM, f);
	fclose(f);
	CHECK(size < 300000);
	ZSTD_freeCCtx(z);
	buf_free(&raw);
	buf_free(&packed);
	return size;
}

/* Texts cost eight bytes of memory each, one of a segment, and next to nothing packed. */
TEST(a_small_file_takes_no_gigabyte)
{
	static const struct {
		int segments;
		uint32_t texts;
		int result;
	} tries[] = { { 2, 4 << 20, 0 }, { 1, 17 << 20, -EBADMSG }, { 4, 15 << 20, -EBADMSG } };
	char err[256] = "";
	struct world_model m;
	struct store_file *f;
	struct store *s;
	uint64_t id;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		size_t n;

		CHECK_EQ(store_export(s, BASE, BASE + 60 * SEC, &f, err, sizeof(err)), 0);
		n = add_segments(read_file(f), tries[i].segments, tries[i].texts);
		CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), tries[i].result);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* A row of a gigabyte would be read whole before it is known to be none of ours. */
TEST(a_row_has_a_limit)
{
	char path[256];
	sqlite3 *db;

	world_begin();
	snprintf(path, sizeof(path), "%s/rows", world_dir);
	CHECK_EQ(hfile_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db), 0);
	CHECK_EQ(hfile_sql(db, "SELECT zeroblob(100000000)"), 0);
	CHECK_EQ(hfile_sql(db, "SELECT zeroblob(200000000)"), -EBADMSG);
	sqlite3_close(db);
	world_end();
}

/* The export, with a head of its first window that tells of so many entries; its size. */
static size_t claim_entries(size_t size, uint32_t entries)
{
	struct code_series one = { .entries = entries, .samples = entries };
	struct code_head head = { .covered = 10 * SEC, .period = 1, .n_series = 1, .series = &one };
	struct buf raw = { 0 };
	char path[256];
	sqlite3_stmt *q;
	sqlite3 *db;
	FILE *f;

	code_put_head(&head, &raw);
	snprintf(path, sizeof(path), "%s/claim", world_dir);
	f = fopen(path, "w");
	CHECK(f && fwrite(file, 1, size, f) == size && !fclose(f));
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_prepare_v2(db, "UPDATE win SET head=?1 WHERE id=1", -1, &q, NULL), 0);
	sqlite3_bind_blob64(q, 1, raw.data, raw.len, SQLITE_STATIC);
	CHECK_EQ(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	CHECK_EQ(sqlite3_exec(db, "DELETE FROM meta WHERE key='sum'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	CHECK_EQ(pins_put_sum(path), 0);
	f = fopen(path, "r");
	size = fread(file, 1, FILE_ROOM, f);
	fclose(f);
	buf_free(&raw);
	return size;
}

TEST(a_window_that_is_too_large_is_refused_with_the_figure)
{
	char err[256] = "";
	struct world_model m;
	struct store_file *f;
	struct store *s;
	uint64_t id;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	CHECK_EQ(store_export(s, BASE, BASE + 60 * SEC, &f, err, sizeof(err)), 0);
	CHECK_EQ(import(s, file, claim_entries(read_file(f), 30 << 20), &id, err, sizeof(err)),
		 -EBADMSG);
	CHECK(strstr(err, "31457280 entries, 720 MiB of memory; 5242880 at most"));
	/* one that would be taken, but is not there */
	CHECK_EQ(store_export(s, BASE, BASE + 60 * SEC, &f, err, sizeof(err)), 0);
	CHECK_EQ(import(s, file, claim_entries(read_file(f), 5 << 20), &id, err, sizeof(err)),
		 -EBADMSG);
	CHECK(strstr(err, "damaged"));
	CHECK_EQ(pins(s).id, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

static sqlite3 *reader; /* of the file that is made */

static void name_and_read(void *arg, const struct model_object *o, uint64_t off,
			  struct sym_answer *ret, bool *has_vaddr, uint64_t *vaddr)
{
	char path[256];

	world_name(arg, o, off, ret, has_vaddr, vaddr);
	snprintf(path, sizeof(path), "%s/pin-1.tmp", world_dir);
	if (!reader && !access(path, F_OK)) {
		CHECK_EQ(sqlite3_open(path, &reader), SQLITE_OK);
		CHECK_EQ(sqlite3_exec(reader, "BEGIN; SELECT * FROM win", NULL, NULL, NULL), 0);
	}
}

/* While another one reads it SQLite cannot fold a log in: the export would be an empty file. */
TEST(an_export_that_cannot_be_closed_is_none)
{
	struct world_model m;
	struct store_file *f;
	char err[256] = "";
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(64 << 20, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 60 * SEC);
	s->history->cfg.name = name_and_read;
	CHECK_EQ(store_export(s, BASE, BASE + 60 * SEC, &f, err, sizeof(err)), -EIO);
	CHECK(reader);
	sqlite3_close(reader);
	CHECK(!is_there("pin-1.tmp") && !is_there("pin-1.tmp-wal"));
	CHECK_EQ(s->history->reserved, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
