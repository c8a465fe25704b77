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

int main(void)
{
	proc_init();
	return tap_main();
}
