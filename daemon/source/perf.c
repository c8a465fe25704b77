// SPDX-License-Identifier: GPL-2.0
/*
 * The perf source: cpu-clock on every CPU by perf_event_open, for hosts where
 * no module can be loaded. Opening, CPUs that come and go, and counters; the
 * samples' way is in perf_cpu.c.
 *
 * Used by the collector thread alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ringprof/period.h"
#include "source/known_bad.h"
#include "source/perf_cpu.h"
#include "source/perf_open.h"
#include "source/sideband.h"

/* the kernel's tick is not told to us; ticks of 100, 250 and 1000 Hz are multiples of this */
#define TICK_NS		  1000000U
#define DEFAULT_MAX_STACK 127U
/* what a sample of some 30 frames needs */
#define SAMPLE_BYTES	 400ULL
#define BUFFERED_SECONDS 3ULL
#define MIN_RING	 (64ULL << 10)
#define MAX_RING	 (8ULL << 20)
/*
 * With copies of user stacks a sample is 40 times as large: at 99 Hz and 16 KiB
 * 1.7 MB a second and busy CPU (idle ones copy nothing). The rings of all CPUs
 * together keep to this; where that is less than what was asked for, the drains
 * come closer together, for a half-full ring wakes the reader.
 */
#define MAX_RINGS      (128ULL << 20)
#define MAX_STACK_RING (64ULL << 20)
/* what a ring must hold to be of use; below that a smaller copy is the better bargain */
#define MIN_RECORDS 16U
#define MIN_STACK   2048U
#define MAX_STACK   65528U /* a record's size is 16 bits; perf cuts the copy to fit */

/* Inode of the initial pid namespace, PROC_PID_INIT_INO of the kernel. */
#define INIT_PID_NS 0xEFFFFFFCU

static uint64_t clamp(uint64_t n, uint64_t min, uint64_t max)
{
	return n < min ? min : n > max ? max : n;
}

static uint64_t record_bytes(const struct perf *p)
{
	return p->user_stack + SAMPLE_BYTES;
}

static size_t ring_bytes(const struct perf *p, uint32_t hz)
{
	uint64_t n = hz * record_bytes(p) * BUFFERED_SECONDS, max = MAX_RING;

	if (p->s->cfg.ring_bytes)
		n = p->s->cfg.ring_bytes;
	else if (p->user_stack)
		max = clamp(MAX_RINGS / p->n_cpus, MIN_RECORDS * record_bytes(p), MAX_STACK_RING);
	return clamp(n, MIN_RING, max);
}

static int check_rate(uint32_t hz, char *err, size_t errlen)
{
	long max = perf_sysctl("perf_event_max_sample_rate", 100000);

	if (hz <= max)
		return 0;
	snprintf(err, errlen,
		 "frequency %u Hz is above sysctl kernel.perf_event_max_sample_rate (%ld): perf "
		 "would "
		 "throttle it; raise that or sample at %ld Hz or less",
		 hz, max, max);
	return -EINVAL;
}

static uint32_t max_stack(const struct source *s)
{
	long allowed = perf_sysctl("perf_event_max_stack", DEFAULT_MAX_STACK);
	uint32_t max = allowed > 0 && allowed < UINT16_MAX ? (uint32_t)allowed : DEFAULT_MAX_STACK;

	return s->cfg.perf_max_stack && s->cfg.perf_max_stack < max ? s->cfg.perf_max_stack : max;
}

static bool wanted(const struct perf *p, uint32_t cpu)
{
	return cpu_isset(&p->s->online, cpu) && cpu_isset(&p->mask, cpu);
}

static void make_mask(struct perf *p)
{
	if (p->s->cfg.cpus && *p->s->cfg.cpus) {
		cpus_parse(p->s->cfg.cpus, &p->mask); /* source_open checked it */
		return;
	}
	memset(&p->mask, 0xff, sizeof(p->mask));
	cpus_drop_isolated(&p->mask);
}

