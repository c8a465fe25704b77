// SPDX-License-Identifier: GPL-2.0
/*
 * The module's ring and emitter against a model: whatever a reader can decode
 * must be, sample for sample, what was put in; what was refused must leave no
 * trace.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kmod/emit.c"
#include "kmod/trie.c"
#include "ringprof/abi_check.h"
#include "ringprof/record.h"
#include "tap.h"
#include "test_random.h"

#define SIZE	RINGPROF_MIN_DATA_SIZE
#define QUEUE	4096 /* more samples than the ring can hold */
#define MAX_IDS (RP_MIN_NODES + 1)

/* the longest chain that the smallest sizes allow, and a sample of n frames with all before it */
#define SMALL_CHAIN    (RINGPROF_MAX_KDEPTH + 1 + RP_SMALL_DEPTH + 1)
#define GROUP_BYTES(n) (16 + 24 + 8 + ((10 * (n) + 7) & ~7) + 40)

static __u64 seed = 88172645463325252ULL;

static __u64 rnd(void)
{
	return next_random(&seed);
}

static __u32 upto(__u32 n)
{
	return rnd() % n;
}

/* what a decoded sample must be */
struct wanted {
	struct rp_sample x;
	__u64 weight;
	__u32 epoch;
	__u64 chain[SMALL_CHAIN];
};

struct rig {
	struct rp_stream s;
	struct ringprof_ring_head head;
	struct ringprof_ring_tail tail;
	void *mem;
	/* the reader's */
	__u32 epoch, ids, owed;
	__u64 weight, samples;
	__u32 parent[MAX_IDS];
	__u64 addr[MAX_IDS];
	/* the model's */
	struct wanted *queue;
	__u64 put, got;
	__u64 outcome[16];
	__u64 now;
};

