// SPDX-License-Identifier: GPL-2.0
/*
 * The process table on a /proc of our own making and on sequences of events.
 */
#include <sys/stat.h>

#include "proc/ptable.h"
#include "tap.h"
#include "test_proc_world.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char maps_text[] =
	"400000-401000 r--p 00000000 fe:01 11                 /usr/bin/prog\n"
	"401000-402000 r-xp 00001000 fe:01 11                 /usr/bin/prog\n"
	"7f0000000000-7f0000010000 r-xp 00005000 fe:01 12     /lib/libc.so.6\n"
	"7f0000100000-7f0000101000 rwxp 00000000 00:00 0 \n"
	"7ffff0000000-7ffff0002000 r-xp 00000000 00:00 0      [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

TEST(scan_reads_everything)
{
	struct ptable *t = new_table(0);
	struct ptable_counters c;
	struct process *p;
	struct mapping *m;

	fake(&(struct fake){ .pid = 100,
			     .comm = "we) (ird name",
			     .maps = maps_text,
			     .cgroup = "0::/system.slice/web.service\n",
			     .exe = "/usr/bin/prog (deleted)",
			     .start = 555 });
	fake(&(struct fake){ .pid = 2, .comm = "kworker/0:1-mm", .flags = 0x00200000, .start = 5 });
	run("mkdir %s/self %s/12x %s/999", root, root, root);
	CHECK_EQ(ptable_scan(t, now()), 0);
	p = sample(t, 100);
	CHECK_STR(p->labels.comm, "we) (ird name");
	CHECK_STR(p->labels.exe, "/usr/bin/prog");
	CHECK_STR(p->labels.unit, "web.service");
	CHECK_STR(p->labels.service_name, "web.service");
	CHECK_STR(p->labels.cgroup, "/system.slice/web.service");
	CHECK_STR(p->labels.container_id, "");
	CHECK_STR(p->labels.user, "root");
	CHECK_EQ(p->start_time, 555);
	CHECK_EQ(p->n_maps, 5);
	CHECK(!p->incomplete && !p->kthread && !p->exited);
	m = process_map_at(t, p, 0x401234);
	CHECK(m && m->kind == MAPPING_FILE && m->pgoff == 0x1000 && m->ino == 11 && m->maj == 0xfe);
	CHECK_STR(m->path, "/usr/bin/prog");
	m = process_map_at(t, p, 0x7f0000100010);
	CHECK(m && m->kind == MAPPING_ANON);
	m = process_map_at(t, p, 0x7ffff0000000);
	CHECK(m && m->kind == MAPPING_VDSO);
	CHECK(!process_map_at(t, p, 0x400500));
	p = sample(t, 2);
	CHECK(p->kthread);
	CHECK_STR(p->labels.comm, "kworker/0:1-mm");
	CHECK_STR(p->labels.service_name, "kworker");
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 2);
	CHECK_EQ(c.scans, 2);
	CHECK_EQ(c.vanished, 1); /* 999: a directory without files */
	CHECK_EQ(c.mappings, 5);
	ptable_free(t);
	CHECK_EQ(freed, 3);
}

TEST(unknown_pid_is_read_at_its_first_sample_or_becomes_a_stub)
{
	struct ptable *t = new_table(0);
	struct ptable_counters c;
	struct process *p;
	uint32_t id;

	fake(&(struct fake){ .pid = 100, .comm = "late", .maps = maps_text, .uid = 4242424 });
	p = sample(t, 100);
	CHECK_STR(p->labels.comm, "late");
	CHECK_STR(p->labels.service_name, "late");
	CHECK_STR(p->labels.user, "4242424");
	CHECK_EQ(p->n_maps, 5);
	p = sample(t, 200);
	CHECK(p);
	CHECK(p->incomplete);
	CHECK_STR(p->labels.comm, "");
	id = p->id;
	CHECK_EQ(sample(t, 200)->id, id);
	/* its name comes by an event that is late */
	ev_comm(t, 200, 200, "gone", false);
	CHECK_STR(sample(t, 200)->labels.service_name, "gone");
	p = sample(t, 0);
	CHECK_STR(p->labels.comm, "swapper");
	CHECK_STR(sample(t, -1)->labels.comm, "[exiting]");
	ptable_counters(t, &c);
	CHECK_EQ(c.stubs, 1);
	CHECK_EQ(c.vanished, 1); /* asked once, not at every sample */
	ptable_free(t);
}

