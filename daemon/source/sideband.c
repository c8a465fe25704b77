// SPDX-License-Identifier: GPL-2.0
/*
 * The side band: one event and ring per online CPU. See sideband.h.
 */
#include "source/sideband.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/perf_open.h"
#include "source/perf_record.h"
#include "source/perf_ring.h"

/*
 * An exec is some 2 KB of records; source_fd wakes the reader at half. With a
 * sample ring at the default rate it stays below kernel.perf_event_mlock_kb
 * (516 KiB a CPU), so that CAP_PERFMON alone will do.
 */
#define RING_BYTES (256U << 10)

struct side_cpu {
	struct stream stream; /* first: a stream is its side_cpu */
	struct sideband *sb;
	struct perf_ring ring;
	struct event ev; /* at hand; points into the ring */
	uint32_t generation;
	bool closing; /* its CPU went: closed at the next rescan, when it has been read out */
	bool gap;     /* an EV_LOST is due: nobody watched this CPU for a while */
	uint64_t enabled_ns; /* at the last rescan */
};

struct sideband {
	struct source *s;
	struct perf_event_attr attr;
	uint64_t records, lost, corrupt;
	uint32_t n_cpus;
	struct side_cpu cpus[];
};

static bool take_gap(struct side_cpu *c)
{
	c->gap = false;
	c->ev = (struct event){ .type = EV_LOST, .cpu = (uint32_t)(c - c->sb->cpus) };
	c->ev.lost.records = 1;
	c->stream.time = c->sb->s->merge.upto;
	return true;
}

static bool side_next(struct stream *stream)
{
	struct side_cpu *c = (struct side_cpu *)stream;
	const struct perf_event_header *h;
	struct sideband *sb = c->sb;

	if (c->gap)
		return take_gap(c);
	while (c->ring.fd >= 0 && (h = perf_ring_next(&c->ring))) {
		if (!perf_parse_side(h, &c->ev))
			continue;
		sb->records++;
		if (c->ev.type == EV_LOST)
			sb->lost += c->ev.lost.records;
		stream->time = c->ev.time < sb->s->max_time ? c->ev.time : sb->s->max_time;
		return true;
	}
	return false;
}

static int side_deliver(struct stream *stream)
{
	struct side_cpu *c = (struct side_cpu *)stream;
	struct source *s = c->sb->s;

	c->ev.time = stream->time;
	if (c->ev.type == EV_FORK)
		pidset_fork(&s->pids, &c->ev);
	s->fn(s->arg, &c->ev);
	if (c->ring.fd >= 0)
		perf_ring_release_lazily(&c->ring);
	return 0;
}

static const struct stream_ops side_ops = { .next = side_next, .deliver = side_deliver };

/* 0, -ENODEV for a CPU that is off line, or -errno; *mapping tells which step failed. */
static int open_cpu(struct side_cpu *c, bool *mapping)
{
	struct sideband *sb = c->sb;
	int fd = perf_open_cpu(&sb->attr, (int)(c - sb->cpus), -1);
	int r;

	*mapping = false;
	if (fd < 0)
		return fd;
	*mapping = true;
	r = perf_ring_open(&c->ring, fd, RING_BYTES);
	if (r)
		return r;
	c->enabled_ns = 0;
	c->closing = false;
	r = source_watch(sb->s, fd);
	if (r)
		perf_ring_close(&c->ring);
	return r;
}

static void close_cpu(struct side_cpu *c)
{
	/* what was at hand pointed into the ring */
	c->stream.ready = false;
	c->sb->corrupt += c->ring.corrupt;
	perf_ring_close(&c->ring);
}

static int open_all(struct sideband *sb, char *err, size_t errlen)
{
	bool mapping;
	int r = -ENODEV;

	for (uint32_t i = 0; i < sb->n_cpus; i++) {
		if (!cpu_isset(&sb->s->online, i))
			continue;
		if (!sb->attr.size && (r = perf_probe_side(&sb->attr, (int)i))) {
			perf_explain(r, false, err, errlen);
			return r;
		}
		r = open_cpu(&sb->cpus[i], &mapping);
		if (r && r != -ENODEV) {
			perf_explain(r, mapping, err, errlen);
			return r;
		}
	}
	if (!sb->attr.size)
		snprintf(err, errlen, "side band: no CPU on line");
	return sb->attr.size ? 0 : -ENODEV;
}

