// SPDX-License-Identifier: GPL-2.0
/*
 * Maps and decodes one CPU's ring, see ringread.h. One thread.
 *
 * Nodes are kept as the contract numbers them: an array from 1, void at each
 * EPOCH record. A record is taken apart from a copy, so that a module writing
 * over unread records would show up as an error here and not as a crash.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ringprof/abi_check.h"
#include "ringprof/record.h"
#include "ringprof/ring.h"

#include "ringread.h"

#define MAX_CHAIN (RINGPROF_DEPTH_LIMIT + RINGPROF_MAX_KDEPTH + 8)

void ringread_error(struct ringread *r, const char *fmt, ...)
{
	va_list ap;

	if (r->seen.errors++)
		return;
	va_start(ap, fmt);
	vsnprintf(r->seen.error, sizeof(r->seen.error), fmt, ap);
	va_end(ap);
}

static void check_head(struct ringread *r)
{
	const struct ringprof_ring_head *h = r->head;

	if (h->magic != RINGPROF_MAGIC)
		ringread_error(r, "magic is %llx", (unsigned long long)h->magic);
	if (h->abi_major != RINGPROF_ABI_MAJOR)
		ringread_error(r, "ABI major is %u", h->abi_major);
	if (h->header_size < sizeof(*h))
		ringread_error(r, "header size is %u", h->header_size);
	if (h->cpu != r->cpu)
		ringread_error(r, "ring of CPU %u says it is CPU %u's", r->cpu, h->cpu);
	if (h->outcomes != __RINGPROF_OUT_MAX)
		ringread_error(r, "%u outcomes", h->outcomes);
	if (!ringprof_size_ok(h->data_size))
		ringread_error(r, "data size %llu", (unsigned long long)h->data_size);
}

static int map_data(struct ringread *r, int fd)
{
	long page = sysconf(_SC_PAGESIZE);
	off_t at = (off_t)RINGPROF_MMAP_HEAD_OF(r->cpu);
	void *p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		return -errno;
	r->data_size = ((struct ringprof_ring_head *)p)->data_size;
	munmap(p, page);
	if (!ringprof_size_ok(r->data_size))
		return -EPROTO;
	r->map_size = ringprof_map_size(page, r->data_size);
	p = mmap(NULL, r->map_size, PROT_READ, MAP_SHARED, fd, at);
	if (p == MAP_FAILED)
		return -errno;
	r->head = p;
	r->data = (unsigned char *)p + page;
	return 0;
}

int ringread_open(struct ringread *r, int fd, unsigned int cpu)
{
	void *p;
	int err;

	memset(r, 0, sizeof(*r));
	r->cpu = cpu;
	err = map_data(r, fd);
	if (err)
		return err;
	p = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 (off_t)RINGPROF_MMAP_TAIL_OF(cpu));
	if (p == MAP_FAILED) {
		err = -errno;
		ringread_close(r);
		return err;
	}
	r->tail = p;
	r->pos = r->tail->tail;
	check_head(r);
	return 0;
}

void ringread_close(struct ringread *r)
{
	if (r->head)
		munmap((void *)(uintptr_t)r->head, r->map_size);
	if (r->tail)
		munmap(r->tail, sysconf(_SC_PAGESIZE));
	free(r->nodes);
	memset(r, 0, sizeof(*r));
}

void ringread_forget(struct ringread *r)
{
	memset(&r->seen, 0, sizeof(r->seen));
}

/* Is this id one that the records so far allow? 0 nodes = the empty chain. */
static bool id_ok(const struct ringread *r, uint32_t id)
{
	return id >> RINGPROF_NODE_BITS == (r->epoch & 0xff) &&
	       (id & RINGPROF_NODE_MASK) < r->next_node;
}

static bool room_for(struct ringread *r, size_t n)
{
	size_t want = r->nodes_alloc ? r->nodes_alloc : 4096;
	struct ringread_node *p;

	while (want < n)
		want *= 2;
	if (want == r->nodes_alloc)
		return true;
	p = realloc(r->nodes, want * sizeof(*p));
	if (!p) {
		ringread_error(r, "out of memory for %zu nodes", n);
		return false;
	}
	r->nodes = p;
	r->nodes_alloc = want;
	return true;
}

/*
 * The address that stands at unit[at], n units in all; how many units it took,
 * 0: none can stand there.
 */
static unsigned int one_addr(const __u16 *unit, unsigned int at, unsigned int n, uint64_t *addr)
{
	unsigned int left = n - at;
	int32_t two;

	unit += at;
	if (unit[0] % 2 == 0) {
		*addr += (int16_t)unit[0] / 2;
		return 1;
	}
	if (unit[0] % 4 == 1 && left >= 2) {
		two = (int32_t)((uint32_t)unit[1] << 16 | (unit[0] - 1));
		*addr += two / 4;
		return 2;
	}
	if (unit[0] == RINGPROF_NODES_WHOLE && left >= 5) {
		*addr = (uint64_t)unit[4] << 48 | (uint64_t)unit[3] << 32 |
			(uint64_t)unit[2] << 16 | unit[1];
		return 5;
	}
	return 0;
}

