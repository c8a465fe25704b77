// SPDX-License-Identifier: GPL-2.0
/*
 * Perf records to events and samples, see perf_record.h. The layouts are
 * linux/perf_event.h's, for the sample types that it defines.
 */
#include "source/perf_record.h"

#include <string.h>
#include <sys/mman.h>

#ifdef __x86_64__
#include <asm/perf_regs.h>
#endif

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

struct rec_cgroup {
	struct perf_event_header h;
	uint64_t id;
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
	/*
	 * u64 ips[nr], and if asked for: u64 abi, u64 regs[17]; u64 size,
	 * bytes[size], u64 filled; u64 cgroup
	 */
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

static bool take_cgroup(const struct perf_event_header *h, struct event *ret)
{
	struct rec_cgroup c;
	const char *path;

	if (!take_fixed(h, &c, sizeof(c)) || !(path = take_string(h, sizeof(c))) || *path != '/')
		return false;
	ret->type = EV_CGROUP;
	ret->cgroup.id = c.id;
	ret->cgroup.path = path;
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
	case PERF_RECORD_CGROUP:
		return take_cgroup(h, ret);
	case PERF_RECORD_LOST:
		return take_lost(h, ret);
	default:
		return false;
	}
}

#ifdef __x86_64__
/*
 * Perf gives the registers in the order of its own numbers, one bit each in
 * the mask: here is which of ours each one is.
 */
static const struct {
	uint8_t perf, dwarf;
} user_regs[] = {
	{ PERF_REG_X86_AX, 0 },	  { PERF_REG_X86_BX, 3 },   { PERF_REG_X86_CX, 2 },
	{ PERF_REG_X86_DX, 1 },	  { PERF_REG_X86_SI, 4 },   { PERF_REG_X86_DI, 5 },
	{ PERF_REG_X86_BP, 6 },	  { PERF_REG_X86_SP, 7 },   { PERF_REG_X86_IP, 16 },
	{ PERF_REG_X86_R8, 8 },	  { PERF_REG_X86_R9, 9 },   { PERF_REG_X86_R10, 10 },
	{ PERF_REG_X86_R11, 11 }, { PERF_REG_X86_R12, 12 }, { PERF_REG_X86_R13, 13 },
	{ PERF_REG_X86_R14, 14 }, { PERF_REG_X86_R15, 15 },
};

_Static_assert(sizeof(user_regs) / sizeof(user_regs[0]) == PERF_USER_REGS, "each of them once");

#define BIT(n) (1ULL << (n))

const uint64_t perf_user_regs_mask =
	BIT(PERF_REG_X86_AX) | BIT(PERF_REG_X86_BX) | BIT(PERF_REG_X86_CX) | BIT(PERF_REG_X86_DX) |
	BIT(PERF_REG_X86_SI) | BIT(PERF_REG_X86_DI) | BIT(PERF_REG_X86_BP) | BIT(PERF_REG_X86_SP) |
	BIT(PERF_REG_X86_IP) | BIT(PERF_REG_X86_R8) | BIT(PERF_REG_X86_R9) | BIT(PERF_REG_X86_R10) |
	BIT(PERF_REG_X86_R11) | BIT(PERF_REG_X86_R12) | BIT(PERF_REG_X86_R13) |
	BIT(PERF_REG_X86_R14) | BIT(PERF_REG_X86_R15);

static uint32_t dwarf_reg(size_t i)
{
	return user_regs[i].dwarf;
}
#else
/* no unwind rows here, so nobody asks for the registers */
const uint64_t perf_user_regs_mask;

static uint32_t dwarf_reg(size_t i)
{
	return (uint32_t)i;
}
#endif

/* The part of a record that is not read yet. */
struct rest {
	const unsigned char *p;
	size_t n;
};

static bool take64(struct rest *r, uint64_t *ret)
{
	if (r->n < sizeof(*ret))
		return false;
	memcpy(ret, r->p, sizeof(*ret));
	r->p += sizeof(*ret);
	r->n -= sizeof(*ret);
	return true;
}

static bool take_bytes(struct rest *r, uint64_t n, const unsigned char **ret)
{
	if (n > r->n)
		return false;
	*ret = r->p;
	r->p += n;
	r->n -= n;
	return true;
}

static bool take_regs(struct rest *r, struct perf_sample *ret)
{
	uint64_t abi;

	if (!take64(r, &abi) || abi > PERF_SAMPLE_REGS_ABI_64)
		return false;
	ret->abi = (uint32_t)abi;
	for (size_t i = 0; abi != PERF_SAMPLE_REGS_ABI_NONE && i < PERF_USER_REGS; i++)
		if (!take64(r, &ret->regs[dwarf_reg(i)]))
			return false;
	return true;
}

/* Room for the bytes that were asked for is always there, how many were filled comes last. */
static bool take_stack(struct rest *r, struct perf_sample *ret)
{
	const unsigned char *bytes;
	uint64_t size, filled;

	if (!take64(r, &size))
		return false;
	if (!size)
		return true;
	if (size % 8 || !take_bytes(r, size, &bytes) || !take64(r, &filled) || filled > size)
		return false;
	ret->stack = bytes;
	ret->stack_len = filled;
	ret->stack_cut = filled == size;
	return true;
}

static bool take_chain(struct rest *r, uint64_t n, struct perf_sample *ret)
{
	const unsigned char *bytes;

	if (n > r->n / sizeof(uint64_t) || !take_bytes(r, n * sizeof(uint64_t), &bytes))
		return false;
	ret->ips = (const uint64_t *)bytes;
	ret->n_ips = n;
	return true;
}

bool perf_parse_sample(const struct perf_event_header *h, uint64_t sample_type,
		       struct perf_sample *ret)
{
	struct rec_sample s;
	struct rest r;

	if (h->type != PERF_RECORD_SAMPLE || h->size < sizeof(s))
		return false;
	memcpy(&s, h, sizeof(s));
	r = (struct rest){ (const unsigned char *)h + sizeof(s), h->size - sizeof(s) };
	*ret = (struct perf_sample){
		.ip = s.ip,
		.time = s.time,
		.period = s.period,
		.pid = (int32_t)s.pid,
		.tid = (int32_t)s.tid,
		.cpu = s.cpu,
		.kernel = (h->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL,
	};
	/* in the order of perf_output_sample */
	if (!take_chain(&r, s.nr, ret))
		return false;
	if (sample_type & PERF_SAMPLE_REGS_USER && !take_regs(&r, ret))
		return false;
	if (sample_type & PERF_SAMPLE_STACK_USER && !take_stack(&r, ret))
		return false;
	return !(sample_type & PERF_SAMPLE_CGROUP) || take64(&r, &ret->cgroup);
}
