// SPDX-License-Identifier: GPL-2.0
/* Ranges that stay, and that travel. */
#include <errno.h>
#include <fcntl.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define SMALL 1

static int count_pins(void *arg, const struct store_pin *p)
{
	struct store_pin *first = arg;

	if (!first->id++)
		*first = (struct store_pin){ .id = 1,
					     .from = p->from,
					     .to = p->to,
					     .bytes = p->bytes,
					     .name = *p->origin ? "other" : "own" };
	return 0;
}

static struct store_pin pins(struct store *s)
{
	struct store_pin p = { 0 };

	CHECK_EQ(store_pins(s, count_pins, &p), 0);
	return p; /* id: how many */
}

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

static int temp_fd(void)
{
	char path[] = "/tmp/test_store_fd.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	unlink(path);
	return fd;
}

TEST(exports_come_in_elsewhere)
{
	struct world_sums got, truth;
	struct world_model m;
	char err[256] = "";
	struct store *s;
	uint64_t id;
	int fd, bad;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	fd = temp_fd();
	CHECK_EQ(store_export(s, BASE, BASE + 300 * SEC, fd, err, sizeof(err)), 0);
	CHECK_EQ(pins(s).id, 0);
	store_free(s);
	world_end();
	/* another host, which recorded at that time, too */
	world_begin();
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 100 * SEC);
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(store_import(s, fd, &id, err, sizeof(err)), 0);
	CHECK_STR(pins(s).name, "other");
	world_truth(&m, BASE, BASE + 300 * SEC, &truth);
	memset(&got, 0, sizeof(got));
	CHECK_EQ(store_feed(s, &(struct store_ask){ .to = UINT64_MAX, .step = 10 * SEC }, world_sum,
			    &got, NULL),
		 0);
	{
		struct world_sums own;

		world_truth(&m, BASE, BASE + 100 * SEC, &own);
		CHECK_EQ(got.samples, truth.samples + own.samples);
	}
	/* what is cut, and what is something else */
	bad = temp_fd();
	CHECK_EQ(store_import(s, bad, &id, err, sizeof(err)), -EBADMSG);
	CHECK_EQ(write(bad, "hello", 5), 5);
	lseek(bad, 0, SEEK_SET);
	CHECK_EQ(store_import(s, bad, &id, err, sizeof(err)), -EBADMSG);
	CHECK(strstr(err, "damaged"));
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(ftruncate(fd, lseek(fd, 0, SEEK_END) / 2), 0);
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(store_import(s, fd, &id, err, sizeof(err)), -EBADMSG);
	CHECK_EQ(pins(s).id, 1);
	close(bad);
	close(fd);
	store_free(s);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
