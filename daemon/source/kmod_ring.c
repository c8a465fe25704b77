// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's ring of the module, see kmod_ring.h. The header and the data are
 * memory that another party writes: what decides about addresses is read once
 * and checked.
 */
#include "source/kmod_ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* what a header of ABI 1.0 has; newer minors only append */
#define HEAD_BASE_SIZE offsetof(struct ringprof_ring_head, pad3)

#define LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t ring_time_limit(const struct kmod_ring *r)
{
	return r->s->max_time - (uint64_t)r->clock_offset;
}

static bool ring_next(struct stream *stream)
{
	struct kmod_ring *r = (struct kmod_ring *)stream;

	if (!decode_next(&r->dec, &r->at, &r->sample))
		return false;
	stream->time = r->sample.time + (uint64_t)r->clock_offset;
	return true;
}

/* The sample was copied out: its room can be given back before it is delivered. */
static void release_lazily(struct kmod_ring *r)
{
	if (r->at.pos - LOAD(&r->tail->tail) > r->at.size / 4)
		kmod_ring_release(r);
}

static int ring_deliver(struct stream *stream)
{
	struct kmod_ring *r = (struct kmod_ring *)stream;
	const struct decode_sample *d = &r->sample;
	struct source *s = r->s;
	struct event ev;
	bool too_deep;

	release_lazily(r);
	if (!source_wants(s, (int32_t)d->tgid, d->flags & RINGPROF_SAMPLE_KERNEL)) {
		r->filtered++;
		return 0;
	}
	ev.time = stream->time;
	ev.type = EV_SAMPLE;
	ev.cpu = r->cpu;
	ev.pid = (int32_t)d->tgid;
	ev.tid = (int32_t)d->tid;
	ev.sample.leaf = d->leaf;
	ev.sample.cgroup = d->cgroup;
	ev.sample.weight = d->weight;
	ev.sample.flags = d->flags;
	ev.sample.chain = decode_chain(&r->dec, s->chains, d->node, &too_deep);
	if (too_deep) {
		r->too_deep++;
		return 0;
	}
	return source_emit(s, &ev) == EMIT_AGAIN ? -EAGAIN : 0;
}

static const struct stream_ops ring_ops = { .next = ring_next, .deliver = ring_deliver };

void kmod_ring_init(struct kmod_ring *r, struct source *s, uint32_t cpu)
{
	*r = (struct kmod_ring){ .stream.ops = &ring_ops, .s = s, .cpu = cpu };
}

int kmod_check_abi(uint32_t major, uint32_t minor, const char *version, char *err, size_t errlen)
{
	if (ringprof_major_ok(major))
		return 0;
	snprintf(err, errlen,
		 "the loaded ringprof module%s%s speaks ABI %u.%u, this program ABI %u.%u and %u: "
		 "load the module that came with it (rmmod ringprof; modprobe ringprof) or use the "
		 "program that came with the module",
		 *version ? " " : "", version, major, minor, RINGPROF_ABI_MAJOR, RINGPROF_ABI_MINOR,
		 RINGPROF_ABI_MAJOR - 1);
	return -EPROTO;
}

static int check_head(const struct ringprof_ring_head *h, uint32_t cpu, char *err, size_t errlen)
{
	if (h->magic != RINGPROF_MAGIC) {
		snprintf(err, errlen, RINGPROF_DEVICE ": no ring of ringprof's behind it");
		return -EPROTO;
	}
	if (kmod_check_abi(h->abi_major, h->abi_minor, "", err, errlen))
		return -EPROTO;
	/* a CPU that was never sampled: the header stands alone */
	if (!h->data_size)
		return -ENXIO;
	if (h->header_size < HEAD_BASE_SIZE || h->cpu != cpu || !ringprof_size_ok(h->data_size)) {
		snprintf(err, errlen,
			 RINGPROF_DEVICE ": impossible ring header of CPU %u (its CPU %u, header "
					 "%u bytes, data %llu bytes)",
			 cpu, h->cpu, h->header_size, (unsigned long long)h->data_size);
		return -EPROTO;
	}
	return 0;
}