static void take_nodes(struct ringread *r, const struct ringprof_rec_nodes16 *rec, int size)
{
	unsigned int n = ((unsigned int)size - sizeof(*rec)) / 2, at = 0, took;
	uint32_t parent = rec->parent & RINGPROF_NODE_MASK;
	__u16 unit[UINT16_MAX / 2];
	uint64_t addr;

	if (!r->in_epoch)
		return;
	if (!id_ok(r, rec->parent))
		return ringread_error(r, "node %u has parent %#x", r->next_node, rec->parent);
	if (r->owed)
		return ringread_error(r, "no sample of node %u", r->owed);
	if (!room_for(r, (size_t)r->next_node + n))
		return;
	memcpy(unit, rec + 1, n * 2);
	n -= rec->rec.flags & RINGPROF_NODES_FILL;
	addr = parent ? r->nodes[parent].addr : 0;
	for (; at < n; at += took) {
		took = one_addr(unit, at, n, &addr);
		if (!took)
			return ringread_error(r, "no address in unit %#x, %u of %u", unit[at], at,
					      n);
		r->nodes[r->next_node] = (struct ringread_node){ parent, addr };
		parent = r->next_node++;
		r->seen.nodes++;
	}
	r->owed = parent;
}

static size_t walk(struct ringread *r, uint32_t node, uint64_t *addr, size_t max)
{
	size_t n = 0, i;

	for (; node && n < max; node = r->nodes[node].parent)
		addr[n++] = r->nodes[node].addr;
	if (node)
		ringread_error(r, "a chain longer than %zu", max);
	for (i = 0; i < n / 2; i++) {
		uint64_t t = addr[i];

		addr[i] = addr[n - 1 - i];
		addr[n - 1 - i] = t;
	}
	return n;
}

static void count_end(struct ringread *r, const uint64_t *addr, size_t n)
{
	uint64_t end = n ? addr[0] & ~RINGPROF_END_MASK : 0;

	if (!n || (addr[0] & RINGPROF_END_MASK) != RINGPROF_END_MARK)
		return ringread_error(r, "a chain without an end mark");
	if (end >= sizeof(r->seen.ends) / sizeof(r->seen.ends[0]) || end > RINGPROF_END_MAX)
		return ringread_error(r, "end %llu", (unsigned long long)end);
	r->seen.ends[end]++;
}

static void take_sample(struct ringread *r, const struct ringprof_rec_sample *s, ringread_fn fn,
			void *arg)
{
	uint64_t addr[MAX_CHAIN + 1];
	size_t n;

	r->seen.samples++;
	if (r->owed && (s->chain & RINGPROF_NODE_MASK) != r->owed)
		ringread_error(r, "sample's chain %#x behind node %u", s->chain, r->owed);
	r->owed = 0;
	if (!r->attached) {
		r->seen.detached++;
		return;
	}
	if (!id_ok(r, s->chain))
		return ringread_error(r, "sample's chain %#x, epoch %u, %u nodes", s->chain,
				      r->epoch, r->next_node - 1);
	if (s->time < r->last_time)
		ringread_error(r, "time went back");
	if (!r->weight)
		ringread_error(r, "a sample before any WEIGHT");
	r->last_time = s->time;
	r->seen.weight_sum += r->weight;
	n = walk(r, s->chain & RINGPROF_NODE_MASK, addr, MAX_CHAIN);
	count_end(r, addr, n);
	addr[n++] = s->leaf;
	if (fn)
		fn(arg, r, s, addr, n);
}

static void take_epoch(struct ringread *r, const struct ringprof_rec_epoch *rec)
{
	if (r->in_epoch && rec->epoch <= r->epoch)
		ringread_error(r, "epoch %u after %u", rec->epoch, r->epoch);
	r->seen.epochs++;
	r->epoch = rec->epoch;
	r->in_epoch = true;
	r->next_node = 1;
	r->owed = 0;
	r->weight = 0;
	if ((int32_t)(rec->epoch - r->head->attach_epoch) >= 0)
		r->attached = true;
}

static void take(struct ringread *r, const struct ringprof_rec *rec, int size, ringread_fn fn,
		 void *arg)
{
	const void *p = rec;

	switch (rec->type) {
	case RINGPROF_REC_SAMPLE:
		take_sample(r, p, fn, arg);
		break;
	case RINGPROF_REC_NODES16:
		take_nodes(r, p, size);
		break;
	case RINGPROF_REC_EPOCH:
		take_epoch(r, p);
		break;
	case RINGPROF_REC_WEIGHT:
		r->seen.weights++;
		r->unit = ((const struct ringprof_rec_weight *)p)->unit;
		r->weight = ((const struct ringprof_rec_weight *)p)->weight;
		break;
	default:
		ringread_error(r, "record type %u", rec->type);
	}
}

void ringread_drain(struct ringread *r, ringread_fn fn, void *arg)
{
	uint64_t head = smp_load_acquire(&r->head->head);
	struct ringprof_cursor c = ringprof_cursor(r->data, r->data_size, r->pos, head);
	const struct ringprof_rec *rec;
	int n;

	while ((n = ringprof_next(&c, &rec)) > 0)
		take(r, rec, n, fn, arg);
	if (n < 0)
		ringread_error(r, "no record at %llu (head %llu)", (unsigned long long)c.pos,
			       (unsigned long long)head);
	r->seen.bytes += head - r->pos;
	r->pos = head;
	smp_store_release(&r->tail->tail, head);
}
