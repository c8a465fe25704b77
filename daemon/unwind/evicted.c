// SPDX-License-Identifier: GPL-2.0
/*
 * See evicted.h. A file is told by its inode as places.c does, a missed one
 * first by its key, which costs nothing: only a file with a key that is gone is
 * opened to see whether it is that inode, once between two looks.
 */
#include "unwind/evicted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "sym/file_close.h"

struct inode_id {
	uint64_t dev, ino, ctime;
};

struct known {
	struct inode_id id; /* all 0: the vDSO */
	uint8_t key[RINGPROF_KEY_SIZE];
	uint32_t table; /* the module's number, 0: none */
	uint64_t bytes; /* there; a little more until the module said */
	uint64_t hits;
	/*
	 * How much it is used, or missed: each look counts half of the one behind
	 * it. What one look alone saw goes up and down with who ran just then.
	 */
	uint64_t use;
	uint64_t sent, pause; /* when it was last chosen, mono ns; not again before so much later */
	bool gone;
	bool fresh; /* came since the last look: how much it is used is not known yet */
};

struct wanted {
	/* the mapping's numbers */
	uint64_t dev, ino;
	uint32_t known; /* NOBODY: that inode is not gone */
	int fd;
	struct file *file;
	uint64_t misses;
};

#define NOBODY UINT32_MAX

/* What the module needs for a table beside rows and an index of an eighth of them, at most. */
#define TABLE_BYTES 1024U

struct evicted {
	struct known *known;
	size_t n, cap;
	struct hmap by_table; /* number -> index of known, for those that are there */
	struct hmap by_key;   /* key -> index, for those that are gone */
	uint32_t gone;
	bool vdso; /* to be given again */
	struct wanted wanted[EVICTED_WANTED];
	uint32_t n_wanted, n_chosen;  /* those chosen stand first */
	uint32_t drop[EVICTED_DROPS]; /* tables that go for them */
	uint32_t n_drop;
	struct evicted_counters c;
};

struct evicted *evicted_new(void)
{
	return calloc(1, sizeof(struct evicted));
}

static void let_go(struct wanted *w)
{
	file_close_aside(w->fd, false);
	file_unref(w->file);
}

static void forget_wanted(struct evicted *e, uint32_t from)
{
	while (e->n_wanted > from)
		let_go(&e->wanted[--e->n_wanted]);
}

void evicted_reset(struct evicted *e)
{
	forget_wanted(e, 0);
	e->n_chosen = 0;
	e->n_drop = 0;
	e->n = 0;
	e->gone = 0;
	e->vdso = false;
	hmap_clear(&e->by_table);
	hmap_clear(&e->by_key);
}

void evicted_free(struct evicted *e)
{
	if (!e)
		return;
	evicted_reset(e);
	hmap_free(&e->by_table);
	hmap_free(&e->by_key);
	free(e->known);
	free(e);
}

static uint64_t hash_of(const uint8_t *key)
{
	return XXH3_64bits(key, RINGPROF_KEY_SIZE);
}