/* Copies of stacks are walked here; without them the kernel walks user stacks itself. */
static int check_kernel(const struct perf *p, char *err, size_t errlen)
{
	const char *why;
	struct utsname u;

	uname(&u);
	why = p->user_stack ? NULL : known_bad_user_chains(u.release, u.version);
	if (!why)
		return 0;
	snprintf(err, errlen,
		 "perf: kernel %.64s: %s; use unwind = rows with perf-stack, the module, or "
		 "another "
		 "kernel",
		 u.release, why);
	return -EOPNOTSUPP;
}

static int probe(struct perf *p, char *err, size_t errlen)
{
	uint32_t cpu = 0;
	int r;

	while (cpu < p->n_cpus && !wanted(p, cpu))
		cpu++;
	if (cpu == p->n_cpus) {
		snprintf(err, errlen, "perf: none of the wished-for CPUs is on line");
		return -ENODEV;
	}
	r = check_kernel(p, err, errlen);
	if (r)
		return r;
	r = perf_probe_sampling(&p->attr, (int)cpu, p->cgroup, p->period, p->max_stack,
				p->user_stack);
	if (r && p->cgroup >= 0 && (r == -EBADF || r == -EINVAL || r == -ENOENT)) {
		snprintf(err, errlen,
			 "cgroup %s: perf cannot sample it: no CONFIG_CGROUP_PERF in this kernel, "
			 "or "
			 "a cgroup of another hierarchy",
			 p->s->cfg.cgroup);
		return r;
	}
	if (r) {
		perf_explain(r, false, err, errlen);
		return r;
	}
	if (!p->attr.sample_max_stack)
		p->max_stack = DEFAULT_MAX_STACK;
	return 0;
}

static int open_cpus(struct perf *p, char *err, size_t errlen)
{
	uint32_t n = 0;
	bool mapping;

	for (uint32_t i = 0; i < p->n_cpus; i++) {
		int r = wanted(p, i) ? perf_cpu_open(&p->cpus[i], &mapping) : -ENODEV;

		if (r && r != -ENODEV) {
			perf_explain(r, mapping, err, errlen);
			return r;
		}
		n += !r;
	}
	p->s->info.cpus = n;
	return 0;
}

static bool in_host_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) || st.st_ino == INIT_PID_NS;
}

static void fill_info(const struct perf *p, uint32_t hz)
{
	struct source_info *info = &p->s->info;

	info->kind = SOURCE_PERF;
	info->name = "perf";
	info->hz = hz;
	info->period = p->period;
	info->unit = RINGPROF_UNIT_NS;
	info->clock = CLOCK_MONOTONIC;
	info->features = RINGPROF_FEAT_MONOTONIC | RINGPROF_FEAT_KERNEL | RINGPROF_FEAT_USER |
			 (p->attr.sample_type & PERF_SAMPLE_CGROUP ? RINGPROF_FEAT_CGROUP : 0);
	info->rows = p->user_stack;
	info->perf_stack = p->user_stack;
}

/* Are the rings large enough for the records that they are to hold? */
static bool rings_do(const struct perf *p)
{
	for (uint32_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i].ring.fd >= 0 && p->cpus[i].ring.size < MIN_RECORDS * record_bytes(p))
			return false;
	return true;
}

static void close_cpus(struct perf *p)
{
	for (uint32_t i = 0; i < p->n_cpus; i++)
		perf_cpu_close(&p->cpus[i]);
}

static void say_less(struct perf *p, uint32_t wanted_stack)
{
	static const char why[] = "their rings got too small (ring-size, sysctl "
				  "kernel.perf_event_mlock_kb, ulimit -l)";
	struct source_info *info = &p->s->info;

	if (p->user_stack)
		snprintf(info->stacks, sizeof(info->stacks),
			 "unwind rows, over copies of %u bytes of stack instead of %u: %s",
			 p->user_stack, wanted_stack, why);
	else
		snprintf(info->stacks, sizeof(info->stacks),
			 "frame pointers: no copies of user stacks: %s", why);
}

/*
 * Opens with copies of user stacks, of half the size where the limit of locked
 * memory leaves too small rings, and without them where this kernel or the
 * limit wants it so.
 */