/* The header alone, to know the size; a copy, so that what is checked is what is used. */
static int read_head(int fd, uint32_t cpu, struct ringprof_ring_head *ret)
{
	void *p = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd,
		       (off_t)RINGPROF_MMAP_HEAD_OF(cpu));

	if (p == MAP_FAILED)
		return -errno;
	memcpy(ret, p, sizeof(*ret));
	munmap(p, page_size());
	return 0;
}

static int map_areas(struct kmod_ring *r, int fd)
{
	size_t len = ringprof_map_size(page_size(), r->at.size);
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)RINGPROF_MMAP_HEAD_OF(r->cpu));
	int ret;

	if (p == MAP_FAILED)
		return -errno;
	r->tail = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)RINGPROF_MMAP_TAIL_OF(r->cpu));
	if (r->tail == MAP_FAILED) {
		ret = -errno;
		munmap(p, len);
		r->tail = NULL;
		return ret;
	}
	r->head = p;
	r->at.data = (unsigned char *)p + page_size();
	return 0;
}

/* The reader before us left its position there; where it makes no sense, begin at the end. */
static void find_place(struct kmod_ring *r)
{
	uint64_t head = __atomic_load_n(&r->head->head, __ATOMIC_ACQUIRE);
	uint64_t tail = LOAD(&r->tail->tail);

	r->at.pos = ringprof_pos_ok(head, tail, r->at.size) ? tail : head & ~7ULL;
	r->at.head = r->at.pos;
}

static void read_counts(const struct ringprof_ring_head *h, struct kmod_counts *ret)
{
	uint32_t n = h->outcomes < 16 ? h->outcomes : 16;

	*ret = (struct kmod_counts){
		.calls = LOAD(&h->calls),
		.chain_hits = LOAD(&h->chain_hits),
		.nodes = LOAD(&h->nodes),
		.bytes = LOAD(&h->bytes),
		.frames = LOAD(&h->frames),
		.node_limit_hits = LOAD(&h->node_limit_hits),
		.handler_ns = LOAD(&h->handler_ns),
	};
	for (uint32_t i = 0; i < n; i++)
		ret->outcome[i] = LOAD(&h->outcome[i]);
}

/* What a header says when it is first seen was not counted for us, unless it is new as well. */
static void take_base(struct kmod_ring *r, const struct ringprof_ring_head *h, bool fresh)
{
	if (!r->has_base && !fresh)
		read_counts(h, &r->base);
	r->has_base = true;
}

static int find_clock(struct kmod_ring *r, uint32_t id, char *err, size_t errlen)
{
	struct timespec ts;

	if (clock_gettime((clockid_t)id, &ts)) {
		snprintf(err, errlen,
			 RINGPROF_DEVICE ": the module's times are of clock %u, which this "
					 "system cannot read",
			 id);
		return -EPROTO;
	}
	r->clock_offset = id == CLOCK_MONOTONIC ? 0
						: (int64_t)(mono_now() - clock_ns((clockid_t)id));
	return 0;
}

static void start_decoder(struct kmod_ring *r, uint32_t attach_epoch, uint32_t max_nodes)
{
	struct decode old = r->dec;

	decode_free(&r->dec);
	decode_init(&r->dec, attach_epoch, max_nodes);
	r->dec.since = r->s->opened - (uint64_t)r->clock_offset;
	r->dec.detached = old.detached;
	r->dec.detached_before = old.detached_before;
	r->dec.lost_samples = old.lost_samples;
	r->dec.corrupt = old.corrupt;
	r->dec.unreadable = old.unreadable;
	r->stream.ready = false;
	r->stuck_since = 0;
	r->stuck_records = 0;
}

int kmod_ring_map(struct kmod_ring *r, int fd, bool fresh, uint32_t max_nodes, char *err,
		  size_t errlen)
{
	struct ringprof_ring_head h;
	int ret;

	if (r->head)
		return 0;
	ret = read_head(fd, r->cpu, &h);
	if (!ret)
		take_base(r, &h, fresh);
	if (!ret && (ret = check_head(&h, r->cpu, err, errlen)))
		return ret;
	if (!ret && (ret = find_clock(r, h.clock, err, errlen)))
		return ret;
	if (!ret) {
		r->at.size = h.data_size;
		ret = map_areas(r, fd);
	}
	if (ret) {
		snprintf(err, errlen, RINGPROF_DEVICE ": mmap of CPU %u's ring: %s", r->cpu,
			 strerror(-ret));
		return ret;
	}
	start_decoder(r, h.attach_epoch, max_nodes);
	find_place(r);
	return 0;
}