static void *map_twice(size_t size)
{
	int fd = memfd_create("ring", 0);
	char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || at == MAP_FAILED || ftruncate(fd, size))
		abort();
	if (mmap(at, size, 3, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(at + size, size, 3, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		abort();
	close(fd);
	return at;
}

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->mem = calloc(1, rp_trie_bytes(RP_MIN_NODES));
	r->queue = calloc(QUEUE, sizeof(*r->queue));
	r->s.ring.data = map_twice(SIZE);
	r->s.ring.mask = SIZE - 1;
	r->s.ring.shared = &r->head;
	r->s.ring.reader = &r->tail;
	r->s.weight = 1000;
	rp_trie_init(&r->s.trie, r->mem, RP_MIN_NODES, rnd(), 1);
	return r;
}

static void rig_free(struct rig *r)
{
	munmap(r->s.ring.data, 2 * SIZE);
	free(r->mem);
	free(r->queue);
	free(r);
}

/* near to each other, around the reach of one unit and of two, far; the kernel's */
static const __u64 bases[] = { 0x400000,
			       0x403fff,
			       0x404000,
			       0x1fffffff + 0x400000ULL,
			       0x20000000 + 0x400000ULL,
			       0x7fff00001000,
			       0xffffffff81000000,
			       0,
			       ~0ULL - 0x100000000 };

static void make_sample(struct rig *r, struct rp_sample *x, __u64 *chain, __u32 variety)
{
	__u32 i, n = 1 + upto(upto(20) ? 30 : SMALL_CHAIN - 1);

	for (i = 0; i + 1 < n; i++)
		chain[i] = bases[upto(i < 3 ? upto(9) + 1 : 2)] + upto(i < 3 ? variety : 2) * 16;
	chain[n - 1] = RINGPROF_END_MARK | (1 + upto(5));
	r->now += 1 + rnd() % 1000000000;
	*x = (struct rp_sample){ .time = r->now,
				 .cgroup = rnd(),
				 .leaf = rnd(),
				 .chain = chain,
				 .n = n,
				 .tgid = 1 + upto(5),
				 .tid = upto(1000),
				 .flags = upto(16) };
}

/* Emits one and keeps what a reader must see of it. */
static enum ringprof_outcome put(struct rig *r, __u32 variety)
{
	struct wanted *w = &r->queue[r->put % QUEUE];
	__u64 head = r->s.ring.head, nodes = r->head.nodes;
	enum ringprof_outcome out;

	rp_emit_check_attach(&r->s);
	make_sample(r, &w->x, w->chain, variety);
	w->x.hash = rp_chain_hash(&r->s.trie, w->chain, w->x.n);
	out = rp_emit(&r->s, &w->x);
	r->outcome[out]++;
	if (out == RINGPROF_OUT_EMITTED) {
		w->weight = r->s.weight;
		w->epoch = r->s.trie.epoch;
		r->put++;
		/* known from now on under the epoch's own key */
		CHECK(rp_chain_get(&r->s.trie, rp_chain_hash(&r->s.trie, w->chain, w->x.n)));
	} else {
		CHECK_EQ(r->s.ring.head, head);
		CHECK_EQ(r->head.nodes, nodes);
		/* nothing new in the trie: either as before, or an epoch not begun yet */
		CHECK(r->s.said_epoch || !r->s.trie.used);
	}
	CHECK_EQ(r->s.ring.head, r->head.head);
	return out;
}

static void see_nodes(struct rig *r, const struct ringprof_rec_nodes16 *n, int size)
{
	__u32 parent = n->parent & RINGPROF_NODE_MASK, units = (size - sizeof(*n)) / 2;
	struct ringprof_units u = ringprof_units(n, size, parent ? r->addr[parent] : 0);
	int more;

	CHECK_EQ(n->parent >> RINGPROF_NODE_BITS, r->epoch & 0xff);
	CHECK(parent <= r->ids);
	CHECK_EQ(u.left, units - n->rec.flags);
	while (units > u.left)
		CHECK_EQ(u.unit[--units], 0);
	while ((more = ringprof_next_addr(&u)) > 0) {
		CHECK(++r->ids < MAX_IDS);
		r->parent[r->ids] = parent;
		r->addr[r->ids] = u.addr;
		parent = r->ids;
	}
	CHECK_EQ(more, 0);
	CHECK(!r->owed);
	r->owed = parent;
}

static void see_sample(struct rig *r, const struct ringprof_rec_sample *s)
{
	const struct wanted *w = &r->queue[r->got++ % QUEUE];
	__u32 id = s->chain & RINGPROF_NODE_MASK, i;

	CHECK(r->got <= r->put);
	CHECK(!r->owed || id == r->owed);
	r->owed = 0;
	CHECK_EQ(s->chain >> RINGPROF_NODE_BITS, w->epoch & 0xff);
	CHECK_EQ(r->epoch, w->epoch);
	CHECK_EQ(r->weight, w->weight);
	CHECK_EQ(s->time, w->x.time);
	CHECK_EQ(s->cgroup, w->x.cgroup);
	CHECK_EQ(s->leaf, w->x.leaf);
	CHECK_EQ(s->tgid, w->x.tgid);
	CHECK_EQ(s->tid, w->x.tid);
	CHECK_EQ(s->rec.flags, w->x.flags);
	for (i = 0; i < w->x.n; i++) {
		CHECK(id && id <= r->ids);
		CHECK_EQ(r->addr[id], w->chain[i]);
		id = r->parent[id];
	}
	CHECK_EQ(id, 0);
}

static void see(struct rig *r, const struct ringprof_rec *rec, int size)
{
	if (rec->type == RINGPROF_REC_EPOCH) {
		CHECK_EQ(size, 16);
		r->epoch = ((const struct ringprof_rec_epoch *)rec)->epoch;
		r->ids = 0;
		r->weight = 0; /* a WEIGHT record must follow */
	} else if (rec->type == RINGPROF_REC_WEIGHT) {
		r->weight = ((const struct ringprof_rec_weight *)rec)->weight;
	} else if (rec->type == RINGPROF_REC_NODES16) {
		see_nodes(r, (const struct ringprof_rec_nodes16 *)rec, size);
	} else {
		CHECK_EQ(rec->type, RINGPROF_REC_SAMPLE);
		see_sample(r, (const struct ringprof_rec_sample *)rec);
	}
}

/* Reads up to `most` records. */
static void get(struct rig *r, __u32 most)
{
	struct ringprof_cursor c = ringprof_cursor(r->s.ring.data, SIZE, r->tail.tail,
						   smp_load_acquire(&r->head.head));
	const struct ringprof_rec *rec;
	int n = 1;

	while (most-- && (n = ringprof_next(&c, &rec)) > 0)
		see(r, rec, n);
	CHECK(n >= 0);
	smp_store_release(&r->tail.tail, c.pos);
}

static void lie(struct rig *r)
{
	__u64 was = r->tail.tail;

	r->tail.tail = upto(2) ? r->s.ring.head + 8 + rnd() % (1ULL << 60) : was + 4;
	CHECK_EQ(put(r, 4), RINGPROF_LOST_BAD_TAIL);
	r->tail.tail = was;
}

static void run_model(__u32 rounds, __u32 variety)
{
	struct rig *r = rig_new();

	while (rounds--) {
		put(r, variety);
		if (!upto(100))
			lie(r);
		if (!upto(200))
			r->s.weight = 1 + rnd() % 100000;
		if (!upto(1000))
			r->s.attach++;
		if (!upto(upto(10) ? 30 : 600))
			get(r, upto(4) ? UINT32_MAX : upto(50));
	}
	get(r, UINT32_MAX);
	CHECK_EQ(r->got, r->put);
	CHECK_EQ(r->head.bytes, r->s.ring.head);
	CHECK(r->outcome[RINGPROF_OUT_EMITTED] > 1000);
	CHECK(r->outcome[RINGPROF_LOST_RING_FULL] > 10);
	CHECK(r->outcome[RINGPROF_LOST_BAD_TAIL] > 10);
	if (r->s.said_epoch)
		CHECK_EQ(r->ids, r->s.trie.used);
	rig_free(r);
}

TEST(few_chains_decode_to_what_was_put)
{
	run_model(60000, 3);
}

TEST(many_chains_decode_over_many_epochs)
{
	run_model(60000, 400);
}

TEST(every_chain_new)
{
	run_model(20000, 1000000);
}

TEST(a_known_chain_costs_one_record)
{
	struct rig *r = rig_new();
	__u64 chain[2] = { 0x1000, RINGPROF_END_MARK | 1 };
	struct rp_sample x = { .chain = chain, .n = 2, .tgid = 1 };
	__u64 before;

	x.hash = rp_chain_hash(&r->s.trie, chain, 2);
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
	/* the mark and the address behind it are far: five units each, and two that fill up */
	CHECK_EQ(r->s.ring.head, 16 + 24 + 8 + 10 + 10 + 4 + 40);
	before = r->s.ring.head;
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
	CHECK_EQ(r->s.ring.head - before, 40);
	CHECK_EQ(r->head.chain_hits, 1);
	CHECK_EQ(r->head.nodes, 2);
	rig_free(r);
}

/* One node below a known one, this far from it: the units it takes, read back as well. */
static __u32 units_of_distance(__u64 base, __u64 distance)
{
	struct rig *r = rig_new();
	__u64 chain[3] = { base + distance, base, RINGPROF_END_MARK | 1 };
	const struct ringprof_rec_nodes16 *n;
	__u32 i, units;

	for (i = 0; i < 2; i++) {
		struct wanted *w = &r->queue[i];

		*w = (struct wanted){ .x = { .n = 2 + i }, .weight = 1000 };
		memcpy(w->chain, chain + 1 - i, (2 + i) * sizeof(chain[0]));
		w->x.chain = w->chain;
		w->x.hash = rp_chain_hash(&r->s.trie, w->chain, w->x.n);
		w->epoch = r->s.trie.epoch;
		n = rp_ring_at(&r->s.ring, r->s.ring.head);
		CHECK_EQ(rp_emit(&r->s, &w->x), RINGPROF_OUT_EMITTED);
	}
	units = (n->rec.size - sizeof(*n)) / 2 - n->rec.flags;
	r->put = 2;
	get(r, UINT32_MAX);
	CHECK_EQ(r->got, 2);
	rig_free(r);
	return units;
}

TEST(a_node_takes_units_by_its_distance)
{
	static const __u64 from[] = { 0x10, 0x400000, 0x7f0000000000, 0xffffffff81000000, ~0ULL };
	static const struct {
		__u64 distance;
		__u32 units;
	} d[] = {
		{ 0, 1 },
		{ 1, 1 },
		{ -1ULL, 1 },
		{ 0x3fff, 1 },
		{ 0x4000, 2 },
		{ -0x4000ULL, 1 },
		{ -0x4001ULL, 2 },
		{ 0x1fffffff, 2 },
		{ 0x20000000, 5 },
		{ -0x20000000ULL, 2 },
		{ -0x20000001ULL, 5 },
		{ 0x80000000, 5 },
		{ 0x100000000, 5 },
		{ 1ULL << 63, 5 },
	};
	__u32 i, k;

	for (i = 0; i < 5; i++)
		for (k = 0; k < sizeof(d) / sizeof(d[0]); k++)
			CHECK_EQ(units_of_distance(from[i], d[k].distance), d[k].units);
}

/* Every address far from the one before: a group at its largest, to the byte. */
TEST(the_largest_group_is_as_large_as_is_said)
{
	struct rig *r = rig_new();
	__u64 chain[SMALL_CHAIN];
	struct rp_sample x = { .chain = chain, .n = SMALL_CHAIN, .tgid = 1 };
	__u32 i;

	for (i = 0; i + 1 < SMALL_CHAIN; i++)
		chain[i] = i & 1 ? 0x400000 : 0x7f0000000000;
	chain[SMALL_CHAIN - 1] = RINGPROF_END_MARK | 1;
	x.hash = rp_chain_hash(&r->s.trie, chain, x.n);
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
	CHECK_EQ(r->s.ring.head, GROUP_BYTES(SMALL_CHAIN));
	CHECK_EQ(r->head.bytes, r->s.ring.head);
	CHECK_EQ(r->head.nodes, SMALL_CHAIN);
	rig_free(r);
}

TEST(no_ring_is_a_named_loss)
{
	struct rig *r = rig_new();
	void *data = r->s.ring.data;
	__u64 chain[1] = { RINGPROF_END_MARK };
	struct rp_sample x = { .chain = chain, .n = 1 };

	r->s.ring.data = NULL;
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_LOST_NO_RING);
	r->s.ring.data = data;
	rig_free(r);
}

