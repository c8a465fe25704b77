// SPDX-License-Identifier: GPL-2.0
/*
 * The module's writer and a reader at once, for ThreadSanitizer: the reader
 * must find every chain whole, whatever the interleaving, and attach now and
 * then.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "kmod/emit.c"
#include "kmod/trie.c"
#include "ringprof/record.h"
#include "tap.h"
#include "test_random.h"

#define SIZE	RINGPROF_MIN_DATA_SIZE
#define SAMPLES 40000

static struct rp_stream stream;
static struct ringprof_ring_head head;
static struct ringprof_ring_tail tail;
static int done;
static __u64 emitted;

/* A chain that tells its own length and seed, so the reader needs no second channel. */
static __u32 make_chain(__u64 *chain, __u64 tag)
{
	__u32 n = 2 + tag % 30, i;

	for (i = 0; i + 1 < n; i++)
		chain[i] = tag * 64 + i;
	chain[n - 1] = RINGPROF_END_MARK | n;
	return n;
}

static void *writer(void *arg)
{
	__u64 chain[64], s = 12345, i;

	for (i = 0; i < SAMPLES; i++) {
		__u64 tag = next_random(&s) % (next_random(&s) % 4 ? 20 : 3000);
		struct rp_sample x = { .chain = chain, .leaf = tag, .tgid = tag & 7, .time = i };

		rp_emit_check_attach(&stream);
		x.n = make_chain(chain, tag);
		x.hash = rp_chain_hash(&stream.trie, chain, x.n);
		if (rp_emit(&stream, &x) == RINGPROF_OUT_EMITTED)
			emitted++;
		else
			sched_yield();
		if (next_random(&s) % 64 == 0)
			sched_yield();
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return NULL;
}

struct view {
	__u32 ids;
	__u64 samples, bad;
	__u32 parent[RP_MIN_NODES + 1];
	__u64 addr[RP_MIN_NODES + 1];
};

static void see_nodes(struct view *v, const struct ringprof_rec_nodes16 *n, int size)
{
	__u32 parent = n->parent & RINGPROF_NODE_MASK;
	struct ringprof_units u;
	int more = 0;

	v->bad += parent > v->ids;
	if (parent > v->ids)
		return;
	u = ringprof_units(n, size, parent ? v->addr[parent] : 0);
	while (v->ids < RP_MIN_NODES && (more = ringprof_next_addr(&u)) > 0) {
		v->parent[++v->ids] = parent;
		v->addr[v->ids] = u.addr;
		parent = v->ids;
	}
	v->bad += more < 0 || u.left;
}

static void see_sample(struct view *v, const struct ringprof_rec_sample *s)
{
	__u64 chain[64];
	__u32 n = make_chain(chain, s->leaf), id = s->chain & RINGPROF_NODE_MASK, i;

	v->samples++;
	/* cut at its node limit: one mark */
	if (id <= v->ids && v->addr[id] == (RINGPROF_END_MARK | RINGPROF_END_NODE_LIMIT) &&
	    !v->parent[id])
		return;
	for (i = 0; i < n; i++) {
		if (!id || id > v->ids || v->addr[id] != chain[i]) {
			v->bad++;
			return;
		}
		id = v->parent[id];
	}
	v->bad += id != 0;
}

static void drain(struct view *v)
{
	struct ringprof_cursor c =
		ringprof_cursor(stream.ring.data, SIZE, tail.tail, smp_load_acquire(&head.head));
	const struct ringprof_rec *rec;
	int n;

	while ((n = ringprof_next(&c, &rec)) > 0) {
		if (rec->type == RINGPROF_REC_EPOCH)
			v->ids = 0;
		else if (rec->type == RINGPROF_REC_NODES16)
			see_nodes(v, (const struct ringprof_rec_nodes16 *)rec, n);
		else if (rec->type == RINGPROF_REC_SAMPLE)
			see_sample(v, (const struct ringprof_rec_sample *)rec);
	}
	v->bad += n < 0;
	smp_store_release(&tail.tail, c.pos);
}

TEST(reader_meets_no_id_before_its_node)
{
	static struct view v;
	__u64 s = 999;
	pthread_t t;

	/* one area twice as long stands in for the double mapping: TSan sees every byte once */
	stream.ring.data = calloc(2, SIZE);
	stream.ring.mask = SIZE - 1;
	stream.ring.shared = &head;
	stream.ring.reader = &tail;
	stream.weight = 1;
	rp_trie_init(&stream.trie, calloc(1, rp_trie_bytes(RP_MIN_NODES)), RP_MIN_NODES, 42, 1);
	CHECK_EQ(pthread_create(&t, NULL, writer, NULL), 0);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		drain(&v);
		if (next_random(&s) % 256 == 0)
			smp_store_release(&stream.attach, stream.attach + 1);
		if (next_random(&s) % 4 == 0)
			sched_yield();
	}
	pthread_join(t, NULL);
	drain(&v);
	CHECK_EQ(v.bad, 0);
	CHECK_EQ(v.samples, emitted);
	CHECK(emitted > 100);
	free(stream.ring.data);
	free(stream.trie.node);
}

int main(void)
{
	return tap_main();
}
