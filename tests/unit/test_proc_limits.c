// SPDX-License-Identifier: GPL-2.0
/*
 * The process table at its limits, and under events in any order.
 */
#include "proc/maplist.h"
#include "proc/ptable.h"
#include "tap.h"
#include "test_proc_world.h"

TEST(limits_evict_exited_then_least_used)
{
	struct ptable *t = new_table(50);
	struct ptable_counters c;
	uint32_t id;

	for (int i = 0; i < 50; i++)
		ev_fork(t, 1, 1000 + i, 1000 + i);
	id = sample(t, 1000)->id;
	ev_exit(t, 1030, 1030);
	ev_fork(t, 1, 2000, 2000);
	CHECK_EQ(freed, 1);
	CHECK_EQ(last_freed, 31);
	for (int i = 0; i < 49; i++)
		ev_fork(t, 1, 3000 + i, 3000 + i);
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 50);
	CHECK_EQ(c.evicted, 50);
	/* the one that was sampled last was the last to go */
	CHECK_EQ(last_freed, id);
	ptable_free(t);
}

TEST(bytes_are_bounded)
{
	struct ptable_config cfg = { .max_bytes = 1 << 20, .proc_root = root, .cgroup_root = root };
	struct ptable *t = ptable_new(&cfg, NULL);
	struct ptable_counters c;
	char path[300];

	CHECK(t);
	for (int i = 0; i < 3000; i++) {
		ev_fork(t, 1, 1000 + i, 1000 + i);
		ev_comm(t, 1000 + i, 1000 + i, "x", true);
		for (uint64_t k = 1; k < 20; k++) {
			snprintf(path, sizeof(path), "/a/long/path/to/make/strings/of/%d/%d", i,
				 (int)k);
			ev_mmap(t, 1000 + i, k << 16, 0x1000, path);
		}
	}
	ptable_counters(t, &c);
	printf("# %d processes, %d evicted, %d bytes, %d strings left out\n", (int)c.processes,
	       (int)c.evicted, (int)c.bytes, (int)c.limit_hits);
	CHECK(c.evicted > 0);
	CHECK(c.limit_hits > 0);
	CHECK(c.bytes < (1 << 20) + (1 << 18));
	ptable_free(t);
}

/* Names of processes that are gone make room: after a month of new ones the newest still has its own. */
TEST(texts_of_gone_processes_go)
{
	struct ptable_config cfg = { .max_bytes = 1 << 20, .proc_root = root, .cgroup_root = root };
	struct ptable *t = ptable_new(&cfg, NULL);
	char path[300], name[16];
	struct ptable_counters c;
	struct process *p, *stays;
	struct mapping *m;

	CHECK(t);
	ev_fork(t, 1, 5, 5);
	ev_comm(t, 5, 5, "stays", true);
	ev_mmap(t, 5, 0x10000, 0x1000, "/bin/stays");
	for (int i = 0; i < 30000; i++) {
		int pid = 1000 + i % 20000;

		snprintf(path, sizeof(path), "/var/lib/containers/overlay/%d/merged/bin/app", i);
		snprintf(name, sizeof(name), "app%d", i);
		ev_fork(t, 1, pid, pid);
		ev_comm(t, pid, pid, name, true);
		ev_mmap(t, pid, 0x10000, 0x1000, path);
		p = sample(t, pid);
		CHECK_STR(p->labels.comm, name);
		m = process_map_at(t, p, 0x10000);
		CHECK(m);
		CHECK_STR(m->path, path);
		ev_exit(t, pid, pid);
		if (i % 100 == 99)
			ptable_expire(t, UINT64_MAX);
	}
	stays = sample(t, 5);
	CHECK_STR(stays->labels.comm, "stays");
	CHECK_STR(process_map_at(t, stays, 0x10000)->path, "/bin/stays");
	ptable_counters(t, &c);
	printf("# %d times, %d bytes\n", (int)c.compactions, (int)c.bytes);
	CHECK(c.compactions > 3);
	CHECK_EQ(c.limit_hits, 0);
	ptable_free(t);
}

/* Any order of any events must leave a table that holds together. */
TEST(random_events_do_no_harm)
{
	struct ptable *t = new_table(20);
	struct ptable_counters c;

	srand(11);
	for (int i = 0; i < 20000; i++) {
		int pid = 1 + rand() % 40, tid = rand() % 3 ? pid : pid + 1;
		struct process *p;

		switch (rand() % 8) {
		case 0:
			ev_fork(t, 1 + rand() % 40, pid, tid);
			break;
		case 1:
			ev_exit(t, pid, tid);
			break;
		case 2:
			ev_comm(t, pid, tid, "n", rand() & 1);
			break;
		case 3:
			ev_mmap(t, pid, (uint64_t)(rand() % 32) << 12, (uint64_t)(rand() % 8) << 12,
				"/f");
			break;
		case 4:
			if (rand() % 50 == 0)
				ev_lost(t);
			break;
		case 5:
			if (rand() % 20 == 0)
				ptable_expire(t, now());
			break;
		default:
			p = sample_in(t, pid, (uint64_t)(rand() % 5));
			CHECK(p && p->pid == pid);
			for (size_t k = 0; k < p->n_maps; k++)
				CHECK(process_map_at(t, p, p->maps[k].start) == &p->maps[k]);
		}
	}
	ptable_counters(t, &c);
	CHECK(c.processes + c.exited <= 20);
	ptable_free(t);
}

