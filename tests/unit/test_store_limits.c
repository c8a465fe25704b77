// SPDX-License-Identifier: GPL-2.0
/* What happens to the history when there is no room, or when its files are not what they should be. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "store/hfile_int.h"
#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define SMALL 1
#define FAT   300

static void tiers(struct store *s, struct tier_info ret[TIER_MAX])
{
	CHECK_EQ(store_tiers(s, ret, TIER_MAX), TIER_MAX);
}

TEST(the_budget_holds_at_every_moment)
{
	const uint64_t budget = 5 << 20;
	struct world_sums got;
	struct tier_info t[TIER_MAX];
	struct history_counters c;
	struct world_model m;
	struct store *s;
	uint64_t most = 0;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, budget);
	for (uint64_t i = 0; i < 350; i++) {
		struct window *w;

		/* a live model ends at its limit, too */
		if (i % 50 == 49) {
			model_unref(m.m);
			world_model(&m);
		}
		w = world_fat_window(&m, BASE + i * 10 * SEC, FAT);
		world_clock = BASE + (i + 1) * 10 * SEC;
		CHECK_EQ(store_add(s, w), 0);
		store_sync(s);
		if (world_dir_bytes() > most)
			most = world_dir_bytes();
	}
	CHECK(most <= budget);
	CHECK(most > budget / 2);
	history_counters(s, &c);
	CHECK(c.dropped_by_budget > 0);
	CHECK_EQ(c.windows_lost, 0);
	tiers(s, t);
	/* the finest goes first; what is guaranteed is there, but for a file that was cut */
	CHECK(t[TIER_10S].oldest > BASE);
	CHECK(t[TIER_10S].oldest >= t[TIER_10M].oldest);
	for (int i = TIER_10S; i <= TIER_10M; i++)
		CHECK(t[i].bytes + HISTORY_LEAST >= t[i].guaranteed);
	world_ask(s, BASE + 2400 * SEC, BASE + 3000 * SEC, 600 * SEC, &got, NULL);
	CHECK_EQ(got.samples, 60 * FAT);
	store_free(s);
	/* and after a restart */
	s = world_open(SMALL, budget);
	store_sync(s);
	CHECK(world_dir_bytes() <= budget);
	world_ask(s, BASE + 2400 * SEC, BASE + 3000 * SEC, 600 * SEC, &got, NULL);
	CHECK_EQ(got.samples, 60 * FAT);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(ages)
{
	struct tier_info t[TIER_MAX];
	struct history_counters c;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	for (uint64_t day = 0; day < 100; day++)
		world_fill(s, &m, BASE + day * DAY, BASE + day * DAY + 120 * SEC);
	tiers(s, t);
	/* a file goes when its last window is too old */
	CHECK_EQ(t[TIER_10S].oldest, BASE + 92 * DAY);
	CHECK_EQ(t[TIER_1M].oldest, BASE + 69 * DAY);
	CHECK_EQ(t[TIER_10M].oldest, BASE + 9 * DAY);
	CHECK_EQ(t[TIER_1H].oldest, BASE);
	history_counters(s, &c);
	CHECK_EQ(c.dropped_by_age, 92 + 69 + 9);
	CHECK_EQ(c.dropped_by_budget, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* ---- a disk that is full ---- */

static void limit_pages(struct store *s, const char *sql)
{
	/* the writer waits for windows now: its files are ours for a moment */
	for (int t = 0; t < HISTORY_TIERS; t++)
		if (s->history->roll.tiers[t].file)
			sqlite3_exec(s->history->roll.tiers[t].file->wdb, sql, NULL, NULL, NULL);
}

TEST(a_full_disk_costs_the_oldest)
{
	struct history_counters c;
	struct world_model m;
	struct world_sums got;
	struct store *s;
	unsigned int said = 0;
	char line[512];

	world_begin();
	world_model(&m);
	s = world_open(8 << 20, 1ULL << 30);
	for (uint64_t day = 0; day < 4; day++)
		world_fill(s, &m, BASE + day * DAY, BASE + day * DAY + 600 * SEC);
	CHECK(!history_message(s, line, sizeof(line)));
	limit_pages(s, "PRAGMA max_page_count=1");
	for (uint64_t i = 0; i < 20; i++) {
		world_clock = BASE + 3 * DAY + 610 * SEC + i * 10 * SEC;
		CHECK_EQ(store_add(s, world_fat_window(
					      &m, BASE + 3 * DAY + 600 * SEC + i * 10 * SEC, FAT)),
			 0);
		store_sync(s);
	}
	history_counters(s, &c);
	CHECK(c.dropped_by_full_disk > 0);
	CHECK(c.windows_lost > 0);
	CHECK_EQ(c.dropped_by_budget, 0);
	history_trouble(s, line, sizeof(line));
	CHECK(strstr(line, "was not written"));
	while (history_message(s, line, sizeof(line)))
		said += strstr(line, "no room left") != NULL;
	CHECK_EQ(said, 1);
	/* memory has what the disk could not take */
	world_ask(s, BASE + 3 * DAY + 600 * SEC, BASE + 3 * DAY + 800 * SEC, 0, &got, NULL);
	CHECK_EQ(got.samples, 20 * FAT);
	limit_pages(s, "PRAGMA max_page_count=1000000");
	history_counters(s, &c);
	world_fill(s, &m, BASE + 3 * DAY + 800 * SEC, BASE + 3 * DAY + 900 * SEC);
	{
		struct history_counters later;

		history_counters(s, &later);
		CHECK_EQ(later.windows_lost, c.windows_lost);
		CHECK(later.commits > c.commits);
	}
	history_trouble(s, line, sizeof(line));
	CHECK_STR(line, "");
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* ---- files ---- */

static void path_to(char *ret, size_t len, const char *name)
{
	snprintf(ret, len, "%s/%.100s", world_dir, name);
}

static bool there(const char *name)
{
	char path[256];

	path_to(path, sizeof(path), name);
	return !access(path, F_OK);
}

static void sql_on(const char *name, const char *sql)
{
	char path[256];
	sqlite3 *db;

	path_to(path, sizeof(path), name);
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void cut(const char *name, double part)
{
	char path[256];
	struct stat st;

	path_to(path, sizeof(path), name);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(truncate(path, (off_t)((double)st.st_size * part)), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	path_to(path, sizeof(path), name);
	f = fopen(path, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

/* The name of the finest tier's file of that day since BASE. */
static void file_name(char ret[64], uint64_t day)
{
	time_t t = (time_t)((BASE + day * DAY) / SEC);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, 64, "10s-%Y%m%d-0.rph", &tm);
}

TEST(damaged_files_are_set_aside_and_the_rest_serves)
{
	struct history_counters c;
	struct world_model m;
	struct world_sums got, truth;
	struct store *s;
	char names[8][64], refused[80], line[512];

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	for (uint64_t day = 0; day < 8; day++) {
		world_fill(s, &m, BASE + day * DAY, BASE + day * DAY + 600 * SEC);
		file_name(names[day], day);
	}
	store_free(s);
	write_file(names[0], "this is no database");
	cut(names[1], 0.6);
	sql_on(names[2], "PRAGMA user_version=3");
	sql_on(names[3], "PRAGMA application_id=1");
	sql_on(names[4], "DROP TABLE win");
	sql_on(names[5], "UPDATE win SET t1=t0");
	write_file("10s-20240101-0.rph", "");
	world_clock = BASE + 7 * DAY + 600 * SEC;
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	history_counters(s, &c);
	CHECK_EQ(c.refused, 7);
	for (int i = 0; i < 8; i++) {
		snprintf(refused, sizeof(refused), "%.63s.refused", names[i]);
		CHECK_EQ(there(refused), i < 6);
		CHECK_EQ(there(names[i]), i >= 6);
	}
	for (int i = 0; i < 7; i++) {
		CHECK(history_message(s, line, sizeof(line)));
		CHECK(strstr(line, ".refused"));
	}
	CHECK(!history_message(s, line, sizeof(line)));
	/* coarser tiers stand in for the days that are gone */
	for (uint64_t day = 0; day < 8; day++) {
		world_truth(&m, BASE + day * DAY, BASE + day * DAY + 600 * SEC, &truth);
		world_ask(s, BASE + day * DAY, BASE + day * DAY + 600 * SEC, 10 * SEC, &got, NULL);
		CHECK_EQ(got.samples, truth.samples);
		CHECK_EQ(got.longest, day < 6 ? 60 * SEC : 10 * SEC);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* Files cannot grow for now: the log of a killed daemon cannot be folded in. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit l = { .rlim_max = RLIM_INFINITY, .rlim_cur = bytes };

	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
}

TEST(a_disk_that_fails_at_the_start_costs_nothing)
{
	struct world_sums got, truth;
	struct history_counters c;
	struct world_model m;
	struct store *s;
	char cmd[256], line[512];

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	/* as a killed daemon leaves it */
	snprintf(cmd, sizeof(cmd), "cd %s && mkdir left && cp *.rph* left", world_dir);
	CHECK_EQ(system(cmd), 0);
	store_free(s);
	snprintf(cmd, sizeof(cmd), "cd %s && mv left/* . && rmdir left", world_dir);
	CHECK_EQ(system(cmd), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(1024);
	s = world_open(SMALL, 1ULL << 30);
	limit_file_size(RLIM_INFINITY);
	store_sync(s);
	history_counters(s, &c);
	CHECK_EQ(c.refused, 0);
	CHECK(history_message(s, line, sizeof(line)));
	CHECK(strstr(line, "until the next start") && !strstr(line, ".refused"));
	/* it counts; a name beside it is written on */
	CHECK(c.bytes >= s->history->left && s->history->left > 10000);
	world_fill(s, &m, BASE + 600 * SEC, BASE + 660 * SEC);
	store_free(s);
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	CHECK_EQ(s->history->left, 0);
	world_truth(&m, BASE, BASE + 660 * SEC, &truth);
	world_ask(s, BASE, BASE + 660 * SEC, 10 * SEC, &got, NULL);
	world_same(&got, &truth);
	CHECK_EQ(got.longest, 10 * SEC);
	/* no ten has the number of one that was left out */
	world_ask(s, BASE, BASE + 655 * SEC, 0, &got, NULL);
	world_same(&got, &truth);
	CHECK_EQ(got.longest, 600 * SEC);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(damage_inside_is_found_when_it_is_read)
{
	static const char *const damage[] = {
		"UPDATE dat SET data=zeroblob(length(data)) WHERE id=30",
		"UPDATE dat SET data=substr(data,1,length(data)-1) WHERE id=30",
		"DELETE FROM dat WHERE id=30",
		"UPDATE win SET head=zeroblob(length(head)) WHERE id=30",
		"UPDATE seg SET data=zeroblob(length(data)) WHERE id=1",
		"DELETE FROM seg WHERE id=1",
		"INSERT INTO seg SELECT 1000, data FROM seg WHERE id=1",
	};
	struct store_ask ask = { .to = UINT64_MAX, .step = 10 * SEC };
	struct history_counters c;
	struct world_model m;
	struct store *s;
	char name[64], refused[80];

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct world_sums got = { 0 };
		struct store_used used;

		world_begin();
		world_model(&m);
		s = world_open(SMALL, 1ULL << 30);
		world_fill(s, &m, BASE, BASE + 600 * SEC);
		world_fill(s, &m, BASE + DAY, BASE + DAY + 600 * SEC);
		store_free(s);
		file_name(name, 0);
		sql_on(name, damage[i]);
		s = world_open(SMALL, 1ULL << 30);
		store_sync(s);
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, &used), 0);
		CHECK_EQ(used.files_refused, 1);
		/* from now on coarser windows answer for that day: whole */
		memset(&got, 0, sizeof(got));
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, &used), 0);
		CHECK_EQ(used.files_refused, 0);
		CHECK_EQ(got.duration, 1200 * SEC);
		/* and the writer sets it aside */
		world_fill(s, &m, BASE + DAY + 600 * SEC, BASE + DAY + 660 * SEC);
		history_counters(s, &c);
		CHECK_EQ(c.refused, 1);
		snprintf(refused, sizeof(refused), "%.63s.refused", name);
		CHECK(there(refused));
		store_free(s);
		model_unref(m.m);
		world_end();
	}
}

TEST(a_file_that_cannot_be_read_for_now_stays)
{
	struct world_sums got, truth;
	struct history_counters c;
	struct store_used used;
	struct world_model m;
	char name[64], path[256], away[256], line[512];
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	world_fill(s, &m, BASE + DAY, BASE + DAY + 600 * SEC);
	store_free(s);
	file_name(name, 0);
	path_to(path, sizeof(path), name);
	path_to(away, sizeof(away), "away");
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	CHECK_EQ(rename(path, away), 0);
	world_ask(s, BASE, BASE + 2 * DAY, 10 * SEC, &got, &used);
	CHECK_EQ(used.files_refused, 1);
	CHECK_EQ(got.duration, 600 * SEC);
	CHECK(history_message(s, line, sizeof(line)) && strstr(line, "cannot be read"));
	CHECK_EQ(rename(away, path), 0);
	/* the writer looks for what is to go */
	world_fill(s, &m, BASE + DAY + 600 * SEC, BASE + DAY + 660 * SEC);
	world_ask(s, BASE, BASE + 600 * SEC, 10 * SEC, &got, &used);
	world_truth(&m, BASE, BASE + 600 * SEC, &truth);
	world_same(&got, &truth);
	CHECK_EQ(used.files_refused, 0);
	CHECK_EQ(got.longest, 10 * SEC);
	history_counters(s, &c);
	CHECK_EQ(c.refused, 0);
	CHECK(!history_message(s, line, sizeof(line)));
	CHECK_EQ(hfile_errno(SQLITE_IOERR_NOMEM), -ENOMEM);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(a_directory_that_cannot_be_used_leaves_memory)
{
	struct store *s =
		store_new(&(struct store_config){ .max_age = 3600 * SEC, .max_bytes = 1 << 20 });
	struct history_config c = world_config(1 << 30);
	struct world_model m;
	struct world_sums got;
	char err[256] = "";

	world_model(&m);
	c.dir = "/dev/null/history";
	CHECK(store_open_history(s, &c, err, sizeof(err)) < 0);
	CHECK(strstr(err, "/dev/null/history"));
	CHECK_EQ(store_add(s, world_window(&m, BASE, 10 * SEC)), 0);
	world_ask(s, 0, UINT64_MAX, 0, &got, NULL);
	CHECK_EQ(got.windows, 1);
	store_free(s);
	model_unref(m.m);
}

int main(void)
{
	return tap_main();
}
