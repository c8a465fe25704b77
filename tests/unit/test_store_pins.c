// SPDX-License-Identifier: GPL-2.0
/* Ranges that stay, and that travel. */
#include "query/feed.h"
#include "store/code.h"
#include "store/varint.h"
#include "test_store_pins.h"

TEST(a_pinned_range_stays)
{
	struct world_sums got, truth;
	struct store_used used;
	struct world_model m;
	char err[256] = "";
	struct store *s;
	uint64_t id;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 1200 * SEC);
	CHECK_EQ(store_pin(s, BASE + 60 * SEC, BASE + 360 * SEC, "incident", &id, err, sizeof(err)),
		 0);
	CHECK_EQ(pins(s).id, 1);
	CHECK_EQ(pins(s).from, BASE + 60 * SEC);
	CHECK_EQ(pins(s).to, BASE + 360 * SEC);
	/* none twice while all is there */
	world_truth(&m, BASE, BASE + 1200 * SEC, &truth);
	world_ask(s, BASE, BASE + 1200 * SEC, 10 * SEC, &got, &used);
	world_same(&got, &truth);
	/* two years later only the pin is left, in full detail */
	world_fill(s, &m, BASE + 730 * DAY, BASE + 730 * DAY + 20 * SEC);
	world_truth(&m, BASE + 60 * SEC, BASE + 360 * SEC, &truth);
	world_ask(s, BASE, BASE + DAY, 0, &got, &used);
	world_same(&got, &truth);
	CHECK_EQ(got.longest, 10 * SEC);
	store_free(s);
	s = world_open(SMALL, 1ULL << 30);
	world_ask(s, BASE, BASE + DAY, 0, &got, &used);
	world_same(&got, &truth);
	CHECK_EQ(store_unpin(s, id + 1), -ENOENT);
	CHECK_EQ(store_unpin(s, id), 0);
	CHECK_EQ(pins(s).id, 0);
	world_ask(s, BASE, BASE + DAY, 0, &got, &used);
	CHECK_EQ(got.windows, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* Standard errors come of stretches of the range: of a pin alone, too. */
TEST(a_pin_without_tiers_has_an_extent)
{
	struct query_input in = { .from = BASE + 90 * SEC, .to = BASE + DAY };
	struct query_env env = { 0 };
	struct world_model m;
	uint64_t id, from, to;
	char err[256] = "";
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	env.store = s;
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	CHECK_EQ(store_pin(s, BASE + 60 * SEC, BASE + 360 * SEC, "x", &id, err, sizeof(err)), 0);
	world_fill(s, &m, BASE + 730 * DAY, BASE + 730 * DAY + 20 * SEC);
	CHECK(query_extent(&env, &in, NULL, &from, &to));
	CHECK_EQ(from, BASE + 90 * SEC);
	CHECK_EQ(to, BASE + 360 * SEC);
	in = (struct query_input){ .from = BASE + 600 * SEC, .to = BASE + DAY };
	CHECK(!query_extent(&env, &in, NULL, &from, &to));
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(refusals_say_why)
{
	struct world_model m;
	char err[512] = "", figure[32];
	struct store *s;
	uint64_t id;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 4 << 20);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	CHECK_EQ(store_pin(s, 5, 5, "x", &id, err, sizeof(err)), -EINVAL);
	CHECK_EQ(store_pin(s, 5, 10, "x", &id, err, sizeof(err)), -ENODATA);
	CHECK(strstr(err, "nothing was recorded"));
	/* a pin of that takes some 20 kB */
	for (int i = 0;
	     i < 200 && !store_pin(s, BASE, BASE + 600 * SEC, "x", &id, err, sizeof(err)); i++)
		;
	CHECK_EQ(store_pin(s, BASE, BASE + 600 * SEC, "x", &id, err, sizeof(err)), -ENOSPC);
	snprintf(figure, sizeof(figure), "%d bytes", 2 << 20);
	CHECK(strstr(err, figure));
	CHECK(pins(s).id >= 1);
	CHECK(s->history->reserved == 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* Power fails: what was written last is in the pin alone. */
TEST(numbers_of_a_pin_are_not_given_again)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "", cmd[128];
	struct store *s;
	uint64_t id;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	CHECK_EQ(store_pin(s, BASE, BASE + 300 * SEC, "incident", &id, err, sizeof(err)), 0);
	store_free(s);
	snprintf(cmd, sizeof(cmd), "rm %s/1*.rph", world_dir);
	CHECK_EQ(system(cmd), 0);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE + 300 * SEC, BASE + 600 * SEC);
	world_truth(&m, BASE, BASE + 600 * SEC, &truth);
	world_ask(s, BASE, BASE + 600 * SEC, 10 * SEC, &got, NULL);
	world_same(&got, &truth);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(exports_come_in_elsewhere)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "";
	struct store_import *in;
	struct store_file *f;
	struct store *s;
	unsigned int before;
	uint64_t id;
	size_t n;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	CHECK_EQ(store_export(s, BASE, BASE + 300 * SEC, &f, err, sizeof(err)), 0);
	CHECK(s->history->reserved > 0); /* it is on the disk as long as it is open */
	n = read_file(f);
	CHECK_EQ(s->history->reserved, 0);
	CHECK_EQ(pins(s).id, 0);
	store_free(s);
	world_end();
	/* another host, which recorded at that time, too */
	world_begin();
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 100 * SEC);
	CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), 0);
	CHECK_STR(pins(s).name, "other");
	world_truth(&m, BASE, BASE + 300 * SEC, &truth);
	memset(&got, 0, sizeof(got));
	CHECK_EQ(store_feed(s,
			    &(struct store_ask){
				    .to = UINT64_MAX, .step = 10 * SEC, .all_hosts = true },
			    world_sum, &got, NULL),
		 0);
	{
		struct world_sums own;

		world_truth(&m, BASE, BASE + 100 * SEC, &own);
		CHECK_EQ(got.samples, truth.samples + own.samples);
	}
	/* what is cut, and what is something else */
	before = files_in(s->history->dir);
	CHECK_EQ(import(s, file, 0, &id, err, sizeof(err)), -EBADMSG);
	CHECK_EQ(import(s, "hello", 5, &id, err, sizeof(err)), -EBADMSG);
	CHECK(strstr(err, "damaged"));
	CHECK_EQ(import(s, file, n / 2, &id, err, sizeof(err)), -EBADMSG);
	memset(file + n / 2, 0x55, n / 4);
	CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), -EBADMSG);
	/* what is no such file at all makes no room for itself */
	CHECK_EQ(store_import_begin(s, 0, &in, err, sizeof(err)), 0);
	CHECK_EQ(store_import_write(in, "SQLite format 3", 16, err, sizeof(err)), 0);
	CHECK_EQ(store_import_write(in, file + n / 2, 100, err, sizeof(err)), -EBADMSG);
	store_import_drop(in);
	CHECK_EQ(pins(s).id, 1);
	CHECK_EQ(files_in(s->history->dir), before);
	CHECK_EQ(s->history->reserved, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* One bit, anywhere: what comes in is what went out, or nothing does. */
TEST(a_changed_file_is_not_taken)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "";
	struct store_file *f;
	struct store *s;
	unsigned int taken = 0;
	uint64_t id;
	size_t n;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	CHECK_EQ(store_export(s, BASE, BASE + 300 * SEC, &f, err, sizeof(err)), 0);
	n = read_file(f);
	store_free(s);
	world_end();
	world_truth(&m, BASE, BASE + 300 * SEC, &truth);
	world_begin();
	world_all_hosts = true;
	s = world_open(SMALL, 1ULL << 30);
	for (size_t i = 0; i < 400; i++) {
		size_t at = n * i / 400 + i % 7;

		file[at] ^= (char)(1 << i % 8);
		if (!import(s, file, n, &id, err, sizeof(err))) {
			taken++;
			world_ask(s, BASE, BASE + 300 * SEC, 10 * SEC, &got, NULL);
			world_same(&got, &truth);
			CHECK_EQ(store_unpin(s, id), 0);
		}
		file[at] ^= (char)(1 << i % 8);
	}
	printf("# %u of 400 changes were where nothing stands\n", taken);
	world_all_hosts = false;
	CHECK(taken < 300);
	CHECK_EQ(pins(s).id, 0);
	CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(a_pin_goes_as_it_is)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "";
	struct store_import *in;
	struct store_file *f;
	struct store *s;
	uint64_t id, other;
	size_t n;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	CHECK_EQ(store_pin(s, BASE, BASE + 60 * SEC, "incident", &id, err, sizeof(err)), 0);
	CHECK_EQ(store_export_pin(s, id + 1, &f, err, sizeof(err)), -ENOENT);
	CHECK_EQ(store_export_pin(s, id, &f, err, sizeof(err)), 0);
	n = read_file(f);
	/* it was there already: nothing is counted twice, and it can be let go and come again */
	CHECK_EQ(import(s, file, n, &other, err, sizeof(err)), 0);
	world_truth(&m, BASE, BASE + 600 * SEC, &truth);
	world_ask(s, BASE, BASE + 600 * SEC, 10 * SEC, &got, NULL);
	world_same(&got, &truth);
	CHECK_EQ(store_unpin(s, id), 0);
	CHECK_EQ(store_unpin(s, other), 0);
	CHECK_EQ(import(s, file, n, &id, err, sizeof(err)), 0);
	CHECK_EQ(pins(s).to, BASE + 60 * SEC);
	CHECK_EQ(store_import_begin(s, 600 << 20, &in, err, sizeof(err)), -ENOSPC);
	CHECK(strstr(err, "this one needs 629145600"));
	CHECK_EQ(s->history->reserved, 0);
	/* more than pins may hold is refused while it comes, and leaves nothing */
	CHECK_EQ(store_import_begin(s, 0, &in, err, sizeof(err)), 0);
	store_limit_history(s, &(struct history_config){ .max_bytes = 1 << 20,
							 .max_age = { DAY, DAY, DAY, DAY } });
	CHECK_EQ(store_import_write(in, file, FILE_ROOM, err, sizeof(err)), -ENOSPC);
	CHECK(strstr(err, "524288 bytes, half of history-size"));
	store_import_drop(in);
	CHECK_EQ(s->history->reserved, 0);
	/* and so is what pins may not hold any more when all of it is there */
	store_limit_history(s, &(struct history_config){ .max_bytes = 64 << 20 });
	CHECK_EQ(store_import_begin(s, 0, &in, err, sizeof(err)), 0);
	CHECK_EQ(store_import_write(in, file, n, err, sizeof(err)), 0);
	store_limit_history(s, &(struct history_config){ .max_bytes = 4096 });
	CHECK_EQ(store_import_end(in, &id, err, sizeof(err)), -ENOSPC);
	CHECK_EQ(s->history->reserved, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