/* One process with ever new chains is cut, others go on, and time heals it. */
TEST(a_thrashing_process_is_cut)
{
	struct rig *r = rig_new();
	__u64 chain[8];
	struct rp_sample x = { .chain = chain, .tgid = 7, .time = 1 };
	__u32 i, epoch = r->s.trie.epoch;

	for (i = 0; i < 3000; i++) {
		chain[0] = 0x1000 + i;
		chain[1] = RINGPROF_END_MARK | 1;
		x.n = 2;
		x.hash = rp_chain_hash(&r->s.trie, chain, 2);
		CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
		r->tail.tail = r->s.ring.head;
	}
	CHECK_EQ(r->s.trie.epoch, epoch);
	CHECK_EQ(r->head.node_limit_hits, 3000 - (r->s.trie.quota_max - 1));
	CHECK_EQ(x.n, 1);
	CHECK_EQ(chain[0], RINGPROF_END_MARK | RINGPROF_END_NODE_LIMIT);

	chain[0] = 0x999999;
	chain[1] = RINGPROF_END_MARK | 1;
	x.n = 2;
	x.tgid = 8;
	x.hash = rp_chain_hash(&r->s.trie, chain, 2);
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
	CHECK_EQ(x.n, 2);

	x.tgid = 7;
	x.time += RP_EPOCH_MIN_NS + 1;
	chain[0] = 0x777777;
	x.hash = rp_chain_hash(&r->s.trie, chain, 2);
	CHECK_EQ(rp_emit(&r->s, &x), RINGPROF_OUT_EMITTED);
	CHECK_EQ(x.n, 2);
	CHECK_EQ(r->s.trie.epoch, epoch + 1);
	rig_free(r);
}

