// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of tables: by file key, so that a file that was forgotten by
 * the registry of files and came again finds its table.
 *
 * One thread makes tables, one at a time: a host's libraries are some hundred,
 * a few ms each, and a second thread would take a second CPU from what is
 * being measured. What has no table yet is walked by frame pointers.
 *
 * It is made when the first file is asked for, and opens the cache itself: a
 * thread has the rights that its maker has then, so whoever gives rights up
 * between tables_new and the first tables_get gives up this thread's as well.
 */
#include "unwind/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/cond.h"
#include "unwind/tables_int.h"

#define UNUSED_NS (10 * NSEC_PER_SEC)

static uint64_t key_hash(const uint8_t *key)
{
	return XXH3_64bits(key, RINGPROF_KEY_SIZE);
}

void table_release(struct table *e)
{
	cache_rows_free(&e->rows);
	free(e->index);
	e->index = NULL;
	e->pub.view = (struct ringprof_table){ .rows = NULL };
	e->bytes = 0;
}

static void table_free(struct table *e)
{
	if (!e)
		return;
	table_release(e);
	file_unref(e->file);
	free(e);
}

static int init_sync(struct tables *t)
{
	if (pthread_mutex_init(&t->lock, NULL) || cond_init(&t->work) || cond_init(&t->idle))
		return -ENOMEM;
	return 0;
}

static uint32_t free_slot(const struct tables *t)
{
	if (t->n_tables < TABLES_MAX)
		return t->n_tables;
	for (uint32_t i = 0; i < TABLES_MAX; i++)
		if (!t->tables[i])
			return i;
	return UINT32_MAX;
}

/* Takes e in; lock held. Its place, UINT32_MAX: no memory or too many, e is not taken. */
static uint32_t add_table(struct tables *t, struct table *e)
{
	uint32_t i = free_slot(t);

	if (i == UINT32_MAX || hmap_insert(&t->by_key, key_hash(e->pub.key), i))
		return UINT32_MAX;
	t->tables[i] = e;
	if (i == t->n_tables)
		t->n_tables++;
	return i;
}

void tables_number(struct tables *t, uint32_t i)
{
	uint32_t *p = array_room(t->order, &t->cap_order, t->n_order + 1, sizeof(*p));

	if (!p)
		return; /* walked with here, never handed over */
	t->order = p;
	p[t->n_order++] = i;
	t->tables[i]->pub.number = (uint32_t)t->n_order;
}

static void add_vdso(struct tables *t)
{
	struct table *e = calloc(1, sizeof(*e));
	uint32_t i = UINT32_MAX;

	if (e && !tables_make_vdso(e))
		i = add_table(t, e);
	if (i == UINT32_MAX) {
		table_free(e);
		return;
	}
	e->state = TABLE_READY;
	t->vdso = e;
	t->c.ready++;
	t->c.rows += e->pub.view.n_rows;
	t->c.bytes += e->bytes;
	if (e->pub.view.n_rows)
		tables_number(t, i);
}

struct tables *tables_new(const struct tables_config *cfg, struct files *files)
{
	struct tables *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->files = files;
	t->reader = cfg->reader;
	t->max_bytes = cfg->max_bytes ? cfg->max_bytes : TABLES_MAX_BYTES;
	t->max_disk = cfg->max_disk ? cfg->max_disk : TABLES_MAX_DISK;
	t->cache.dir = -1;
	t->dir = cfg->dir ? strdup(cfg->dir) : NULL;
	if ((cfg->dir && !t->dir) || init_sync(t)) {
		free(t->dir);
		free(t);
		return NULL;
	}
	add_vdso(t);
	return t;
}

void tables_free(struct tables *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->work);
	pthread_mutex_unlock(&t->lock);
	if (t->started)
		pthread_join(t->thread, NULL);
	for (uint32_t i = 0; i < t->n_tables; i++)
		table_free(t->tables[i]); /* NULL is fine */
	cachedir_close(&t->cache);
	pthread_cond_destroy(&t->work);
	pthread_cond_destroy(&t->idle);
	pthread_mutex_destroy(&t->lock);
	hmap_free(&t->by_key);
	free(t->order);
	free(t->dir);
	free(t);
}

static uint32_t find(struct tables *t, const uint8_t *key)
{
	uint32_t i;

	HMAP_FOR_EACH (&t->by_key, key_hash(key), it, i)
		if (!memcmp(t->tables[i]->pub.key, key, RINGPROF_KEY_SIZE))
			return i;
	return UINT32_MAX;
}

static uint32_t new_table(struct tables *t, struct file *f)
{
	struct table *e = calloc(1, sizeof(*e));
	uint32_t i;

	if (!e)
		return UINT32_MAX;
	memcpy(e->pub.key, f->key, RINGPROF_KEY_SIZE);
	i = add_table(t, e);
	if (i == UINT32_MAX)
		free(e);
	else
		e->file = file_ref(f);
	return i;
}