TEST(a_life_by_events_alone)
{
	struct ptable *t = new_table(0);
	struct process *p;
	uint32_t gen, labels_gen;

	ev_fork(t, 1, 300, 300);
	ev_comm(t, 300, 300, "sh", true);
	ev_mmap(t, 300, 0x1000, 0x2000, "/bin/dash");
	ev_mmap(t, 300, 0x9000, 0x2000, "/lib/ld.so");
	p = sample(t, 300);
	CHECK_STR(p->labels.comm, "sh");
	CHECK_STR(p->labels.exe, "/bin/dash");
	CHECK(!p->incomplete); /* exec began anew: nothing was missed */
	CHECK_EQ(p->n_maps, 2);
	CHECK_EQ(p->start_time, 0);
	gen = p->gen;
	labels_gen = p->labels_gen;
	ev_mmap(t, 300, 0x1000, 0x2000, "/bin/dash");
	CHECK_EQ(p->gen, gen);
	ev_mmap(t, 300, 0x2000, 0x1000, "/lib/x.so");
	CHECK(p->gen > gen);
	CHECK_EQ(p->n_maps, 3);
	CHECK_STR(process_map_at(t, p, 0x2500)->path, "/lib/x.so");
	CHECK_STR(process_map_at(t, p, 0x1500)->path, "/bin/dash");
	CHECK_EQ(p->labels_gen, labels_gen);
	ev_comm(t, 300, 300, "renamed", false);
	CHECK(p->labels_gen > labels_gen);
	ev_comm(t, 300, 301, "thread", false);
	CHECK_STR(p->labels.comm, "renamed");
	gen = p->gen;
	ev_comm(t, 300, 300, "cat", true);
	CHECK(p->gen > gen);
	CHECK_EQ(p->n_maps, 0);
	CHECK(!process_map_at(t, p, 0x1500));
	ptable_free(t);
}

TEST(mappings_that_make_no_sense_are_left_out)
{
	struct ptable *t = new_table(0);
	struct event ev = { .type = EV_MMAP, .time = now(), .pid = 5, .tid = 5 };
	struct process *p;

	ev_mmap(t, 5, UINT64_MAX - 0x1000, 0x2000, "/wraps");
	ev_mmap(t, 5, 0x1000, 0, "/empty");
	ev.mmap.addr = 0x1000;
	ev.mmap.len = 0x1000;
	ev.mmap.prot = 1;
	ev.mmap.path = "/readonly";
	ptable_event(t, &ev);
	p = sample(t, 5);
	CHECK_EQ(p->n_maps, 0);
	ev_mmap(t, -1, 0x1000, 0x1000, "/x");
	ptable_free(t);
}

TEST(children_inherit_and_go_their_own_way)
{
	struct ptable *t = new_table(0);
	struct process *a, *b;

	fake(&(struct fake){ .pid = 100,
			     .comm = "parent",
			     .maps = maps_text,
			     .cgroup = "0::/system.slice/docker-" ID ".scope\n",
			     .exe = "/usr/bin/prog" });
	CHECK_EQ(ptable_scan(t, now()), 0);
	ev_fork(t, 100, 101, 101);
	b = sample(t, 101);
	a = sample(t, 100);
	CHECK(a != b && a->id != b->id);
	CHECK_STR(b->labels.comm, "parent");
	CHECK_STR(b->labels.exe, "/usr/bin/prog");
	CHECK_STR(b->labels.container_id, ID);
	CHECK_STR(b->labels.service_name, "0123456789ab");
	CHECK_EQ(b->n_maps, 5);
	CHECK(!b->incomplete);
	ev_mmap(t, 101, 0x401000, 0x1000, "/child/only");
	CHECK_STR(process_map_at(t, b, 0x401000)->path, "/child/only");
	CHECK_STR(process_map_at(t, a, 0x401000)->path, "/usr/bin/prog");
	ev_comm(t, 101, 101, "ls", true);
	CHECK_EQ(b->n_maps, 0);
	CHECK_EQ(a->n_maps, 5);
	ptable_free(t);
}