int sideband_open(struct sideband **ret, struct source *s, char *err, size_t errlen)
{
	uint32_t n = cpus_possible();
	struct sideband *sb = calloc(1, sizeof(*sb) + n * sizeof(sb->cpus[0]));
	int r;

	if (!sb) {
		snprintf(err, errlen, "side band: out of memory");
		return -ENOMEM;
	}
	sb->s = s;
	sb->n_cpus = n;
	for (uint32_t i = 0; i < n; i++) {
		sb->cpus[i].stream.ops = &side_ops;
		sb->cpus[i].sb = sb;
		sb->cpus[i].ring.fd = -1;
	}
	r = open_all(sb, err, errlen);
	if (r) {
		sideband_close(sb);
		return r;
	}
	*ret = sb;
	return 0;
}

void sideband_close(struct sideband *sb)
{
	if (!sb)
		return;
	for (uint32_t i = 0; i < sb->n_cpus; i++)
		close_cpu(&sb->cpus[i]);
	free(sb);
}

/* An event whose CPU went and came back stays, but its clock stands still. */
static bool is_dead(struct side_cpu *c)
{
	uint64_t was = c->enabled_ns;

	return perf_ring_enabled_ns(&c->ring, &c->enabled_ns) || c->enabled_ns == was;
}

static void rescan_cpu(struct side_cpu *c, bool online)
{
	bool mapping, was_open = c->ring.fd >= 0;

	if (was_open && online && !is_dead(c))
		return;
	if (was_open && !c->closing) {
		c->closing = true;
		return;
	}
	if (was_open) {
		close_cpu(c);
		c->generation++;
	}
	/* what cannot be opened now is tried again next time */
	if (online && !open_cpu(c, &mapping))
		c->gap = true;
}

void sideband_rescan(struct sideband *sb)
{
	for (uint32_t i = 0; i < sb->n_cpus; i++)
		rescan_cpu(&sb->cpus[i], cpu_isset(&sb->s->online, i));
}

uint32_t sideband_generation(const struct sideband *sb, uint32_t cpu)
{
	return cpu < sb->n_cpus ? sb->cpus[cpu].generation : 0;
}

void sideband_note(struct sideband *sb)
{
	for (uint32_t i = 0; i < sb->n_cpus; i++)
		if (sb->cpus[i].ring.fd >= 0)
			perf_ring_note(&sb->cpus[i].ring);
}

int sideband_add(struct sideband *sb)
{
	int r = 0;

	for (uint32_t i = 0; i < sb->n_cpus && !r; i++)
		if (sb->cpus[i].ring.fd >= 0)
			r = merge_add(&sb->s->merge, &sb->cpus[i].stream);
	return r;
}

void sideband_release(struct sideband *sb)
{
	for (uint32_t i = 0; i < sb->n_cpus; i++)
		if (sb->cpus[i].ring.fd >= 0)
			perf_ring_release(&sb->cpus[i].ring, sb->cpus[i].stream.ready);
}

void sideband_counters(const struct sideband *sb, struct source_counters *ret)
{
	ret->sideband_records = sb->records;
	ret->sideband_lost = sb->lost;
	ret->corrupt += sb->corrupt;
	for (uint32_t i = 0; i < sb->n_cpus; i++)
		if (sb->cpus[i].ring.fd >= 0)
			ret->corrupt += sb->cpus[i].ring.corrupt;
}

size_t sideband_bytes(const struct sideband *sb)
{
	size_t n = sizeof(*sb) + sb->n_cpus * sizeof(sb->cpus[0]);

	for (uint32_t i = 0; i < sb->n_cpus; i++)
		n += perf_ring_bytes(&sb->cpus[i].ring);
	return n;
}