static int open_events(struct perf *p, uint32_t hz, char *err, size_t errlen)
{
	uint32_t wanted_stack = p->user_stack;

	for (;;) {
		int r;

		p->ring_bytes = ring_bytes(p, hz);
		r = probe(p, err, errlen);
		if (!r)
			r = open_cpus(p, err, errlen);
		if (!p->user_stack || (!r && rings_do(p)))
			return r;
		close_cpus(p);
		if (r && r != -EPERM && r != -ENOMEM) {
			snprintf(p->s->info.stacks, sizeof(p->s->info.stacks),
				 "frame pointers: no copies of user stacks: %.200s", err);
			p->user_stack = 0;
			continue;
		}
		p->user_stack = p->user_stack / 2 / 8 * 8;
		if (p->user_stack < MIN_STACK)
			p->user_stack = 0;
		say_less(p, wanted_stack);
	}
}

/* How much to copy of user stacks; a sentence when it is not what was asked for. */
static uint32_t user_stack(const struct source *s, char *why, size_t len)
{
	if (!s->cfg.rows || !s->cfg.unwind)
		snprintf(why, len, "frame pointers, as asked for");
	else if (!s->cfg.perf_stack)
		snprintf(why, len, "frame pointers: perf-stack is 0");
	else if (!perf_user_regs_mask)
		snprintf(why, len, "frame pointers: no unwind rows on this architecture");
	else {
		uint32_t n = (uint32_t)clamp(s->cfg.perf_stack / 8 * 8, 8, MAX_STACK);

		snprintf(why, len, "unwind rows, over copies of %u bytes of stack", n);
		return n;
	}
	return 0;
}

static int open_parts(struct perf *p, char *err, size_t errlen)
{
	uint32_t hz = p->s->cfg.hz ? p->s->cfg.hz : RINGPROF_DEFAULT_HZ;
	int r = check_rate(hz, err, errlen);

	if (r)
		return r;
	p->period = ringprof_period(hz, TICK_NS);
	p->max_stack = max_stack(p->s);
	p->user_stack = user_stack(p->s, p->s->info.stacks, sizeof(p->s->info.stacks));
	p->host_pids = in_host_pid_ns();
	make_mask(p);
	if (p->s->cfg.cgroup && *p->s->cfg.cgroup) {
		p->cgroup = perf_open_cgroup(p->s->cfg.cgroup, err, errlen);
		if (p->cgroup < 0)
			return p->cgroup;
	}
	r = open_events(p, hz, err, errlen);
	if (!r)
		fill_info(p, hz);
	return r;
}

static void perf_close(struct source *s)
{
	struct perf *p = s->priv;

	close_cpus(p);
	if (p->cgroup >= 0)
		close(p->cgroup);
	buf_free(&p->stat);
	free(p);
	s->priv = NULL;
}

static int perf_open(struct source *s, char *err, size_t errlen)
{
	uint32_t n = cpus_possible();
	struct perf *p = calloc(1, sizeof(*p) + n * sizeof(p->cpus[0]));
	int r;

	if (!p) {
		snprintf(err, errlen, "perf: out of memory");
		return -ENOMEM;
	}
	p->s = s;
	p->n_cpus = n;
	p->cgroup = -1;
	for (uint32_t i = 0; i < n; i++)
		perf_cpu_init(&p->cpus[i], p, i);
	s->priv = p;
	r = open_parts(p, err, errlen);
	if (r)
		perf_close(s);
	return r;
}

static int perf_start(struct source *s, char *err, size_t errlen)
{
	struct perf *p = s->priv;

	for (uint32_t i = 0; i < p->n_cpus; i++) {
		int r = perf_cpu_enable(&p->cpus[i], true);

		if (r) {
			snprintf(err, errlen, "perf: cannot start on CPU %u: %s", i, strerror(-r));
			return r;
		}
	}
	p->running = true;
	p->stopped = false;
	return 0;
}

