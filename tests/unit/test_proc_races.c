// SPDX-License-Identifier: GPL-2.0
/* A process that ends, or whose number is another's, while /proc is read. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "proc/ptable.h"
#include "tap.h"
#include "test_proc_world.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char v1[] = "4:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n";
/* what hierarchies of version 1 say of one that ends */
static const char ended[] = "4:memory:/\n1:name=systemd:/\n0::/runtime.service\n";

/* Waits for who reads the cgroup of 101, and has it end meanwhile. */
static void *end_while_read(void *unused)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/101/cgroup", root);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	put(101, "stat", "101 (x) R 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 0 1 2 3\n");
	if (fd < 0 || write(fd, ended, strlen(ended)) < 0 || close(fd))
		abort();
	return unused;
}

TEST(one_that_ends_while_its_cgroup_is_read_keeps_it)
{
	struct ptable *t = new_table(0);
	char path[256];
	pthread_t other;

	fake(&(struct fake){ .pid = 100, .comm = "a", .cgroup = v1 });
	CHECK_EQ(ptable_scan(t, now()), 0);
	ev_fork(t, 100, 101, 101);
	fake(&(struct fake){ .pid = 101, .comm = "x", .cgroup = v1 });
	CHECK_STR(sample(t, 101)->labels.container_id, ID);
	snprintf(path, sizeof(path), "%s/101/cgroup", root);
	CHECK(!unlink(path) && !mkfifo(path, 0600));
	CHECK_EQ(pthread_create(&other, NULL, end_while_read, NULL), 0);
	CHECK_STR(sample_in(t, 101, 4711)->labels.container_id, ID);
	CHECK_EQ(pthread_join(other, NULL), 0);
	ptable_free(t);
}

/* Time for a look at user and cgroup, and it is dead but not waited for. */
TEST(a_zombie_is_not_looked_at)
{
	struct event later = { .type = EV_SAMPLE, .pid = 100, .tid = 100 };
	struct ptable *t = new_table(0);

	fake(&(struct fake){ .pid = 100, .comm = "x", .cgroup = "0::/a.service\n" });
	CHECK_EQ(ptable_scan(t, now()), 0);
	CHECK_STR(sample(t, 100)->labels.unit, "a.service");
	fake(&(struct fake){ .pid = 100, .comm = "x", .uid = 4242, .cgroup = "0::/\n" });
	put(100, "stat", "100 (x) Z 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 0 1 2 3\n");
	later.time = now() + 2 * NSEC_PER_SEC;
	CHECK_STR(ptable_sample(t, &later)->labels.unit, "a.service");
	CHECK_STR(ptable_sample(t, &later)->labels.user, "root");
	/* one that lives is */
	fake(&(struct fake){ .pid = 100, .comm = "x", .uid = 4242, .cgroup = "0::/\n" });
	later.time += 9 * NSEC_PER_SEC;
	CHECK_STR(ptable_sample(t, &later)->labels.user, "4242");
	ptable_free(t);
}

/* A start, in ticks after boot, that many seconds from now. */
static unsigned long start_in(int s)
{
	return (unsigned long)((clock_ns(CLOCK_BOOTTIME) / NSEC_PER_SEC + (uint64_t)s) *
			       (uint64_t)sysconf(_SC_CLK_TCK));
}

/* Its birth was lost, it was sampled and is gone: who has its number now is not it. */
TEST(the_next_owner_of_a_pid_is_another)
{
	struct ptable *t = new_table(0);
	struct ptable_counters c;
	uint32_t id;

	CHECK_EQ(ptable_scan(t, now()), 0);
	fake(&(struct fake){ .pid = 100, .comm = "next", .uid = 7, .start = start_in(3) });
	id = sample(t, 100)->id;
	CHECK_STR(sample(t, 100)->labels.comm, "");
	CHECK_STR(sample(t, 100)->labels.user, "");
	CHECK_EQ(sample(t, 100)->id, id);
	ptable_counters(t, &c);
	CHECK_EQ(c.stubs, 1);
	/* what the last events said of it stays */
	fake(&(struct fake){ .pid = 101, .comm = "next", .start = start_in(3) });
	ev_comm(t, 101, 101, "gone", false);
	CHECK_STR(sample(t, 101)->labels.comm, "gone");
	CHECK_STR(sample(t, 101)->labels.comm, "gone");
	/* here it is */
	fake(&(struct fake){ .pid = 100, .comm = "next", .start = start_in(0) });
	ev_fork(t, 1, 100, 100);
	CHECK_STR(sample(t, 100)->labels.comm, "next");
	CHECK(sample(t, 100)->id != id);
	ptable_free(t);
}

/* The same, of one that was known from /proc. */
TEST(a_known_process_is_not_taken_for_the_next_owner)
{
	struct ptable *t = new_table(0);
	uint32_t id;

	fake(&(struct fake){ .pid = 100, .comm = "known", .start = start_in(-9) });
	CHECK_EQ(ptable_scan(t, now()), 0);
	id = sample(t, 100)->id;
	ev_lost(t);
	fake(&(struct fake){ .pid = 100, .comm = "next", .start = start_in(3) });
	CHECK_STR(sample(t, 100)->labels.comm, "known");
	CHECK_EQ(sample(t, 100)->id, id);
	/* what was lost was its end, and the birth of this one */
	ev_lost(t);
	fake(&(struct fake){ .pid = 100, .comm = "next", .start = start_in(-1) });
	CHECK_STR(sample(t, 100)->labels.comm, "next");
	CHECK(sample(t, 100)->id != id);
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
