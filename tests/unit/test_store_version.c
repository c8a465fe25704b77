// SPDX-License-Identifier: GPL-2.0
/*
 * history-1.rph: a file of the finest tier as the first version of ringprof wrote
 * it, of the windows that world_fill makes of FIRST.
 */
#include <errno.h>
#include <sqlite3.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define FIRST  300 * SEC
#define NAME   "10s-20241004-0.rph" /* BASE's day */
#define ORIGIN "3329b83c1a809e43\n"

static void lay_out(void)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "cp tests/unit/history-1.rph %s/" NAME " && printf '" ORIGIN "' >%s/id", world_dir,
		 world_dir);
	if (system(cmd))
		TAP_FAIL("run from the top of the tree: %s", cmd);
}

static int64_t version(void)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t v = -1;

	snprintf(path, sizeof(path), "%s/" NAME, world_dir);
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL), SQLITE_OK);
	if (sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}

static void same(struct store *s, struct world_model *m, uint64_t to)
{
	struct world_sums got, truth;

	world_truth(m, BASE, to, &truth);
	world_ask(s, BASE, to, 10 * SEC, &got, NULL);
	world_same(&got, &truth);
}

TEST(what_the_first_version_wrote_is_read_and_written_on)
{
	struct history_counters c;
	struct world_model m;
	struct store *s;

	world_begin();
	lay_out();
	CHECK_EQ(version(), 1);
	world_model(&m);
	world_clock = BASE + FIRST;
	s = world_open(1, 1ULL << 30);
	CHECK(history_counters(s, &c));
	CHECK_EQ(c.refused, 0);
	same(s, &m, BASE + FIRST);
	/* read alone it stays what it is: who goes back to that version loses nothing */
	store_free(s);
	CHECK_EQ(version(), 1);
	s = world_open(1, 1ULL << 30);
	world_fill(s, &m, BASE + FIRST, BASE + 2 * FIRST);
	same(s, &m, BASE + 2 * FIRST);
	store_free(s);
	/* windows of both are in it now: that version must not take it for its own */
	CHECK_EQ(version(), 2);
	s = world_open(1, 1ULL << 30);
	same(s, &m, BASE + 2 * FIRST);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(a_pin_of_it_holds_the_same)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "";
	struct store *s;
	uint64_t id;

	world_begin();
	lay_out();
	world_model(&m);
	world_clock = BASE + FIRST;
	s = world_open(1, 1ULL << 30);
	CHECK_EQ(store_pin(s, BASE, BASE + FIRST, "old", &id, err, sizeof(err)), 0);
	/* long after, the pin is all that is left */
	world_fill(s, &m, BASE + 730 * DAY, BASE + 730 * DAY + 20 * SEC);
	world_truth(&m, BASE, BASE + FIRST, &truth);
	world_ask(s, BASE, BASE + DAY, 0, &got, NULL);
	world_same(&got, &truth);
	store_free(s);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