TEST(a_forked_child_that_lives_is_read_at_its_first_sample)
{
	struct ptable *t = new_table(0);
	struct process *p;

	fake(&(struct fake){ .pid = 100, .comm = "parent", .maps = maps_text });
	CHECK_EQ(ptable_scan(t, now()), 0);
	ev_fork(t, 100, 101, 101);
	ev_comm(t, 101, 101, "child", true);
	ev_mmap(t, 101, 0x1000, 0x1000, "/bin/child");
	fake(&(struct fake){ .pid = 101,
			     .comm = "not by now",
			     .maps = "",
			     .start = 77,
			     .uid = 4242,
			     .exe = "/bin/child",
			     .cgroup = "0::/a.slice/b.service\n" });
	p = sample(t, 101);
	CHECK_EQ(p->start_time, 77);
	CHECK_STR(p->labels.comm, "child");
	CHECK_STR(p->labels.exe, "/bin/child");
	CHECK_STR(p->labels.user, "4242");
	CHECK_STR(p->labels.unit, "b.service");
	CHECK_EQ(p->n_maps, 1);
	ptable_free(t);
}

/* A shell is sampled, and has become another program when that is looked at. */
TEST(a_program_exec_ed_after_the_sample_is_not_the_sampled_one)
{
	struct ptable *t = new_table(0);
	struct process *p;

	ev_fork(t, 1, 101, 101);
	ev_comm(t, 101, 101, "sh", true);
	ev_mmap(t, 101, 0x1000, 0x1000, "/bin/dash");
	fake(&(struct fake){
		.pid = 101, .comm = "ls", .maps = "", .start = 77, .uid = 4242, .exe = "/bin/ls" });
	p = sample(t, 101);
	CHECK_STR(p->labels.comm, "sh");
	CHECK_STR(p->labels.exe, "/bin/dash");
	CHECK_STR(p->labels.build_id, "");
	ev_comm(t, 101, 101, "ls", true);
	ev_mmap(t, 101, 0x1000, 0x1000, "/bin/ls");
	p = sample(t, 101);
	CHECK_STR(p->labels.exe, "/bin/ls");
	CHECK_EQ(strlen(p->labels.build_id), 40);
	ptable_free(t);
}

TEST(exit_needs_the_last_thread)
{
	struct ptable *t = new_table(0);
	struct process *p;

	ev_fork(t, 1, 100, 100);
	ev_comm(t, 100, 100, "x", true);
	ev_fork(t, 100, 100, 101);
	ev_fork(t, 100, 100, 102);
	p = sample(t, 100);
	ev_exit(t, 100, 101);
	CHECK(!p->exited);
	ev_exit(t, 100, 100);
	CHECK(!p->exited); /* the first thread may end before the others */
	ev_exit(t, 100, 102);
	CHECK(p->exited);
	/* the kernel still tears it down: its samples are its own */
	CHECK(sample(t, 100) == p);
	ptable_expire(t, p->id ? now() - NSEC_PER_SEC : 0);
	CHECK_EQ(freed, 0);
	ptable_expire(t, now() + 1);
	CHECK_EQ(freed, 1);
	ev_exit(t, 100, 100);
	ptable_free(t);
}

TEST(a_pid_used_again_is_another_process)
{
	struct ptable *t = new_table(0);
	struct process *p;
	uint32_t first;

	ev_fork(t, 1, 100, 100);
	ev_comm(t, 100, 100, "first", true);
	ev_mmap(t, 100, 0x1000, 0x1000, "/bin/first");
	first = sample(t, 100)->id;
	ev_exit(t, 100, 100);
	ev_fork(t, 1, 100, 100);
	p = sample(t, 100);
	CHECK(p->id != first);
	CHECK_EQ(p->n_maps, 0);
	/* also when the exit was never told */
	ev_fork(t, 1, 100, 100);
	CHECK(sample(t, 100)->id > p->id);
	ptable_expire(t, now() + 1);
	CHECK_EQ(freed, 2);
	ptable_free(t);
	CHECK_EQ(freed, 3);
}

