// SPDX-License-Identifier: GPL-2.0
/*
 * The process table on a /proc of our own making, on sequences of events, and
 * on the real /proc with a real child.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/ptable.h"
#include "tap.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[64];
static int freed;
static uint32_t last_freed;

static void run(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fprintf(stderr, "failed: %s\n", cmd);
}

static void remove_root(void)
{
	run("rm -rf '%s'", root);
}

static void put(int pid, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/%s", root, pid, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

struct fake {
	int pid;
	const char *comm, *maps, *cgroup, *exe;
	unsigned int flags, uid, threads;
	unsigned long start;
};

static void fake(const struct fake *p)
{
	char text[1024], path[256];

	snprintf(path, sizeof(path), "%s/%d", root, p->pid);
	mkdir(path, 0700);
	snprintf(text, sizeof(text),
		 "%d (%s) S 1 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 %u 0 %lu 1 2 3\n", p->pid, p->comm,
		 p->flags, p->threads ? p->threads : 1, p->start);
	put(p->pid, "stat", text);
	put(p->pid, "maps", p->maps ? p->maps : "");
	put(p->pid, "cgroup", p->cgroup ? p->cgroup : "0::/\n");
	snprintf(text, sizeof(text), "Name:\tx\nUid:\t%u\t%u\t%u\t%u\n", p->uid, p->uid, p->uid,
		 p->uid);
	put(p->pid, "status", text);
	if (p->exe)
		run("ln -sfn '%s' %s/%d/exe", p->exe, root, p->pid);
}

static void vanish(int pid)
{
	run("rm -rf %s/%d", root, pid);
}

static void on_free(void *arg, struct process *p)
{
	freed++;
	last_freed = p->id;
}

static struct ptable *new_table(size_t max)
{
	struct ptable_config cfg = {
		.max_processes = max, .on_free = on_free, .proc_root = root, .cgroup_root = root
	};
	struct ptable *t;

	remove_root();
	mkdir(root, 0700);
	freed = 0;
	t = ptable_new(&cfg, NULL);
	if (!t)
		abort();
	return t;
}

static uint64_t now(void)
{
	return mono_now();
}

static struct process *sample_in(struct ptable *t, int pid, uint64_t cgroup)
{
	struct event ev = { .type = EV_SAMPLE, .time = now(), .pid = pid, .tid = pid };

	ev.sample.cgroup = cgroup;
	return ptable_sample(t, &ev);
}

static struct process *sample(struct ptable *t, int pid)
{
	return sample_in(t, pid, 0);
}

static void ev_mmap(struct ptable *t, int pid, uint64_t addr, uint64_t len, const char *path)
{
	struct event ev = { .type = EV_MMAP, .time = now(), .pid = pid, .tid = pid };

	ev.mmap.addr = addr;
	ev.mmap.len = len;
	ev.mmap.path = path;
	ev.mmap.ino = 7;
	ptable_event(t, &ev);
}

static void ev_comm(struct ptable *t, int pid, int tid, const char *name, bool exec)
{
	struct event ev = { .type = EV_COMM, .time = now(), .pid = pid, .tid = tid };

	ev.comm.name = name;
	ev.comm.exec = exec;
	ptable_event(t, &ev);
}

static void ev_fork(struct ptable *t, int ppid, int pid, int tid)
{
	struct event ev = { .type = EV_FORK, .time = now(), .pid = pid, .tid = tid };

	ev.fork.ppid = ppid;
	ev.fork.ptid = ppid;
	ptable_event(t, &ev);
}

static void ev_exit(struct ptable *t, int pid, int tid)
{
	struct event ev = { .type = EV_EXIT, .time = now(), .pid = pid, .tid = tid };

	ptable_event(t, &ev);
}

static void ev_lost(struct ptable *t)
{
	struct event ev = { .type = EV_LOST, .time = now() };

	ev.lost.records = 1;
	ptable_event(t, &ev);
}

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
	CHECK(m && m->kind == MAP_FILE && m->pgoff == 0x1000 && m->ino == 11 && m->maj == 0xfe);
	CHECK_STR(m->path, "/usr/bin/prog");
	m = process_map_at(t, p, 0x7f0000100010);
	CHECK(m && m->kind == MAP_ANON);
	m = process_map_at(t, p, 0x7ffff0000000);
	CHECK(m && m->kind == MAP_VDSO);
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

TEST(the_real_proc)
{
	struct ptable_config cfg = { 0 };
	struct files *fs = files_new(1 << 20);
	struct ptable *t = ptable_new(&cfg, fs);
	uint64_t addr = (uint64_t)(uintptr_t)test_the_real_proc, t0, off;
	struct ptable_counters c;
	struct process *p;
	struct mapping *m;
	int status;
	pid_t pid;

	CHECK(t && fs);
	t0 = now();
	CHECK_EQ(ptable_scan(t, t0), 0);
	ptable_counters(t, &c);
	printf("# %d processes, %d mappings read in %.2f ms, %d bytes\n", (int)c.processes,
	       (int)c.mappings, (double)(now() - t0) / 1e6, (int)c.bytes);
	p = sample(t, getpid());
	CHECK(p && !p->incomplete && p->n_maps > 2);
	CHECK(strstr(p->labels.exe, "test_proc_ptable"));
	CHECK(p->start_time > 0);
	m = process_map_at(t, p, addr);
	CHECK(m && m->file);
	CHECK(file_vaddr(m->file, addr - m->start + m->pgoff, &off));
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	/* no event told of it */
	p = sample(t, pid);
	CHECK(p && !p->incomplete);
	m = process_map_at(t, p, addr);
	CHECK(m && m->file);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(sample(t, pid) == p);
	t0 = now();
	for (int i = 0; i < 1000000; i++)
		sample(t, pid);
	printf("# %.0f ns a sample of a known process, clock included\n",
	       (double)(now() - t0) / 1e6);
	ptable_free(t);
	files_free(fs);
}

/* <sys/mman.h> and enum map_kind have names in common: by the system call's number */
static void *map_code(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	long p;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	p = syscall(SYS_mmap, NULL, *len, 5L /* read, execute */, 2L /* private */, fileno(f), 0L);
	fclose(f);
	return p == -1 ? NULL : (void *)p;
}

TEST(a_dead_child_does_not_spoil_its_parents_files)
{
	struct ptable_config cfg = { 0 };
	struct files *fs = files_new(1 << 20);
	struct ptable *t = ptable_new(&cfg, fs);
	struct process *child, *self;
	char path[128];
	size_t len;
	void *p;

	snprintf(path, sizeof(path), "%s/gone", root);
	run("mkdir -p %s && cp /bin/true %s", root, path);
	p = map_code(path, &len);
	CHECK(p);
	unlink(path);
	self = sample(t, getpid());
	/* a pid above any limit: a child that is gone */
	ev_fork(t, getpid(), 1 << 29, 1 << 29);
	child = sample(t, 1 << 29);
	CHECK_EQ(child->n_maps, self->n_maps);
	CHECK(!process_map_at(t, child, (uint64_t)(uintptr_t)p)->file);
	CHECK(process_map_at(t, child, (uint64_t)(uintptr_t)p)->file_failed);
	if (access("/proc/self/map_files", X_OK))
		SKIP("no right to use map_files here");
	CHECK(process_map_at(t, self, (uint64_t)(uintptr_t)p)->file);
	syscall(SYS_munmap, p, len);
	ptable_free(t);
	files_free(fs);
}

int main(void)
{
	strcpy(root, "/tmp/ringprof-proc-XXXXXX");
	if (!mkdtemp(root))
		abort();
	atexit(remove_root);
	return tap_main();
}
