// SPDX-License-Identifier: GPL-2.0
/*
 * The process table on the real /proc: this process, a real child, and a
 * mapping whose file is gone.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/ptable.h"
#include "tap.h"
#include "test_map_code.h"
#include "test_proc_world.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

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
	CHECK(strstr(p->labels.exe, "test_proc_live"));
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
	CHECK(p != MAP_FAILED);
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
	munmap(p, len);
	ptable_free(t);
	files_free(fs);
}

/* A directory of our own in a hierarchy of cgroups; its number, 0: none can be made. */
static uint64_t make_cgroup(const char *mount, char *dir, size_t len)
{
	struct stat st;

	snprintf(dir, len, "%s/ringprof-%d.service", mount, (int)getpid());
	if (mkdir(dir, 0755) || stat(dir, &st))
		return 0;
	return st.st_ino;
}

static void gone_in_cgroup(const char *mount, enum cgroup_ids ids)
{
	struct ptable_config cfg = { 0 };
	struct ptable *t = ptable_new(&cfg, NULL);
	char dir[300], unit[64];
	struct process *p;
	uint64_t id;

	CHECK(t);
	ptable_cgroup_ids(t, ids);
	id = make_cgroup(mount, dir, sizeof(dir));
	if (!id) {
		ptable_free(t);
		SKIP("no cgroup can be made here");
	}
	snprintf(unit, sizeof(unit), "ringprof-%d.service", (int)getpid());
	/* a pid above any limit: a child that is gone, and lived where its parent does not */
	ev_fork(t, getpid(), 1 << 29, 1 << 29);
	p = sample_in(t, 1 << 29, id);
	CHECK_STR(p->labels.unit, unit);
	CHECK_STR(p->labels.service_name, unit);
	rmdir(dir);
	/* the directory is gone too: what it was called stays with who was asked for before */
	CHECK_STR(sample_in(t, 1 << 29, id)->labels.unit, unit);
	ev_fork(t, getpid(), (1 << 29) + 1, (1 << 29) + 1);
	CHECK(strcmp(sample_in(t, (1 << 29) + 1, id)->labels.unit, unit) != 0);
	ptable_free(t);
}

TEST(the_cgroup_of_a_process_that_is_gone)
{
	gone_in_cgroup(access("/sys/fs/cgroup/cgroup.procs", F_OK) ? "/sys/fs/cgroup/unified"
								   : "/sys/fs/cgroup",
		       CGROUP_IDS_UNIFIED);
}

TEST(the_cgroup_of_version_1)
{
	if (access("/sys/fs/cgroup/memory", W_OK))
		SKIP("version 1 does not have the memory controller here");
	gone_in_cgroup("/sys/fs/cgroup/memory", CGROUP_IDS_V1);
}

/* With several hierarchies the root of one says nothing: processes are named by another. */
TEST(the_root_of_one_hierarchy_is_not_learnt)
{
	struct ptable_config cfg = { 0 };
	struct ptable *t = ptable_new(&cfg, NULL);
	char before[4096];
	struct process *p;
	struct stat st;
	int status;
	pid_t pid;

	CHECK(t);
	if (stat("/sys/fs/cgroup/unified", &st)) {
		ptable_free(t);
		SKIP("one hierarchy alone here");
	}
	ptable_cgroup_ids(t, CGROUP_IDS_UNIFIED);
	CHECK_EQ(ptable_scan(t, now()), 0);
	/* a kernel thread is in the root of all of them */
	sample_in(t, 2, st.st_ino);
	p = sample(t, getpid());
	snprintf(before, sizeof(before), "%s", p->labels.cgroup);
	CHECK_STR(sample_in(t, getpid(), st.st_ino)->labels.cgroup, before);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	ev_fork(t, getpid(), pid, pid);
	CHECK_STR(sample_in(t, pid, st.st_ino)->labels.cgroup, before);
	ptable_free(t);
}

/* The runtime's cgroup in the unified hierarchy, known by its id, is its containers' too. */
TEST(a_hierarchy_without_containers_hides_none)
{
	struct ptable_config cfg = { .proc_root = root };
	struct ptable *t = ptable_new(&cfg, NULL);
	char dir[300], runtime[128], inside[256];
	uint64_t id;

	ptable_cgroup_ids(t, CGROUP_IDS_UNIFIED);
	id = make_cgroup("/sys/fs/cgroup/unified", dir, sizeof(dir));
	if (!id) {
		ptable_free(t);
		SKIP("one hierarchy alone here, or no right to it");
	}
	snprintf(runtime, sizeof(runtime), "4:memory:/\n0::/ringprof-%d.service\n", (int)getpid());
	snprintf(inside, sizeof(inside), "4:memory:/docker/" ID "\n0::/ringprof-%d.service\n",
		 (int)getpid());
	fake(&(struct fake){ .pid = 101, .comm = "early", .cgroup = inside });
	/* not known yet, and gone: the kernel is asked */
	CHECK_STR(sample(t, 101)->labels.container_id, ID);
	ev_fork(t, 101, 102, 102);
	CHECK_STR(sample_in(t, 102, id)->labels.container_id, ID);
	fake(&(struct fake){ .pid = 100, .comm = "runtime", .cgroup = runtime });
	CHECK(strstr(sample_in(t, 100, id)->labels.unit, "ringprof-"));
	CHECK_STR(sample_in(t, 101, id)->labels.container_id, ID);
	ev_fork(t, 101, 103, 103);
	CHECK_STR(sample_in(t, 103, id)->labels.container_id, ID);
	/* it has left its container */
	fake(&(struct fake){ .pid = 104, .comm = "leaves", .cgroup = inside });
	CHECK_STR(sample(t, 104)->labels.container_id, ID);
	put(104, "cgroup", runtime);
	CHECK_STR(sample_in(t, 104, id)->labels.container_id, "");
	rmdir(dir);
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