static void enqueue(struct tables *t, uint32_t i)
{
	if (!t->started)
		t->started = !pthread_create(&t->thread, NULL, tables_thread, t);
	if (!t->started || t->q_n == TABLES_MAX_QUEUE) {
		t->c.queue_full++; /* it is asked for again */
		return;
	}
	t->queue[t->q_n++] = i;
	t->tables[i]->state = TABLE_QUEUED;
	pthread_cond_signal(&t->work);
}

const struct unwind_table *tables_get(struct tables *t, struct file *f)
{
	const struct unwind_table *ret = NULL;
	uint64_t now = mono_now();
	struct table *e;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	i = find(t, f->key);
	if (i == UINT32_MAX)
		i = new_table(t, f);
	if (i == UINT32_MAX)
		goto out;
	e = t->tables[i];
	e->used = now;
	if (e->state == TABLE_NEW || (e->state > TABLE_READY && now >= e->retry))
		enqueue(t, i);
	/* a table that may yet be made must not be seen while it is */
	if (e->state >= TABLE_READY)
		ret = e->state == TABLE_READY ? &e->pub : &t->none;
out:
	pthread_mutex_unlock(&t->lock);
	return ret;
}

bool tables_may_come(const struct tables *t, const struct unwind_table *given)
{
	return given == &t->none;
}

const struct unwind_table *tables_vdso(struct tables *t)
{
	return t->vdso ? &t->vdso->pub : NULL;
}

/* Of those not asked for since `before`: its place. full: also tables without bytes. */
static uint32_t least_used(const struct tables *t, uint64_t before, bool full)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < t->n_tables; i++) {
		const struct table *e = t->tables[i];

		if (e && e != t->vdso && e->state != TABLE_QUEUED && e->used < before &&
		    (e->bytes || full) && (best == UINT32_MAX || e->used < t->tables[best]->used))
			best = i;
	}
	return best;
}

static void evict(struct tables *t, struct table *e)
{
	if (e->state != TABLE_READY)
		return;
	t->c.bytes -= e->bytes;
	t->c.rows -= e->pub.view.n_rows;
	t->c.opaque_rows -= e->rows.rows.n_opaque;
	for (int i = 0; i < ROWS_ORIGINS; i++)
		t->c.rows_by[i] -= e->rows.rows.n_by[i];
	t->c.ready--;
	t->c.evicted++;
	table_release(e);
	e->pub.number = 0;
	e->state = TABLE_NEW;
}

/* So that new files find a place: the table is forgotten altogether. */
static void forget_some(struct tables *t, uint64_t before)
{
	for (uint32_t n = 0; n < TABLES_MAX / 64; n++) {
		uint32_t i = least_used(t, before, true);

		if (i == UINT32_MAX)
			break;
		evict(t, t->tables[i]);
		hmap_remove(&t->by_key, key_hash(t->tables[i]->pub.key), i);
		table_free(t->tables[i]);
		t->tables[i] = NULL;
	}
}

void tables_trim(struct tables *t)
{
	uint64_t now = mono_now(), before = now > UNUSED_NS ? now - UNUSED_NS : 0;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	while (t->wanted && t->c.bytes + t->wanted > t->max_bytes) {
		i = least_used(t, before, false);
		if (i == UINT32_MAX)
			break;
		evict(t, t->tables[i]);
	}
	t->wanted = 0; /* who still wants asks again */
	if (t->by_key.live > TABLES_MAX - TABLES_MAX / 8)
		forget_some(t, before);
	pthread_mutex_unlock(&t->lock);
}

const struct unwind_table *tables_next(struct tables *t, uint32_t *after, struct file **ret_file)
{
	const struct unwind_table *ret = NULL;

	*ret_file = NULL;
	pthread_mutex_lock(&t->lock);
	while (!ret && *after < t->n_order) {
		const struct table *e = t->tables[t->order[(*after)++]];

		/* let go of since, or ready anew under a later number */
		if (e && e->pub.number == *after)
			ret = &e->pub;
		if (ret && e->file)
			*ret_file = file_ref(e->file);
	}
	pthread_mutex_unlock(&t->lock);
	return ret;
}

int tables_wait(struct tables *t, uint64_t timeout)
{
	uint64_t until = mono_now() + timeout;
	int r;

	pthread_mutex_lock(&t->lock);
	while ((t->q_n || t->busy) && cond_wait_until(&t->idle, &t->lock, until))
		;
	r = t->q_n || t->busy ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&t->lock);
	return r;
}

void tables_counters(struct tables *t, struct tables_counters *ret)
{
	pthread_mutex_lock(&t->lock);
	*ret = t->c;
	ret->queued = t->q_n + t->busy;
	pthread_mutex_unlock(&t->lock);
}
