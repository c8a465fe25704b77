// SPDX-License-Identifier: GPL-2.0
/*
 * Perf records to events and samples, see perf_record.h. The layouts are
 * linux/perf_event.h's, for the sample types that it defines.
 */
#include "source/perf_record.h"

#include <string.h>
#include <sys/mman.h>

/* what sample_id_all appends, for PERF_RECORD_TYPE */
struct id_sample {
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, res;
};

/* the fixed part of each record; the string of some follows */
struct rec_mmap {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
};

struct rec_mmap2 {
	struct rec_mmap m;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
};

struct rec_comm {
	struct perf_event_header h;
	uint32_t pid, tid;
};

struct rec_task { /* fork and exit */
	struct perf_event_header h;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct rec_lost {
	struct perf_event_header h;
	uint64_t id, lost;
};

struct rec_sample {
	struct perf_event_header h;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, res;
	uint64_t period, nr;
	/* u64 ips[nr], u64 cgroup if asked for */
};

static bool take_id(const struct perf_event_header *h, struct id_sample *ret)
{
	if (h->size < sizeof(*h) + sizeof(*ret))
		return false;
	memcpy(ret, (const char *)h + h->size - sizeof(*ret), sizeof(*ret));
	return true;
}

/* Copies the fixed part of n bytes; false if the record, its id left out, is shorter. */
static bool take_fixed(const struct perf_event_header *h, void *ret, size_t n)
{
	if (h->size < n + sizeof(struct id_sample))
		return false;
	memcpy(ret, h, n);
	return true;
}

/* The string behind the fixed part, which must end inside the record. */
static const char *take_string(const struct perf_event_header *h, size_t fixed)
{
	const char *s = (const char *)h + fixed;

	return memchr(s, 0, h->size - sizeof(struct id_sample) - fixed) ? s : NULL;
}

static bool take_mmap(const struct perf_event_header *h, struct event *ret)
{
	struct rec_mmap2 m = { 0 };
	size_t fixed = h->type == PERF_RECORD_MMAP2 ? sizeof(m) : sizeof(m.m);
	const char *path;

	if (!take_fixed(h, &m, fixed) || !(path = take_string(h, fixed)))
		return false;
	if (h->type == PERF_RECORD_MMAP2 && !(m.prot & PROT_EXEC))
		return false;
	if (!m.m.len || m.m.addr + m.m.len < m.m.addr)
		return false;
	ret->type = EV_MMAP;
	ret->pid = (int32_t)m.m.pid;
	ret->tid = (int32_t)m.m.tid;
	ret->mmap = (struct event_mmap){
		.addr = m.m.addr,
		.len = m.m.len,
		.pgoff = m.m.pgoff,
		.prot = m.prot,
		.path = path,
	};
	/* with this flag a build-id stands where the inode is; it was not asked for */
	if (!(h->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)) {
		ret->mmap.maj = m.maj;
		ret->mmap.min = m.min;
		ret->mmap.ino = m.ino;
		ret->mmap.ino_generation = m.ino_generation;
	}
	return true;
}

static bool take_comm(const struct perf_event_header *h, struct event *ret)
{
	struct rec_comm c;
	const char *name;

	if (!take_fixed(h, &c, sizeof(c)) || !(name = take_string(h, sizeof(c))))
		return false;
	if (strlen(name) > 15) /* TASK_COMM_LEN - 1, promised by event.h */
		return false;
	ret->type = EV_COMM;
	ret->pid = (int32_t)c.pid;
	ret->tid = (int32_t)c.tid;
	ret->comm.exec = h->misc & PERF_RECORD_MISC_COMM_EXEC;
	ret->comm.name = name;
	return true;
}

static bool take_task(const struct perf_event_header *h, struct event *ret)
{
	struct rec_task t;

	if (!take_fixed(h, &t, sizeof(t)))
		return false;
	ret->type = h->type == PERF_RECORD_FORK ? EV_FORK : EV_EXIT;
	ret->pid = (int32_t)t.pid;
	ret->tid = (int32_t)t.tid;
	ret->fork.ppid = (int32_t)t.ppid;
	ret->fork.ptid = (int32_t)t.ptid;
	return true;
}

uint64_t perf_record_lost(const struct perf_event_header *h)
{
	struct rec_lost l;

	return h->type == PERF_RECORD_LOST && take_fixed(h, &l, sizeof(l)) ? l.lost : 0;
}

static bool take_lost(const struct perf_event_header *h, struct event *ret)
{
	ret->type = EV_LOST;
	ret->lost.records = perf_record_lost(h);
	return ret->lost.records;
}

uint64_t perf_record_time(const struct perf_event_header *h)
{
	struct id_sample id;

	return h->type != PERF_RECORD_SAMPLE && take_id(h, &id) ? id.time : 0;
}

bool perf_parse_side(const struct perf_event_header *h, struct event *ret)
{
	struct id_sample id;

	if (h->type == PERF_RECORD_SAMPLE || !take_id(h, &id))
		return false;
	*ret = (struct event){ .time = id.time, .cpu = id.cpu };
	switch (h->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		return take_mmap(h, ret);
	case PERF_RECORD_COMM:
		return take_comm(h, ret);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return take_task(h, ret);
	case PERF_RECORD_LOST:
		return take_lost(h, ret);
	default:
		return false;
	}
}

bool perf_parse_sample(const struct perf_event_header *h, bool cgroup, struct perf_sample *ret)
{
	struct rec_sample s;
	size_t after;

	if (h->type != PERF_RECORD_SAMPLE || h->size < sizeof(s))
		return false;
	memcpy(&s, h, sizeof(s));
	after = h->size - sizeof(s);
	if (cgroup && after < sizeof(uint64_t))
		return false;
	after -= cgroup ? sizeof(uint64_t) : 0;
	if (s.nr > after / sizeof(uint64_t))
		return false;
	*ret = (struct perf_sample){
		.ip = s.ip,
		.time = s.time,
		.period = s.period,
		.ips = (const uint64_t *)((const char *)h + sizeof(s)),
		.n_ips = s.nr,
		.pid = (int32_t)s.pid,
		.tid = (int32_t)s.tid,
		.cpu = s.cpu,
		.kernel = (h->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL,
	};
	if (cgroup)
		memcpy(&ret->cgroup, ret->ips + s.nr, sizeof(ret->cgroup));
	return true;
}