TEST(loss_makes_processes_read_again_and_finds_reuse)
{
	struct ptable *t = new_table(0);
	struct process *p;
	uint32_t id;

	fake(&(struct fake){ .pid = 100, .comm = "a", .maps = maps_text, .start = 50 });
	CHECK_EQ(ptable_scan(t, now()), 0);
	p = sample(t, 100);
	id = p->id;
	ev_lost(t);
	CHECK(p->incomplete);
	fake(&(struct fake){ .pid = 100,
			     .comm = "b",
			     .start = 50,
			     .maps = "1000-2000 r-xp 0 00:01 3 /bin/new\n" });
	p = sample(t, 100);
	CHECK_EQ(p->id, id);
	CHECK(!p->incomplete);
	CHECK_STR(p->labels.comm, "b");
	CHECK_EQ(p->n_maps, 1);
	ev_lost(t);
	fake(&(struct fake){ .pid = 100, .comm = "c", .start = 60, .maps = maps_text });
	p = sample(t, 100);
	CHECK(p->id != id);
	CHECK_STR(p->labels.comm, "c");
	CHECK_EQ(p->n_maps, 5);
	/* dead but not waited for: /proc has no mappings, the last samples need them */
	ev_lost(t);
	put(100, "stat", "100 (c) Z 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 60 1 2 3\n");
	put(100, "maps", "");
	CHECK_EQ(sample(t, 100)->n_maps, 5);
	/* gone: what was known stays, marked */
	ev_lost(t);
	vanish(100);
	CHECK(sample(t, 100) == p);
	CHECK(p->incomplete);
	CHECK_EQ(p->n_maps, 5);
	ptable_expire(t, now() + 1);
	CHECK_EQ(freed, 2);
	ptable_free(t);
}

TEST(loss_is_followed_by_a_look_for_new_processes)
{
	struct event later = { .type = EV_EXIT, .pid = 1, .tid = 1 };
	struct ptable *t = new_table(0);
	struct ptable_counters c;

	CHECK_EQ(ptable_scan(t, now()), 0);
	fake(&(struct fake){ .pid = 100, .comm = "hidden", .maps = maps_text, .start = 50 });
	ev_lost(t);
	ev_lost(t);
	ev_exit(t, 1, 1);
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 0);
	later.time = now() + 2 * NSEC_PER_SEC;
	ptable_event(t, &later);
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 1);
	CHECK_EQ(c.scans, 1);
	/* once */
	fake(&(struct fake){ .pid = 101, .comm = "later", .maps = maps_text, .start = 50 });
	later.time += 2 * NSEC_PER_SEC;
	ptable_event(t, &later);
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 1);
	ptable_free(t);
}

TEST(events_older_than_the_scan_are_in_it)
{
	struct ptable *t = new_table(0);
	struct event old = { .type = EV_COMM, .pid = 100, .tid = 100 };
	struct process *p;

	fake(&(struct fake){ .pid = 100, .comm = "scanned", .maps = maps_text, .threads = 2 });
	old.time = now();
	CHECK_EQ(ptable_scan(t, old.time + 1), 0);
	p = sample(t, 100);
	old.comm.name = "older";
	old.comm.exec = true;
	ptable_event(t, &old);
	CHECK_STR(p->labels.comm, "scanned");
	CHECK_EQ(p->n_maps, 5);
	old.type = EV_EXIT;
	ptable_event(t, &old);
	old.type = EV_FORK;
	old.fork.ppid = 1;
	ptable_event(t, &old);
	CHECK(sample(t, 100) == p);
	ev_exit(t, 100, 100);
	CHECK(!p->exited);
	ev_exit(t, 100, 105);
	CHECK(p->exited);
	ptable_free(t);
}