/* A child of a process with as many mappings as are kept has them when the parent's are gone. */
TEST(one_mapping_too_many_leaves_a_child_its_own)
{
	struct ptable *t = new_table(0);
	struct ptable_counters c;
	struct process *p;

	ev_fork(t, 1, 100, 100);
	ev_comm(t, 100, 100, "jit", true);
	for (uint64_t i = 1; i <= MAPLIST_MAX; i++)
		ev_mmap(t, 100, i << 16, 0x1000, "/a");
	ev_fork(t, 100, 101, 101);
	p = sample(t, 101);
	ev_mmap(t, 101, 0x1000, 0x1000, "/too-many");
	ptable_counters(t, &c);
	CHECK(c.limit_hits > 0);
	CHECK(process_map_at(t, p, 1 << 16) == &p->maps[0]);
	ev_comm(t, 100, 100, "other", true);
	CHECK(p->n_maps > MAPLIST_MAX - 3);
	CHECK_EQ(p->maps[0].start, 1 << 16);
	ptable_free(t);
}

static unsigned long ticks_since_boot(void)
{
	return (unsigned long)(clock_ns(CLOCK_BOOTTIME) /
			       (NSEC_PER_SEC / (unsigned long)sysconf(_SC_CLK_TCK)));
}

/* A short process is sampled, and its pid is another one's when /proc is looked at. */
TEST(what_began_after_a_birth_was_not_born_then)
{
	struct ptable *t = new_table(0);
	struct process *p;

	fake(&(struct fake){ .pid = 1, .comm = "init" });
	CHECK_EQ(ptable_scan(t, now()), 0);
	ev_fork(t, 1, 100, 100);
	fake(&(struct fake){
		.pid = 100, .comm = "x", .uid = 4242, .start = ticks_since_boot() + 3 });
	p = sample(t, 100);
	CHECK_STR(p->labels.user, "root");
	CHECK_EQ(p->start_time, 0);
	/* the tick of its birth had begun before it */
	fake(&(struct fake){ .pid = 101, .comm = "y", .uid = 4242, .start = ticks_since_boot() });
	ev_fork(t, 1, 101, 101);
	CHECK_STR(sample(t, 101)->labels.user, "4242");
	/* events may have been lost: the next one is found where all is read again */
	ev_fork(t, 1, 102, 102);
	fake(&(struct fake){
		.pid = 102, .comm = "z", .uid = 4242, .start = ticks_since_boot() + 3 });
	p = sample(t, 102);
	/* which has begun by then */
	usleep(50000);
	ev_lost(t);
	CHECK(sample(t, 102) != p);
	CHECK_STR(sample(t, 102)->labels.user, "4242");
	ptable_free(t);
}

static struct process *sample_at(struct ptable *t, int pid, uint64_t time)
{
	struct event ev = { .type = EV_SAMPLE, .time = time, .pid = pid, .tid = pid };

	return ptable_sample(t, &ev);
}

/* setuid(2) tells nobody, and reading /proc with each sample would be dear. */
TEST(another_user_is_noticed_and_asking_has_a_limit)
{
	struct ptable *t = new_table(0);
	uint64_t start = now(), seen = 0;
	uint32_t uid = 0;

	fake(&(struct fake){ .pid = 100, .comm = "nginx" });
	CHECK_STR(sample_at(t, 100, start)->labels.user, "root");
	fake(&(struct fake){ .pid = 100, .comm = "nginx", .uid = 4242 });
	CHECK_STR(sample_at(t, 100, start + NSEC_PER_SEC / 2)->labels.user, "root");
	CHECK_STR(sample_at(t, 100, start + 2 * NSEC_PER_SEC)->labels.user, "4242");
	/* an hour of samples, each of another user: how many are seen? */
	for (uint64_t s = 3; s < 3600; s++) {
		char user[16];

		fake(&(struct fake){ .pid = 100, .comm = "nginx", .uid = 5000 + ++uid });
		snprintf(user, sizeof(user), "%u", 5000 + uid);
		seen += !strcmp(sample_at(t, 100, start + s * NSEC_PER_SEC)->labels.user, user);
	}
	printf("# %llu of an hour's\n", (unsigned long long)seen);
	CHECK(seen >= 8 && seen <= 20);
	/* a new program, anew */
	ev_comm(t, 100, 100, "sudo", true);
	fake(&(struct fake){ .pid = 100, .comm = "sudo", .uid = 1 });
	CHECK_STR(sample_at(t, 100, start + 3600 * NSEC_PER_SEC)->labels.user, "daemon");
	fake(&(struct fake){ .pid = 100, .comm = "sudo", .uid = 4242 });
	CHECK_STR(sample_at(t, 100, start + 3603 * NSEC_PER_SEC)->labels.user, "4242");
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
