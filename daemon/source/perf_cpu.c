// SPDX-License-Identifier: GPL-2.0
/*
 * Samples of one CPU's perf event, see perf_cpu.h. Used by the collector thread
 * alone.
 */
#include "source/perf_cpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/sideband.h"

/*
 * Perf tells of losses with the next record that has room. Some of them may be
 * from after the last snapshot: then too few are taken for missed at this one,
 * and the next puts that right; but never is one a loss twice.
 */
#define LONG_AGO 0

/* time: when the first of the n was due; LONG_AGO where perf does not say. */
static void account(struct perf_cpu *c, enum ringprof_outcome what, uint64_t n, uint64_t time)
{
	c->calls += n;
	c->outcome[what] += n;
	if (time < c->snap_time) {
		c->snap_calls += n;
		c->snap_busy_calls += what == RINGPROF_OUT_IDLE ? 0 : n;
	}
}

/*
 * In another pid namespace than the host's all its strangers have pid 0; the
 * ones in user mode at least are known not to be idle.
 */
static bool is_idle(const struct perf_cpu *c)
{
	return !c->sample.pid && !c->sample.tid && (c->p->host_pids || c->sample.kernel);
}

/* Perf does not count what it throttles: it is as many periods as the time has. */
static void take_throttle(struct perf_cpu *c, bool on, uint64_t time)
{
	if (on) {
		c->throttled_at = time;
		return;
	}
	if (c->throttled_at && time > c->throttled_at)
		account(c, RINGPROF_OUT_THROTTLED, (time - c->throttled_at) / c->p->period,
			c->throttled_at);
	c->throttled_at = 0;
}

static void take_other(struct perf_cpu *c, const struct perf_event_header *h)
{
	uint64_t time = perf_record_time(h);

	if (h->type == PERF_RECORD_LOST)
		account(c, RINGPROF_LOST_RING_FULL, perf_record_lost(h), LONG_AGO);
	else if (h->type == PERF_RECORD_THROTTLE || h->type == PERF_RECORD_UNTHROTTLE)
		take_throttle(c, h->type == PERF_RECORD_THROTTLE, time);
}

static bool perf_next(struct stream *stream)
{
	struct perf_cpu *c = (struct perf_cpu *)stream;
	const struct perf_event_header *h;

	while ((h = perf_ring_next(&c->ring))) {
		c->bytes += h->size;
		if (h->type != PERF_RECORD_SAMPLE) {
			take_other(c, h);
		} else if (!perf_parse_sample(h, c->p->attr.sample_type, &c->sample)) {
			/* emitted, but not to be had */
			account(c, RINGPROF_OUT_EMITTED, 1, LONG_AGO);
			c->lost_samples++;
			c->corrupt += h->size;
		} else if (is_idle(c)) {
			account(c, RINGPROF_OUT_IDLE, 1, c->sample.time);
		} else {
			uint64_t max = c->p->s->max_time;

			stream->time = c->sample.time < max ? c->sample.time : max;
			return true;
		}
	}
	return false;
}

static int perf_deliver(struct stream *stream)
{
	struct perf_cpu *c = (struct perf_cpu *)stream;
	const struct perf_sample *p = &c->sample;
	const struct perf_user *user = NULL;
	struct source *s = c->p->s;
	struct event ev;

	if (!source_wants(s, p->pid, p->kernel)) {
		account(c, RINGPROF_OUT_FILTERED, 1, p->time);
		perf_ring_release_lazily(&c->ring);
		return 0;
	}
	ev.time = stream->time;
	ev.type = EV_SAMPLE;
	ev.cpu = c->cpu;
	ev.pid = p->pid;
	ev.tid = p->tid;
	ev.sample.leaf = p->ip;
	ev.sample.cgroup = p->cgroup;
	ev.sample.weight = c->p->period;
	if (p->abi != PERF_SAMPLE_REGS_ABI_NONE)
		user = perf_walk(&c->p->walker, s, p, stream->time);
	ev.sample.chain =
		perf_chain(&c->p->cache, s->chains, p, user, c->p->max_stack, &ev.sample.flags);
	if (source_emit(s, &ev) == EMIT_AGAIN)
		return -EAGAIN;
	account(c, RINGPROF_OUT_EMITTED, 1, p->time);
	perf_ring_release_lazily(&c->ring);
	return 0;
}

static const struct stream_ops perf_stream_ops = { .next = perf_next, .deliver = perf_deliver };

void perf_cpu_init(struct perf_cpu *c, struct perf *p, uint32_t cpu)
{
	*c = (struct perf_cpu){
		.stream.ops = &perf_stream_ops,
		.p = p,
		.cpu = cpu,
		.ring.fd = -1,
	};
}

int perf_cpu_open(struct perf_cpu *c, bool *mapping)
{
	int fd = perf_open_cpu(&c->p->attr, (int)c->cpu, c->p->cgroup), r;

	*mapping = false;
	if (fd < 0)
		return fd;
	*mapping = true;
	r = perf_ring_open(&c->ring, fd, c->p->ring_bytes);
	if (r)
		return r;
	c->generation = sideband_generation(c->p->s->side, c->cpu);
	c->throttled_at = 0;
	r = source_watch(c->p->s, fd);
	if (r)
		perf_ring_close(&c->ring);
	return r;
}

void perf_cpu_close(struct perf_cpu *c)
{
	uint64_t enabled;

	if (c->ring.fd < 0)
		return;
	if (!perf_ring_enabled_ns(&c->ring, &enabled))
		c->enabled_before += enabled;
	c->corrupt += c->ring.corrupt;
	c->stream.ready = false; /* what was at hand pointed into the ring */
	perf_ring_close(&c->ring);
}

int perf_cpu_enable(struct perf_cpu *c, bool on)
{
	if (c->ring.fd < 0)
		return 0;
	return ioctl(c->ring.fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) ? -errno
											 : 0;
}

/* Idle time of the CPU since boot by the text of /proc/stat, ns; false: no such line. */
static bool idle_time(const char *stat, uint32_t cpu, uint64_t *ret)
{
	unsigned long long idle, iowait;
	char head[16];
	const char *line;

	snprintf(head, sizeof(head), "\ncpu%u ", cpu);
	line = strstr(stat, head);
	if (!line || sscanf(line + strlen(head), "%*u %*u %*u %llu %llu", &idle, &iowait) != 2)
		return false;
	*ret = (idle + iowait) * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	return true;
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void perf_cpu_settle(struct perf_cpu *c)
{
	uint64_t missed = above(c->snap_enabled / c->p->period, c->snap_calls), busy;

	if (c->p->s->merge.upto < c->snap_time)
		return;
	if (c->idle_known) {
		busy = above(c->snap_enabled, above(c->snap_idle, c->idle_first));
		busy = above(busy / c->p->period, c->snap_busy_calls);
		missed = busy < missed ? busy : missed;
	}
	if (missed > c->missed)
		c->missed = missed;
}

void perf_cpu_snapshot(struct perf_cpu *c, const char *stat)
{
	uint64_t enabled = 0, idle;
	bool known = idle_time(stat, c->cpu, &idle);

	perf_cpu_settle(c);
	if (c->ring.fd >= 0 && perf_ring_enabled_ns(&c->ring, &enabled))
		return;
	if (known && !c->idle_known)
		c->idle_first = idle;
	c->idle_known = known;
	c->snap_idle = known ? idle : 0;
	c->snap_enabled = c->enabled_before + enabled;
	c->snap_time = mono_now();
	c->snap_calls = c->calls;
	c->snap_busy_calls = c->calls - c->outcome[RINGPROF_OUT_IDLE];
}