/* Without it idle CPUs' stopped timers count as missed: too many losses, never too few. */
static void read_stat(struct perf *p)
{
	buf_reset(&p->stat);
	if (buf_read_file(&p->stat, "/proc/stat", 16 << 20))
		buf_reset(&p->stat);
	if (p->stat.data)
		p->stat.data[p->stat.len] = '\0';
}

static int perf_stop(struct source *s)
{
	struct perf *p = s->priv;
	int first = 0;

	read_stat(p);
	for (uint32_t i = 0; i < p->n_cpus; i++) {
		int r = perf_cpu_enable(&p->cpus[i], false);

		first = first ? first : r;
		perf_cpu_snapshot(&p->cpus[i], p->stat.data ? p->stat.data : "");
	}
	p->running = false;
	p->stopped = true;
	return first;
}

/* What cannot be opened now (no memory, CPU gone again) is tried again next time. */
static void rescan_cpu(struct perf *p, uint32_t i)
{
	struct perf_cpu *c = &p->cpus[i];
	uint32_t generation = sideband_generation(p->s->side, i);
	bool mapping;

	if (c->ring.fd >= 0 && c->generation != generation)
		perf_cpu_close(c);
	if (c->ring.fd < 0 && wanted(p, i) && !perf_cpu_open(c, &mapping) && p->running)
		perf_cpu_enable(c, true);
	/* the last one is of the stop: another would take its place before it is settled */
	if (!p->stopped)
		perf_cpu_snapshot(c, p->stat.data ? p->stat.data : "");
	p->s->info.cpus += c->ring.fd >= 0;
}

static int perf_rescan(struct source *s)
{
	struct perf *p = s->priv;

	s->info.cpus = 0;
	read_stat(p);
	for (uint32_t i = 0; i < p->n_cpus; i++)
		rescan_cpu(p, i);
	return 0;
}

static void perf_note(struct source *s)
{
	struct perf *p = s->priv;

	for (uint32_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i].ring.fd >= 0)
			perf_ring_note(&p->cpus[i].ring);
}

static int perf_add(struct source *s)
{
	struct perf *p = s->priv;
	int r = 0;

	for (uint32_t i = 0; i < p->n_cpus && !r; i++)
		if (p->cpus[i].ring.fd >= 0)
			r = merge_add(&s->merge, &p->cpus[i].stream);
	return r;
}

static void perf_release(struct source *s)
{
	struct perf *p = s->priv;

	for (uint32_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i].ring.fd >= 0)
			perf_ring_release(&p->cpus[i].ring, p->cpus[i].stream.ready);
}

static int perf_counters(struct source *s, struct source_counters *ret)
{
	struct perf *p = s->priv;

	for (uint32_t i = 0; i < p->n_cpus; i++) {
		struct perf_cpu *c = &p->cpus[i];

		perf_cpu_settle(c);
		ret->calls += c->calls;
		for (size_t o = 0; o < RINGPROF_OUT_MAX + 1; o++)
			ret->outcome[o] += c->outcome[o];
		ret->missed += c->missed;
		ret->bytes += c->bytes;
		ret->lost_samples += c->lost_samples;
		/* what was in bytes that are no records counts as missed: it is no call */
		ret->corrupt += c->corrupt + c->ring.corrupt;
	}
	ret->chain_hits = p->cache.hits;
	ret->frames = p->cache.frames;
	memcpy(ret->unwind, p->walker.unwind, sizeof(p->walker.unwind));
	return 0;
}

static size_t perf_bytes(const struct source *s)
{
	const struct perf *p = s->priv;
	size_t n = sizeof(*p) + p->n_cpus * sizeof(p->cpus[0]);

	for (uint32_t i = 0; i < p->n_cpus; i++)
		n += perf_ring_bytes(&p->cpus[i].ring);
	return n;
}

const struct source_ops source_ops_perf = {
	.open = perf_open,
	.close = perf_close,
	.start = perf_start,
	.stop = perf_stop,
	.rescan = perf_rescan,
	.note = perf_note,
	.add = perf_add,
	.release = perf_release,
	.counters = perf_counters,
	.bytes = perf_bytes,
};
