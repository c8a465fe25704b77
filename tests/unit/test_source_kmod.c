// SPDX-License-Identifier: GPL-2.0
/*
 * The reader of a module ring without the module: a file in memory stands for
 * the device, laid out as its mmap offsets are.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/kmod_ring.h"
#include "source/kmod_settings.h"
#include "source/kmod_stats.h"
#include "tap.h"

#define SIZE  16384U
#define NODES 4096U
#define HEAD  RINGPROF_MMAP_HEAD_OF(0)

static int fd = -1;
static struct ringprof_ring_head *head; /* as the module sees it */
static struct ringprof_ring_tail *tail;
static unsigned char *data;
static struct source src;
static struct kmod_ring ring;
static char err[512];
static unsigned int taken;

static void *map_file(size_t len, off_t at)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);

	CHECK(p != MAP_FAILED);
	return p;
}

static void device_close(void)
{
	if (fd < 0)
		return;
	kmod_ring_free(&ring);
	chains_free(src.chains);
	merge_free(&src.merge);
	munmap(tail, 4096);
	munmap(head, 4096 + 2 * SIZE);
	close(fd);
	fd = -1;
}

static void device_new(void)
{
	device_close();
	fd = memfd_create("ringprof", MFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, HEAD + 4096 + 2 * SIZE), 0);
	tail = map_file(4096, RINGPROF_MMAP_TAIL_OF(0));
	head = map_file(4096 + 2 * SIZE, HEAD);
	data = (unsigned char *)head + 4096;
	*head = (struct ringprof_ring_head){
		.magic = RINGPROF_MAGIC,
		.abi_major = RINGPROF_ABI_MAJOR,
		.header_size = sizeof(*head),
		.clock = CLOCK_MONOTONIC,
		.data_size = SIZE,
		.outcomes = RINGPROF_OUT_MAX + 1,
		.attach_epoch = 1,
	};
	src = (struct source){ .chains = chains_new(1 << 20), .max_time = mono_now() * 2 };
	CHECK(src.chains);
	kmod_ring_init(&ring, &src, 0);
	taken = 0;
}

static int map_ring(void)
{
	return kmod_ring_map(&ring, fd, false, NODES, err, sizeof(err));
}

static void put(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		data[(head->head + i) % SIZE] = ((const unsigned char *)p)[i];
		data[(head->head + i) % SIZE + SIZE] = ((const unsigned char *)p)[i];
	}
	head->head += n;
}

static void put_epoch(uint32_t epoch)
{
	struct ringprof_rec_epoch e = { { RINGPROF_REC_EPOCH, 0, sizeof(e) }, epoch, 1 };
	struct ringprof_rec_weight w = { { RINGPROF_REC_WEIGHT, 0, sizeof(w) }, 0, 1, 1000 };

	put(&e, sizeof(e));
	put(&w, sizeof(w));
}

static void put_sample(uint32_t epoch, uint64_t time)
{
	struct ringprof_rec_sample s = { .rec = { RINGPROF_REC_SAMPLE, 0, sizeof(s) },
					 .chain = epoch << RINGPROF_NODE_BITS,
					 .time = time,
					 .tgid = 5,
					 .tid = 5 };

	put(&s, sizeof(s));
	head->calls++;
	head->outcome[RINGPROF_OUT_EMITTED]++;
}

static void take(void *arg, const struct event *ev)
{
	taken += ev->type == EV_SAMPLE && ev->sample.weight == 1000;
}

static void run(void)
{
	src.fn = take;
	src.merge.upto = 0; /* each round takes all there is */
	kmod_ring_note(&ring);
	CHECK_EQ(merge_add(&src.merge, &ring.stream), 0);
	merge_run(&src.merge, UINT64_MAX / 2);
	kmod_ring_release(&ring);
	CHECK(head->head - tail->tail <= SIZE);
}

