// SPDX-License-Identifier: GPL-2.0
/*
 * A source on this host: a child that spins in one function must come back as
 * samples of that function, a child of 5 ms with its whole side band, all in
 * time order and every overflow accounted for.
 *
 * It is the perf source; RINGPROF_LIVE_SOURCE=kmod where the module is loaded.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/control.h"
#include "source/source.h"
#include "tap.h"

#define HZ	999U
#define SPIN_MS 600U

struct seen {
	pid_t child;
	uint64_t last_time;
	uint64_t samples, disorder, child_samples, child_leaf, child_weight, bad_ends, in_cgroup;
	uint64_t mmaps, comms, execs, forks, exits, lost, others;
	uint64_t cgroup, cpu1;
	struct chains *chains;
};

/* In a section of its own, whose bounds the linker tells. Ends after ms of CPU time. */
__attribute__((noinline, section("spin_text"))) static uint64_t spin(uint64_t ms)
{
	volatile uint64_t n = 0;

	do {
		for (int i = 0; i < 200000; i++)
			n = n + 1;
	} while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < ms * NSEC_PER_MSEC);
	return n;
}

extern const char __start_spin_text[], __stop_spin_text[];

static uint64_t cpu_ns(const struct rusage *ru)
{
	return (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * NSEC_PER_SEC +
	       (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * 1000;
}

static void take_sample(struct seen *seen, const struct event *ev)
{
	uint32_t root = ev->sample.chain;

	seen->samples++;
	seen->cpu1 += ev->cpu == 1;
	for (uint32_t p; (p = chain_parent(seen->chains, root));)
		root = p;
	if ((chain_addr(seen->chains, root) & RINGPROF_END_MASK) != RINGPROF_END_MARK)
		seen->bad_ends++;
	if (ev->pid != seen->child) {
		seen->others++;
		return;
	}
	seen->child_samples++;
	seen->child_weight += ev->sample.weight;
	seen->cgroup = ev->sample.cgroup;
	seen->child_leaf += ev->sample.leaf >= (uintptr_t)__start_spin_text &&
			    ev->sample.leaf < (uintptr_t)__stop_spin_text;
}

static void take(void *arg, const struct event *ev)
{
	struct seen *seen = arg;

	seen->disorder += ev->time < seen->last_time;
	seen->last_time = ev->time;
	if (ev->type == EV_SAMPLE)
		take_sample(seen, ev);
	else if (ev->type == EV_LOST)
		seen->lost++;
	if (ev->pid != seen->child)
		return;
	seen->mmaps += ev->type == EV_MMAP && ev->mmap.path[0];
	seen->comms += ev->type == EV_COMM;
	seen->execs += ev->type == EV_COMM && ev->comm.exec;
	seen->forks += ev->type == EV_FORK && ev->fork.ppid == getpid();
	seen->exits += ev->type == EV_EXIT;
}

static struct chains *chains;
static struct source *source;

static void let_go(void)
{
	source_close(source);
	chains_free(chains);
	source = NULL;
	chains = NULL;
}

static enum source_kind kind(void)
{
	const char *name = getenv("RINGPROF_LIVE_SOURCE");

	return name && !strcmp(name, "kmod") ? SOURCE_KMOD : SOURCE_PERF;
}

/* Under emulation a sample costs more than the governor's budget. */
static void governor_off(void)
{
	struct control_config *cfg = calloc(1, sizeof(*cfg));
	struct control *ctl;
	char err[256];
	int r;

	CHECK(cfg);
	cfg->set_budget = true;
	cfg->set_cgroup = true; /* the one of an earlier run may be gone */
	if (control_open(&ctl, err, sizeof(err))) {
		free(cfg);
		TAP_FAIL("%s", err);
	}
	r = control_set(ctl, cfg);
	free(cfg);
	control_close(ctl);
	CHECK_EQ(r, 0);
}

static void open_source_in(const struct source_config *cfg, size_t chain_bytes)
{
	static char why[512], err[512];
	int r;

	if (cfg->kind == SOURCE_KMOD)
		governor_off();
	chains = chains_new(chain_bytes);
	CHECK(chains);
	r = source_open(&source, cfg, chains, err, sizeof(err));
	if (r) {
		chains_free(chains);
		printf("# %s\n", err);
	}
	if (r == -EPERM || r == -EACCES || r == -ENOSYS) {
		snprintf(why, sizeof(why), "perf_event_open is refused here: %s", strerror(-r));
		SKIP(why);
	}
	CHECK_EQ(r, 0);
	r = source_start(source, err, sizeof(err));
	if (r)
		printf("# %s\n", err);
	CHECK_EQ(r, 0);
}

static void open_source(const struct source_config *cfg)
{
	open_source_in(cfg, 16 << 20);
}

static void drain(struct seen *seen)
{
	uint64_t upto = 0, now = mono_now();

	CHECK_EQ(source_drain(source, take, seen, &upto), 0);
	CHECK(upto + 2 * SOURCE_LAG_NS > now && upto <= mono_now());
}

/* A drain that may end early. */
static void drain_again(struct seen *seen)
{
	uint64_t upto = 0;

	CHECK_EQ(source_drain(source, take, seen, &upto), 0);
	CHECK(upto >= seen->last_time);
}

/* The rest, when nothing comes any more. */
static void finish(struct seen *seen)
{
	CHECK_EQ(source_stop(source), 0);
	usleep(3 * SOURCE_LAG_NS / 1000);
	drain(seen);
}

static pid_t spin_child(unsigned int ms)
{
	pid_t pid = fork();

	if (!pid) {
		/* a failed test leaves no child behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		spin(ms);
		_exit(0);
	}
	return pid;
}

static uint64_t sum(const struct source_counters *c)
{
	uint64_t n = 0;

	for (int i = 0; i < 16; i++)
		n += c->outcome[i];
	return n;
}

static void print_counters(const struct source_counters *c)
{
	printf("# calls %" PRIu64 ":", c->calls);
	for (unsigned int i = 0; i <= RINGPROF_OUT_MAX; i++)
		if (c->outcome[i])
			printf(" %s %" PRIu64, control_outcome_name(i), c->outcome[i]);
	printf("; missed %" PRIu64 " late %" PRIu64 " side band %" PRIu64 " lost %" PRIu64
	       " frames %" PRIu64 " bytes %" PRIu64 "; detached %" PRIu64 " corrupt %" PRIu64
	       " lost here %" PRIu64 "\n",
	       c->missed, c->late, c->sideband_records, c->sideband_lost, c->frames, c->bytes,
	       c->detached, c->corrupt, c->lost_samples);
}

TEST(a_spinning_child_is_sampled_at_its_function)
{
	struct source_config cfg = { .kind = kind(), .hz = HZ };
	struct source_counters cnt;
	struct seen seen = { 0 };
	struct rusage ru;
	uint64_t want;
	pid_t r;

	open_source(&cfg);
	seen.chains = chains;
	seen.child = spin_child(SPIN_MS);
	while (!(r = wait4(seen.child, NULL, WNOHANG, &ru))) {
		usleep(100000);
		drain(&seen);
	}
	CHECK_EQ(r, seen.child);
	finish(&seen);
	CHECK_EQ(source_counters(source, &cnt), 0);
	print_counters(&cnt);
	want = cpu_ns(&ru);
	printf("# child: %" PRIu64 " samples, %" PRIu64 " at its function, %.1f ms by weight, %.1f "
	       "ms by rusage, "
	       "cgroup %" PRIu64 "; %" PRIu64 " samples of others\n",
	       seen.child_samples, seen.child_leaf, (double)seen.child_weight / 1e6,
	       (double)want / 1e6, seen.cgroup, seen.others);
	CHECK_EQ(seen.disorder, 0);
	CHECK_EQ(seen.bad_ends, 0);
	CHECK(seen.child_samples > 50);
	/* the rest is in the clock's own code */
	CHECK(seen.child_leaf * 10 >= seen.child_samples * 9);
	/* 600 samples: 5 sigma of rate noise is far below a quarter */
	CHECK(seen.child_weight * 4 > want * 3 && seen.child_weight * 4 < want * 5);
	CHECK_EQ(sum(&cnt), cnt.calls);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_EMITTED], seen.samples);
	CHECK_EQ(cnt.late + cnt.corrupt + cnt.lost_samples + cnt.detached, 0);
	CHECK_EQ(source_info(source)->kind, cfg.kind);
	CHECK(source_info(source)->cpus >= 1);
	CHECK(source_bytes(source) > 0);
	let_go();
}

TEST(a_child_of_5_ms_leaves_its_whole_side_band)
{
	struct source_config cfg = { .kind = kind(), .hz = HZ };
	struct seen seen = { 0 };

	open_source(&cfg);
	seen.chains = chains;
	seen.child = fork();
	if (!seen.child) {
		execl("/bin/sleep", "sleep", "0.005", NULL);
		_exit(127);
	}
	CHECK_EQ(waitpid(seen.child, NULL, 0), seen.child);
	finish(&seen);
	printf("# child: fork %" PRIu64 ", exec %" PRIu64 ", comm %" PRIu64 ", mmap %" PRIu64
	       ", exit %" PRIu64 "\n",
	       seen.forks, seen.execs, seen.comms, seen.mmaps, seen.exits);
	CHECK_EQ(seen.forks, 1);
	CHECK_EQ(seen.execs, 1);
	CHECK_EQ(seen.exits, 1);
	/* the program, its loader, libc and the vDSO */
	CHECK(seen.mmaps >= 4);
	CHECK_EQ(seen.disorder, 0);
	let_go();
}

TEST(the_pid_filter_keeps_one_process_and_what_it_forks)
{
	pid_t me = getpid();
	struct source_config cfg = { .kind = kind(), .hz = HZ, .pids = &me, .n_pids = 1 };
	pid_t stranger = spin_child(300);
	struct source_counters cnt;
	struct seen seen = { 0 };

	/* forked before the filter was there, so not followed */
	open_source(&cfg);
	seen.chains = chains;
	seen.child = spin_child(150);
	CHECK_EQ(waitpid(seen.child, NULL, 0), seen.child);
	CHECK_EQ(waitpid(stranger, NULL, 0), stranger);
	finish(&seen);
	CHECK_EQ(source_counters(source, &cnt), 0);
	print_counters(&cnt);
	CHECK(seen.child_samples > 10);
	/* ourselves, hardly running */
	CHECK(seen.others < seen.child_samples);
	CHECK(cnt.outcome[RINGPROF_OUT_FILTERED] > 10);
	CHECK_EQ(sum(&cnt), cnt.calls);
	let_go();
}

TEST(a_chain_table_that_fills_up_loses_no_sample)
{
	struct source_config cfg = { .kind = kind(), .hz = HZ };
	struct source_counters cnt;
	struct seen seen = { 0 };
	uint32_t resets;

	/* room for one chunk of nodes; each drain interns some thousand of them besides */
	open_source_in(&cfg, 160 << 10);
	seen.chains = chains;
	seen.child = spin_child(200);
	for (int i = 0; i < 5; i++) {
		for (uint64_t a = 0; chain_intern(chains, 0, RINGPROF_END_MARK | a) != CHAIN_NONE;)
			a += 4096;
		usleep(50000);
		drain_again(&seen);
	}
	CHECK_EQ(waitpid(seen.child, NULL, 0), seen.child);
	CHECK_EQ(source_stop(source), 0);
	usleep(3 * SOURCE_LAG_NS / 1000);
	for (int i = 0; i < 10; i++)
		drain_again(&seen);
	CHECK_EQ(source_counters(source, &cnt), 0);
	resets = chains_generation(chains);
	printf("# %u new starts of the table\n", resets);
	CHECK(resets >= 2);
	CHECK_EQ(cnt.lost_samples, 0);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_EMITTED], seen.samples);
	CHECK(seen.child_samples > 10);
	CHECK_EQ(seen.disorder, 0);
	let_go();
}