/* Any bytes as ring contents: the walk must end, inside the area. */
TEST(record_walk_survives_noise)
{
	unsigned char *data = map_twice(SIZE);
	__u32 round, i;

	for (round = 0; round < 2000; round++) {
		__u64 tail = rnd() & ~7ULL, head = tail + upto(SIZE + 64), end;
		struct ringprof_cursor c = ringprof_cursor(data, SIZE, tail, head);
		const struct ringprof_rec *rec;
		int n;

		for (i = 0; i < SIZE; i += 8) {
			__u64 word = rnd();

			if (upto(3)) /* a likely head */
				word = (word & ~0xffffffffULL) | (8 + 8 * upto(9)) << 16 | upto(6);
			memcpy(data + i, &word, 8);
		}
		end = head;
		while ((n = ringprof_next(&c, &rec)) > 0) {
			CHECK(c.pos <= end);
			CHECK((const unsigned char *)rec + n <= data + 2 * SIZE);
			CHECK(n >= (int)ringprof_rec_min(rec->type));
		}
		CHECK(n == 0 || n == -EINVAL);
	}
	munmap(data, 2 * SIZE);
}

/* As if its type had changed behind the check of its size. */
TEST(nothing_but_filling_is_no_address)
{
	static const struct ringprof_rec_nodes16 n = { .rec = { RINGPROF_REC_NODES16, 3, 8 } };
	struct ringprof_units u = ringprof_units(&n, sizeof(n), 0);

	CHECK_EQ(ringprof_next_addr(&u), 0);
}

TEST(sizes)
{
	CHECK(ringprof_size_ok(RINGPROF_MIN_DATA_SIZE));
	CHECK(ringprof_size_ok(RINGPROF_MAX_DATA_SIZE));
	CHECK(!ringprof_size_ok(RINGPROF_MIN_DATA_SIZE / 2));
	CHECK(!ringprof_size_ok(RINGPROF_MAX_DATA_SIZE * 2ULL));
	CHECK(!ringprof_size_ok(0x6000));
	CHECK(!ringprof_size_ok(0));
	/* long chains, with everything before them, fit */
	CHECK(GROUP_BYTES(SMALL_CHAIN) <= RINGPROF_MIN_DATA_SIZE);
	CHECK(SMALL_CHAIN <= RP_MIN_NODES / 4 * 3);
	CHECK(GROUP_BYTES(RP_MAX_CHAIN) <= 2 * RINGPROF_MIN_DATA_SIZE);
	CHECK(RP_MAX_CHAIN <= 2 * RP_MIN_NODES / 4 * 3);
	/* its size must fit the record's field */
	CHECK(sizeof(struct ringprof_rec_nodes16) + 10 * RP_MAX_CHAIN + 6 <= UINT16_MAX);
}

int main(void)
{
	return tap_main();
}