TEST(headers_that_are_not_ours_are_refused)
{
	static const struct {
		size_t off, len;
		uint64_t value;
		const char *says;
	} bad[] = {
#define FIELD(f, v, s) { offsetof(struct ringprof_ring_head, f), sizeof(head->f), v, s }
		FIELD(magic, 1, "no ring"),
		FIELD(abi_major, 9, "ABI 9.0"),
		FIELD(header_size, 16, "impossible"),
		FIELD(cpu, 3, "impossible"),
		FIELD(data_size, 12288, "impossible"),
		FIELD(data_size, 4096, "impossible"),
		FIELD(data_size, 1ULL << 40, "impossible"),
		FIELD(clock, 4242, "clock 4242"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		device_new();
		memcpy((char *)head + bad[i].off, &bad[i].value, bad[i].len);
		CHECK_EQ(map_ring(), -EPROTO);
		if (!strstr(err, bad[i].says))
			TAP_FAIL("\"%s\" does not say \"%s\"", err, bad[i].says);
		CHECK(!ring.head);
	}
	printf("# %s\n", err);
	device_new();
	head->data_size = 0;
	CHECK_EQ(map_ring(), -ENXIO);
}

/* A module stays loaded when the programs are replaced: the version before is read, too. */
TEST(the_version_before_is_read)
{
	uint32_t major;

	for (major = 0; major < 5; major++) {
		bool good = major == RINGPROF_ABI_MAJOR || major + 1 == RINGPROF_ABI_MAJOR;

		device_new();
		head->abi_major = (uint16_t)major;
		CHECK_EQ(map_ring(), good ? 0 : -EPROTO);
		CHECK_EQ(kmod_check_abi(major, 0, "1.2", err, sizeof(err)), good ? 0 : -EPROTO);
	}
}

TEST(samples_come_and_room_is_given_back)
{
	device_new();
	CHECK_EQ(map_ring(), 0);
	put_epoch(1);
	for (unsigned int i = 1; i <= 2000; i++) {
		put_sample(1, i);
		if (i % 100 == 0)
			run();
	}
	CHECK_EQ(taken, 2000);
	CHECK_EQ(tail->tail, head->head);
	CHECK(kmod_ring_bytes(&ring) >= SIZE);
}

TEST(counters_are_from_the_first_map_on)
{
	struct source_counters cnt = { 0 };

	device_new();
	head->outcome[RINGPROF_OUT_IDLE] = 77;
	head->calls = 77;
	head->bytes = 5;
	CHECK_EQ(map_ring(), 0);
	put_epoch(1);
	put_sample(1, 1);
	put_sample(1, 2);
	src.cfg.no_user = true; /* both are of user mode: we filter them */
	run();
	kmod_ring_count(&ring, &cnt);
	CHECK_EQ(cnt.calls, 2);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_IDLE], 0);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_EMITTED], 0);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_FILTERED], 2);
	CHECK_EQ(cnt.bytes, 0);
	/* set to zero meanwhile */
	head->calls = 3;
	memset(&cnt, 0, sizeof(cnt));
	kmod_ring_count(&ring, &cnt);
	CHECK_EQ(cnt.calls, 3);
}

/* The device is opened anew where rings are stuck; it may be gone then. */
TEST(counters_outlive_the_mapping)
{
	struct source_counters cnt = { 0 };

	device_new();
	head->outcome[RINGPROF_LOST_RING_FULL] = 7;
	CHECK_EQ(map_ring(), 0);
	head->outcome[RINGPROF_LOST_RING_FULL] = 10;
	kmod_ring_unmap(&ring);
	kmod_ring_count(&ring, &cnt);
	CHECK_EQ(cnt.outcome[RINGPROF_LOST_RING_FULL], 3);
	/* and one that was never mapped has none */
	kmod_ring_init(&ring, &src, 0);
	memset(&cnt, 0, sizeof(cnt));
	kmod_ring_count(&ring, &cnt);
	CHECK_EQ(cnt.outcome[RINGPROF_LOST_RING_FULL], 0);
}

TEST(a_reader_goes_on_where_the_last_one_left)
{
	device_new();
	put_epoch(0);
	put_sample(0, 1);
	tail->tail = head->head;
	put_sample(0, 2);
	put_epoch(1);
	put_sample(1, 3);
	CHECK_EQ(map_ring(), 0);
	run();
	CHECK_EQ(taken, 1);
	CHECK_EQ(ring.dec.detached, 1);
	CHECK_EQ(ring.dec.corrupt, 0);
}

/* The reader before was killed an hour ago: nothing of that hour is a loss of this one. */
TEST(what_was_sampled_before_the_source_was_is_told_apart)
{
	struct source_counters cnt = { 0 };

	device_new();
	src.opened = 10;
	put_epoch(0);
	for (uint64_t time = 5; time < 13; time++)
		put_sample(0, time);
	put_epoch(1);
	put_sample(1, 13);
	CHECK_EQ(map_ring(), 0);
	run();
	CHECK_EQ(taken, 1);
	kmod_ring_count(&ring, &cnt);
	CHECK_EQ(cnt.detached, 8);
	CHECK_EQ(cnt.detached_before, 5);
	/* by the ring's own clock */
	device_new();
	head->clock = CLOCK_REALTIME;
	src.opened = mono_now();
	put_epoch(0);
	put_sample(0, wall_now() - NSEC_PER_SEC);
	put_sample(0, wall_now() + NSEC_PER_SEC);
	CHECK_EQ(map_ring(), 0);
	run();
	CHECK_EQ(ring.dec.detached, 2);
	CHECK_EQ(ring.dec.detached_before, 1);
}