static bool id_of(int fd, struct inode_id *ret)
{
	struct stat st;

	*ret = (struct inode_id){ 0, 0, 0 };
	if (fd < 0)
		return true;
	if (fstat(fd, &st))
		return false;
	*ret = (struct inode_id){ st.st_dev, st.st_ino,
				  (uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC +
					  (uint64_t)st.st_ctim.tv_nsec };
	return true;
}

/* The gone one of this key and inode, NULL: none. */
static struct known *find_gone(struct evicted *e, const uint8_t *key, const struct inode_id *id)
{
	uint32_t i;

	HMAP_FOR_EACH (&e->by_key, hash_of(key), it, i)
		if (!memcmp(e->known[i].key, key, RINGPROF_KEY_SIZE) &&
		    !memcmp(&e->known[i].id, id, sizeof(*id)))
			return &e->known[i];
	return NULL;
}

static bool key_is_gone(const struct evicted *e, const uint8_t *key)
{
	uint32_t i;

	HMAP_FOR_EACH (&e->by_key, hash_of(key), it, i)
		if (!memcmp(e->known[i].key, key, RINGPROF_KEY_SIZE))
			return true;
	return false;
}

static uint32_t index_of(const struct evicted *e, const struct known *k)
{
	return (uint32_t)(k - e->known);
}

static void is_there(struct evicted *e, struct known *k, uint32_t table)
{
	if (k->gone) {
		hmap_remove(&e->by_key, hash_of(k->key), index_of(e, k));
		e->gone--;
	}
	k->gone = false;
	k->table = table;
	k->fresh = true;
	k->hits = 0;
	hmap_insert(&e->by_table, hash_mix(table, 0), index_of(e, k));
}

static void is_gone(struct evicted *e, struct known *k)
{
	if (k->table)
		hmap_remove(&e->by_table, hash_mix(k->table, 0), index_of(e, k));
	k->table = 0;
	if (k->gone)
		return;
	/* without memory it stays away */
	k->gone = !hmap_insert(&e->by_key, hash_of(k->key), index_of(e, k));
	e->gone += k->gone;
	e->c.evicted++;
}

/* A place for a new one; NULL: none. A module with more than it can hold has let them all go. */
static struct known *add(struct evicted *e)
{
	struct known *p;

	if (e->n == EVICTED_KNOWN)
		evicted_reset(e);
	p = array_room(e->known, &e->cap, e->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	e->known = p;
	p[e->n] = (struct known){ .table = 0 };
	return &p[e->n++];
}

static struct known *find_by_table(const struct evicted *e, uint32_t table)
{
	uint32_t i;

	HMAP_FOR_EACH (&e->by_table, hash_mix(table, 0), it, i)
		if (e->known[i].table == table)
			return &e->known[i];
	return NULL;
}

void evicted_sent(struct evicted *e, int fd, const uint8_t key[RINGPROF_KEY_SIZE], uint32_t n_rows,
		  uint32_t id)
{
	struct inode_id inode;
	struct known *k;

	if (!id_of(fd, &inode))
		return;
	k = find_gone(e, key, &inode);
	if (!k)
		k = add(e);
	if (!k)
		return;
	memcpy(k->key, key, sizeof(k->key));
	k->id = inode;
	if (!k->bytes)
		k->bytes = TABLE_BYTES + (uint64_t)n_rows * sizeof(struct ringprof_row) +
			   (uint64_t)n_rows / 8 * sizeof(uint32_t);
	if (id)
		is_there(e, k, id);
	else
		is_gone(e, k);
}

/* ---- what was missed ---- */

static struct wanted *find_wanted(struct evicted *e, uint64_t dev, uint64_t ino)
{
	for (uint32_t i = 0; i < e->n_wanted; i++)
		if (e->wanted[i].dev == dev && e->wanted[i].ino == ino)
			return &e->wanted[i];
	return NULL;
}

static struct wanted *open_wanted(struct evicted *e, struct file *f, const struct file_where *w,
				  uint64_t dev)
{
	struct wanted *ret = &e->wanted[e->n_wanted];
	struct inode_id id;
	struct known *k = NULL;
	struct stat st;

	if (e->n_wanted == EVICTED_WANTED)
		return NULL;
	*ret = (struct wanted){ .dev = dev, .ino = w->ino, .known = NOBODY };
	ret->fd = file_open_mapping_soon(f, w, &st);
	if (ret->fd >= 0 && id_of(ret->fd, &id))
		k = find_gone(e, f->key, &id);
	if (k) {
		ret->known = index_of(e, k);
		ret->file = file_ref(f);
	} else if (ret->fd >= 0) {
		file_close_aside(ret->fd, w->maj != 0);
		ret->fd = -1;
	}
	e->n_wanted++;
	return ret;
}

bool evicted_missed(struct evicted *e, struct file *f, const struct file_where *w)
{
	uint64_t dev = (uint64_t)w->maj << 32 | w->min;
	struct wanted *x;

	if (!e->gone || !key_is_gone(e, f->key))
		return false;
	x = find_wanted(e, dev, w->ino);
	if (!x)
		x = open_wanted(e, f, w, dev);
	if (!x || x->known == NOBODY)
		return false;
	x->misses++;
	return true;
}

/* ---- deciding ---- */

/* A table of ours that is there, to be weighed. */
struct weight {
	uint64_t use, bytes;
	uint32_t table;
};

static int least_first(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	return (x->use > y->use) - (x->use < y->use);
}

static int most_first(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->misses < y->misses) - (x->misses > y->misses);
}

/* Who is there, and how much each was used since the last look. */
static void compare(struct evicted *e, const struct evicted_module *m, uint64_t now)
{
	cleanup_free bool *here = calloc(e->n ? e->n : 1, sizeof(*here));

	if (!here)
		return;
	for (size_t i = 0; i < e->n; i++)
		e->known[i].use /= 2;
	for (size_t i = 0; i < m->n_tables; i++) {
		struct known *k = find_by_table(e, m->tables[i].id);

		if (!k)
			continue;
		here[index_of(e, k)] = true;
		k->bytes = m->tables[i].bytes;
		k->use += m->tables[i].hits - k->hits;
		k->hits = m->tables[i].hits;
		if (now - k->sent > 2 * k->pause)
			k->pause = 0;
	}
	for (size_t i = 0; i < e->n; i++)
		if (!here[i] && e->known[i].table)
			is_gone(e, &e->known[i]);
}

/* The room that is left, and what could be taken from whom. */
struct market {
	uint64_t room, budget;
	struct weight *seller;
	size_t n, sold;
};

/* Buys room for `bytes`, missed so much; false: too dear. */
static bool buy(struct evicted *e, struct market *m, uint64_t bytes, uint64_t misses)
{
	uint64_t room = m->room, price = 0;
	size_t i = m->sold;

	if (bytes > m->budget)
		return false;
	while (room < bytes && i < m->n) {
		price += m->seller[i].use;
		room += m->seller[i++].bytes;
	}
	if (room < bytes || (i > m->sold && misses <= 2 * price + EVICTED_WORTH) ||
	    i - m->sold > EVICTED_DROPS - e->n_drop)
		return false;
	m->room = room - bytes;
	while (m->sold < i)
		e->drop[e->n_drop++] = m->seller[m->sold++].table;
	return true;
}

static bool choose(struct evicted *e, struct known *k, struct market *m, uint64_t now)
{
	if (!k->gone || now - k->sent < k->pause)
		return false;
	if (!buy(e, m, k->bytes, k->use)) {
		e->c.kept_out++;
		return false;
	}
	k->sent = now;
	k->pause = k->pause ? 2 * k->pause : EVICTED_LOOK_NS;
	if (k->pause > EVICTED_MAX_PAUSE)
		k->pause = EVICTED_MAX_PAUSE;
	return true;
}

static void decide(struct evicted *e, struct market *m, uint64_t now)
{
	uint32_t n = e->n_chosen;

	for (uint32_t i = n; i < e->n_wanted; i++)
		if (e->wanted[i].known != NOBODY)
			e->known[e->wanted[i].known].use += e->wanted[i].misses;
	qsort(&e->wanted[n], e->n_wanted - n, sizeof(e->wanted[0]), most_first);
	for (uint32_t i = n; i < e->n_wanted; i++) {
		struct wanted w = e->wanted[i];

		if (w.known == NOBODY || !choose(e, &e->known[w.known], m, now))
			continue;
		e->wanted[i] = e->wanted[n];
		e->wanted[n++] = w;
	}
	e->n_chosen = n;
	forget_wanted(e, n);
	/* nobody can say that it is missed: it comes when there is room, and it is small */
	for (size_t i = 0; i < e->n && !e->vdso; i++)
		if (e->known[i].gone && !e->known[i].id.ino)
			e->vdso = choose(e, &e->known[i], m, now);
}

uint32_t evicted_look(struct evicted *e, const struct evicted_module *m, uint64_t now)
{
	cleanup_free struct weight *seller = NULL;
	struct market market = { .budget = m->budget };

	compare(e, m, now);
	seller = calloc(e->n ? e->n : 1, sizeof(*seller));
	if (!seller)
		return e->gone;
	for (size_t i = 0; i < e->n; i++) {
		struct known *k = &e->known[i];

		if (k->table && !k->fresh)
			seller[market.n++] = (struct weight){ k->use, k->bytes, k->table };
		k->fresh = false;
	}
	qsort(seller, market.n, sizeof(*seller), least_first);
	market.seller = seller;
	market.room = m->budget > m->bytes ? m->budget - m->bytes : 0;
	decide(e, &market, now);
	return e->gone;
}

bool evicted_drop(struct evicted *e, uint32_t *ret_table)
{
	if (!e->n_drop)
		return false;
	*ret_table = e->drop[--e->n_drop];
	return true;
}

uint32_t evicted_gone(const struct evicted *e)
{
	return e->gone;
}

bool evicted_next(struct evicted *e, int *ret_fd, struct file **ret_file)
{
	struct wanted w;

	*ret_fd = -1;
	*ret_file = NULL;
	if (e->vdso) {
		e->vdso = false;
		e->c.again++;
		return true;
	}
	if (!e->n_chosen)
		return false;
	w = e->wanted[--e->n_chosen];
	e->wanted[e->n_chosen] = e->wanted[--e->n_wanted];
	e->c.again++;
	*ret_fd = w.fd;
	*ret_file = w.file;
	return true;
}

void evicted_counters(const struct evicted *e, struct evicted_counters *ret)
{
	*ret = e->c;
}