TEST(scan_finds_what_ended_unseen)
{
	struct ptable *t = new_table(0);
	struct ptable_counters c;

	fake(&(struct fake){ .pid = 100, .comm = "a", .start = 1 });
	fake(&(struct fake){ .pid = 101, .comm = "b", .start = 1 });
	CHECK_EQ(ptable_scan(t, now()), 0);
	vanish(101);
	CHECK_EQ(ptable_scan(t, now()), 0);
	ptable_counters(t, &c);
	CHECK_EQ(c.processes, 1);
	CHECK_EQ(c.exited, 1);
	ptable_free(t);
}

TEST(cgroup_ids_are_learnt_and_serve_the_dead)
{
	struct ptable *t = new_table(0);
	char path[256];
	struct process *p;
	struct stat st;
	uint64_t id;

	run("mkdir -p %s/system.slice/a.service %s/system.slice/b.service", root, root);
	snprintf(path, sizeof(path), "%s/system.slice/b.service", root);
	CHECK_EQ(stat(path, &st), 0);
	id = st.st_ino;
	fake(&(struct fake){ .pid = 100, .comm = "x", .cgroup = "0::/system.slice/a.service\n" });
	p = sample(t, 100);
	CHECK_STR(p->labels.unit, "a.service");
	/* moved: seen by the id of its sample */
	put(100, "cgroup", "0::/system.slice/b.service\n");
	CHECK_STR(sample_in(t, 100, id)->labels.unit, "b.service");
	CHECK_EQ(p->cgroup_id, id);
	/* a process without /proc in the same cgroup */
	CHECK_STR(sample_in(t, 200, id)->labels.unit, "b.service");
	/* moved on since the sample: its id is not taken for the new directory's */
	put(100, "cgroup", "0::/system.slice/a.service\n");
	CHECK_STR(sample_in(t, 100, 424242)->labels.unit, "a.service");
	CHECK_STR(sample_in(t, 201, 424242)->labels.unit, "");
	ptable_free(t);
}

/* Version 1 says "/" of a task that ends: what it was called before stays. */
TEST(one_that_ends_keeps_its_cgroup)
{
	static const char v1[] = "4:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n";
	static const char ended[] = "4:memory:/\n1:name=systemd:/\n0::/runtime.service\n";
	static const char zombie[] = "101 (x) Z 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 0 1 2 3\n";
	struct ptable *t = new_table(0);

	fake(&(struct fake){ .pid = 100, .comm = "a", .cgroup = v1 });
	CHECK_EQ(ptable_scan(t, now()), 0);
	for (int pid = 101; pid < 104; pid++) {
		ev_fork(t, 100, pid, pid);
		/* 102 and 103 are on their way out */
		fake(&(struct fake){ .pid = pid, .comm = "x", .cgroup = ended, .flags = 4 });
	}
	put(101, "stat", zombie);
	CHECK_STR(sample(t, 101)->labels.container_id, ID);
	CHECK_STR(sample_in(t, 102, 4711)->labels.container_id, ID);
	CHECK_STR(sample(t, 102)->labels.container_id, ID);
	ev_lost(t);
	CHECK_STR(sample(t, 101)->labels.container_id, ID);
	/* the unified hierarchy knows where it was: it may have moved after its birth */
	put(103, "cgroup", "0::/b.service\n");
	CHECK_STR(sample(t, 103)->labels.unit, "b.service");
	/* of one of which nothing was known any word is better than none */
	fake(&(struct fake){ .pid = 104, .comm = "x", .cgroup = ended, .flags = 4 });
	CHECK_STR(sample(t, 104)->labels.unit, "runtime.service");
	ptable_free(t);
}

/* Program, cgroup and its directory are gone before anybody looked. */
TEST(cgroups_have_names_from_when_they_were_made)
{
	struct ptable *t = new_table(0);
	struct event ev = { .type = EV_CGROUP, .time = now() };

	ev.cgroup.id = 515151;
	ev.cgroup.path = "/a.slice/job.service";
	ptable_event(t, &ev);
	CHECK_STR(sample_in(t, 300, 515151)->labels.unit, "job.service");
	ptable_free(t);
	/* perf's numbers are of the unified hierarchy, these samples' of another */
	t = new_table(0);
	ptable_cgroup_ids(t, CGROUP_IDS_V1);
	ptable_event(t, &ev);
	CHECK_STR(sample_in(t, 300, 515151)->labels.unit, "");
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