TEST(a_place_that_cannot_be_is_the_head)
{
	device_new();
	put_epoch(1);
	put_sample(1, 1);
	tail->tail = 1ULL << 60;
	CHECK_EQ(map_ring(), 0);
	run();
	CHECK_EQ(taken, 0);
	put_epoch(2);
	put_sample(2, 2);
	run();
	CHECK_EQ(taken, 1);
}

TEST(heads_that_run_away_are_survived)
{
	static const uint64_t heads[] = { SIZE + 8, 1ULL << 63, UINT64_MAX, 12345 };

	for (size_t i = 0; i < 4; i++) {
		uint64_t was;

		device_new();
		CHECK_EQ(map_ring(), 0);
		put_epoch(1);
		put_sample(1, 1);
		run();
		was = ring.dec.corrupt;
		head->head += heads[i];
		src.merge.upto = 0;
		kmod_ring_note(&ring);
		CHECK_EQ(merge_add(&src.merge, &ring.stream), 0);
		merge_run(&src.merge, UINT64_MAX / 2);
		CHECK(ring.dec.corrupt > was);
		CHECK_EQ(taken, 1);
		/* the next that makes sense is understood again */
		head->head = (head->head + 7) & ~7ULL;
		run();
		put_epoch(2);
		put_sample(2, 2);
		run();
		CHECK_EQ(taken, 2);
	}
}

TEST(a_ring_that_only_drops_is_stuck_after_a_while)
{
	device_new();
	CHECK_EQ(map_ring(), 0);
	/* quiet is not stuck */
	CHECK(!kmod_ring_is_stuck(&ring, 100, 50));
	CHECK(!kmod_ring_is_stuck(&ring, 900, 50));
	for (unsigned int i = 0; i < 3; i++) {
		put_sample(1, i); /* the epoch never came */
		run();
		CHECK_EQ(kmod_ring_is_stuck(&ring, 1000 + 40 * i, 50), i == 2);
	}
	put_epoch(1);
	put_sample(1, 9);
	run();
	CHECK_EQ(taken, 1);
	CHECK(!kmod_ring_is_stuck(&ring, 2000, 50));
	/* what came before is forgotten when it gets lost again */
	put_sample(7, 10);
	run();
	CHECK(!kmod_ring_is_stuck(&ring, 3000, 50));
	put_sample(7, 11);
	run();
	CHECK(kmod_ring_is_stuck(&ring, 3060, 50));
}

/* Rescans until settings are asked for: 1 at the next one, 0 not in n. */
static unsigned int asked_within(struct kmod_signs *s, const struct cpu_mask *online,
				 unsigned int n)
{
	for (unsigned int i = 1; i <= n; i++) {
		head->calls++;
		if (kmod_settings_may_differ(s, online, &ring, 1))
			return i;
	}
	return 0;
}

TEST(settings_are_asked_for_when_rings_show_a_change)
{
	struct cpu_mask online = { .bits = { 3 } };
	struct kmod_signs s = { 0 };

	device_new();
	CHECK_EQ(map_ring(), 0);
	put_epoch(1);
	put_sample(1, mono_now());
	run();
	/* at first twice, then now and then */
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 9), 4);
	CHECK_EQ(asked_within(&s, &online, 9), 4);
	/* a CPU that came */
	online.bits[0] = 7;
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 3), 0);
	/* another period */
	ring.dec.weight *= 2;
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 3), 0);
	/* asked in vain */
	kmod_settings_ask(&s);
	CHECK_EQ(asked_within(&s, &online, 1), 1);
	CHECK_EQ(asked_within(&s, &online, 3), 0);
	/* nothing is sampled: nothing is told either */
	for (int i = 0; i < 3; i++)
		CHECK(kmod_settings_may_differ(&s, &online, &ring, 1));
	device_close();
}

/* The module makes `missed` of two clocks at each read: it goes to and fro by a few. */
TEST(missed_periods_only_become_more)
{
	static const uint64_t says[] = { 1000, 1003, 1002, 998, 1003, 1007, 0 };
	static const uint64_t missed[] = { 0, 3, 3, 3, 3, 7, 7 };
	struct kmod_stats s = { 0 };

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		struct control_stats now = { .missed = says[i],
					     .unwind = { 50 + says[i] },
					     .n_unwind = 1 };

		kmod_stats_take(&s, &now);
		CHECK_EQ(s.missed, missed[i]);
		CHECK_EQ(s.unwind[0], missed[i]);
	}
}

TEST(times_of_another_clock_become_monotonic)
{
	uint64_t now;

	device_new();
	head->clock = CLOCK_REALTIME;
	CHECK_EQ(map_ring(), 0);
	put_epoch(1);
	put_sample(1, wall_now());
	now = mono_now();
	run();
	CHECK_EQ(taken, 1);
	CHECK(ring.stream.last + NSEC_PER_SEC > now && ring.stream.last < now + NSEC_PER_SEC);
}

int main(void)
{
	int r = tap_main();

	device_close();
	return r;
}