TEST(a_full_ring_is_counted_and_nothing_else_is_amiss)
{
	struct source_config cfg = { .kind = kind(), .hz = 9999, .ring_bytes = 16384 };
	struct source_counters cnt;
	struct seen seen = { 0 };

	open_source(&cfg);
	seen.chains = chains;
	/* the loss is told with the next sample that has room */
	for (int i = 0; i < 2; i++) {
		seen.child = spin_child(300);
		CHECK_EQ(waitpid(seen.child, NULL, 0), seen.child);
		drain(&seen);
		usleep(20000);
	}
	finish(&seen);
	CHECK_EQ(source_counters(source, &cnt), 0);
	print_counters(&cnt);
	CHECK(cnt.outcome[RINGPROF_LOST_RING_FULL] > 100);
	CHECK_EQ(cnt.outcome[RINGPROF_OUT_EMITTED], seen.samples);
	CHECK_EQ(sum(&cnt), cnt.calls);
	CHECK_EQ(cnt.corrupt + cnt.lost_samples, 0);
	CHECK_EQ(seen.disorder, 0);
	let_go();
}

/* Where cgroup v2 is mounted, alone or beside v1. */
static const char *cgroup_mount(void)
{
	return access("/sys/fs/cgroup/unified/cgroup.procs", W_OK) ? "/sys/fs/cgroup"
								   : "/sys/fs/cgroup/unified";
}