void kmod_ring_unmap(struct kmod_ring *r)
{
	if (!r->head)
		return;
	read_counts(r->head, &r->last);
	munmap((void *)r->head, ringprof_map_size(page_size(), r->at.size));
	munmap(r->tail, page_size());
	r->head = NULL;
	r->tail = NULL;
	r->at.data = NULL;
	r->stream.ready = false;
}

void kmod_ring_free(struct kmod_ring *r)
{
	kmod_ring_unmap(r);
	decode_free(&r->dec);
}

void kmod_ring_note(struct kmod_ring *r)
{
	uint64_t head = __atomic_load_n(&r->head->head, __ATOMIC_ACQUIRE);

	r->dec.max_time = ring_time_limit(r);
	if (ringprof_pos_ok(head, r->at.pos, r->at.size)) {
		r->at.head = head;
		return;
	}
	/* how much it was cannot be told: a whole ring at most */
	decode_skip(&r->dec, head - r->at.pos < r->at.size ? head - r->at.pos : r->at.size);
	r->at.pos = head & ~7ULL;
	r->at.head = r->at.pos;
}

void kmod_ring_release(struct kmod_ring *r)
{
	__atomic_store_n(&r->tail->tail, r->at.pos, __ATOMIC_RELEASE);
}

bool kmod_ring_is_stuck(struct kmod_ring *r, uint64_t now, uint64_t patience)
{
	bool waits = !r->dec.attached || !r->dec.synced;

	/* a quiet ring has nothing to tell us, an EPOCH neither */
	if (!waits || r->dec.records == r->stuck_records) {
		r->stuck_since = waits ? r->stuck_since : 0;
		return false;
	}
	r->stuck_records = r->dec.records;
	if (!r->stuck_since)
		r->stuck_since = now;
	return now - r->stuck_since >= patience;
}

/* A counter that is below its base was set to zero meanwhile. */
static uint64_t since(uint64_t now, uint64_t base)
{
	return now < base ? now : now - base;
}

static void count_module(const struct kmod_ring *r, struct source_counters *ret)
{
	struct kmod_counts now = r->last;

	if (r->head)
		read_counts(r->head, &now);
	ret->calls += since(now.calls, r->base.calls);
	for (size_t i = 0; i < 16; i++)
		ret->outcome[i] += since(now.outcome[i], r->base.outcome[i]);
	ret->chain_hits += since(now.chain_hits, r->base.chain_hits);
	ret->nodes += since(now.nodes, r->base.nodes);
	ret->bytes += since(now.bytes, r->base.bytes);
	ret->frames += since(now.frames, r->base.frames);
	ret->node_limit_hits += since(now.node_limit_hits, r->base.node_limit_hits);
	ret->handler_ns += since(now.handler_ns, r->base.handler_ns);
}

bool kmod_ring_moves(struct kmod_ring *r)
{
	uint64_t seen = r->calls_seen;

	r->calls_seen = LOAD(&r->head->calls);
	return r->calls_seen != seen;
}

void kmod_ring_count(const struct kmod_ring *r, struct source_counters *ret)
{
	count_module(r, ret);
	ret->outcome[RINGPROF_OUT_EMITTED] -= r->filtered;
	ret->outcome[RINGPROF_OUT_FILTERED] += r->filtered;
	ret->detached += r->dec.detached;
	ret->detached_before += r->dec.detached_before;
	ret->lost_samples += r->dec.lost_samples + r->too_deep;
	ret->corrupt += r->dec.corrupt;
	ret->unreadable += r->dec.unreadable;
}

size_t kmod_ring_bytes(const struct kmod_ring *r)
{
	return decode_bytes(&r->dec) + (r->head ? 2 * page_size() + r->at.size : 0);
}