static bool write_pid(const char *file, pid_t pid)
{
	FILE *f = fopen(file, "w");
	bool ok = f && fprintf(f, "%d", pid) > 0;

	return (!f || !fclose(f)) && ok;
}

TEST(the_cgroup_filter_keeps_its_subtree)
{
	char name[64], dir[256], procs[320];
	struct source_config cfg = { .kind = kind(), .hz = HZ, .cgroup = name };
	struct source_counters cnt;
	struct seen seen = { 0 };
	int go[2];

	snprintf(name, sizeof(name), "ringprof-test-%d", getpid());
	snprintf(dir, sizeof(dir), "%s/%s", cgroup_mount(), name);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	if (mkdir(dir, 0755))
		SKIP("no cgroup can be made here");
	CHECK_EQ(pipe(go), 0);
	seen.child = fork();
	if (!seen.child) {
		char c;

		if (read(go[0], &c, 1) == 1)
			spin(200);
		_exit(0);
	}
	CHECK(write_pid(procs, seen.child));
	open_source(&cfg);
	seen.chains = chains;
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(waitpid(seen.child, NULL, 0), seen.child);
	finish(&seen);
	CHECK_EQ(rmdir(dir), 0);
	close(go[0]);
	close(go[1]);
	CHECK_EQ(source_counters(source, &cnt), 0);
	print_counters(&cnt);
	CHECK(seen.child_samples > 10);
	CHECK_EQ(seen.others, 0);
	CHECK(seen.cgroup > 1);
	let_go();
}

/* Only where a machine is ours: RINGPROF_LIVE_HOTPLUG=1, two CPUs or more. */
static void set_online(bool on)
{
	CHECK(write_pid("/sys/devices/system/cpu/cpu1/online", on));
}

/* Time for two rescans, as a CPU that goes takes; gives samples of CPU 1 since. */
static uint64_t watch_cpu1(struct seen *seen)
{
	uint64_t before = seen->cpu1;

	for (int i = 0; i < 10; i++) {
		usleep(500000);
		drain(seen);
	}
	return seen->cpu1 - before;
}

static void test_cpus_go_and_come(void)
{
	struct source_config cfg = { .kind = kind(), .hz = 99 };
	pid_t pid[2] = { spin_child(60000), spin_child(60000) };
	struct seen seen = { 0 };
	uint64_t on, off, again, bounced;

	open_source(&cfg);
	seen.chains = chains;
	on = watch_cpu1(&seen);
	set_online(false);
	watch_cpu1(&seen);
	off = watch_cpu1(&seen);
	set_online(true);
	watch_cpu1(&seen);
	again = watch_cpu1(&seen);
	/* too short for any rescan to see */
	set_online(false);
	set_online(true);
	watch_cpu1(&seen);
	bounced = watch_cpu1(&seen);
	finish(&seen);
	printf("# samples of CPU 1 in 5 s: %" PRIu64 ", off line %" PRIu64 ", on again %" PRIu64
	       ", after a bounce %" PRIu64 "; side band lost %" PRIu64 " times\n",
	       on, off, again, bounced, seen.lost);
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		CHECK_EQ(waitpid(pid[i], NULL, 0), pid[i]);
	}
	CHECK(on > 100 && off == 0 && again > 100 && bounced > 100);
	CHECK(seen.lost >= 2);
	CHECK_EQ(seen.disorder, 0);
	let_go();
}

int main(void)
{
	if (getenv("RINGPROF_LIVE_HOTPLUG"))
		tap_tests[tap_n++] = (struct tap_test){ "cpus_go_and_come", test_cpus_go_and_come };
	return tap_main();
}
