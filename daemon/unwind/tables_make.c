// SPDX-License-Identifier: GPL-2.0
/*
 * The thread that makes tables: from the cache, else from the file, which is
 * then written to the cache and mapped from there, so that rows are page
 * cache that the kernel can drop rather than memory of ours.
 *
 * A file that cannot be read now (its process went, memory is short) is tried
 * again when it is asked for, each time after twice as long.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "ringprof/row_check.h"
#include "sym/elf_image.h"
#include "unwind/rows_read.h"
#include "unwind/tables_int.h"

#define RETRY_NS (10 * NSEC_PER_SEC)
#define MAX_VDSO 65536

int tables_view(struct table *e)
{
	const struct rows *r = &e->rows.rows;
	struct ringprof_table *v = &e->pub.view;
	uint32_t last;

	e->bytes = e->rows.map.data ? e->rows.map.len : (uint64_t)r->n * sizeof(*r->rows);
	memcpy(e->pub.segments, r->segments, sizeof(e->pub.segments));
	e->pub.n_segments = r->n_segments;
	*v = (struct ringprof_table){ .rows = r->rows, .base = r->base, .n_rows = r->n };
	if (!r->n)
		return 0;
	last = r->rows[r->n - 1].pc;
	v->shift = ringprof_index_shift(r->n, last);
	v->n_index = (uint32_t)ringprof_index_size(last, v->shift);
	e->index = calloc(v->n_index, sizeof(*e->index));
	if (!e->index)
		return -ENOMEM;
	ringprof_index_fill(e->index, r->rows, r->n, v->shift);
	v->index = e->index;
	e->bytes += v->n_index * sizeof(*e->index);
	return 0;
}

struct made {
	struct cache_rows rows;
	bool compiled, disk_error;
	uint64_t ns;
};

static int rows_of(struct tables *t, struct file *f, int fd, struct made *m)
{
	struct cache_rows mapped;
	const struct cache_source src = { f->key, file_ident_hash(f) };
	struct rows_limits lim;
	uint64_t start;
	int r;

	r = cache_load(&t->cache, &src, &m->rows);
	if (!r)
		return 0;
	m->disk_error = r != -ENOENT;
	lim = (struct rows_limits){ .max_rows = RINGPROF_MAX_ROWS };
	start = mono_now();
	r = rows_read_by(t->reader, f, fd, &lim, &m->rows.rows);
	m->ns = mono_now() - start;
	if (r)
		return r;
	m->compiled = true;
	r = cache_store(&t->cache, &src, &m->rows.rows);
	m->disk_error |= r != 0;
	if (!r && !cache_load(&t->cache, &src, &mapped)) {
		mapped.rows.n_bad_fdes = m->rows.rows.n_bad_fdes;
		cache_rows_free(&m->rows);
		m->rows = mapped;
	}
	return 0;
}

static int make_rows(struct tables *t, struct file *f, struct made *m)
{
	int fd = file_open_fd_soon(f), r = fd < 0 ? fd : rows_of(t, f, fd, m);

	file_put_fd(f, fd);
	return r;
}

/* A file system that does not answer now, or a reader that is away, says nothing of the file. */
static uint64_t pause_of(struct table *e, int r)
{
	if (r == -EAGAIN)
		return RETRY_NS;
	return RETRY_NS << (e->tries < 10 ? e->tries++ : 10);
}

/* What was made, or why not, into the table; lock held. */
static void finish(struct tables *t, uint32_t i, struct made *m, int r)
{
	struct table *e = t->tables[i];
	struct tables_counters *c = &t->c;

	c->compiled += m->compiled;
	c->from_cache += !r && !m->compiled;
	c->compile_ns += m->ns;
	c->disk_errors += m->disk_error;
	c->disk_bytes = t->cache.bytes;
	c->disk_evicted = t->cache.evicted;
	e->rows = m->rows;
	if (!r)
		r = tables_view(e);
	if (!r && c->bytes + e->bytes > t->max_bytes) {
		t->wanted += e->bytes;
		c->no_room++;
		r = -ENOSPC;
	}
	if (r) {
		e->retry = mono_now() + pause_of(e, r);
		c->failed += r != -ENOSPC && r != -EAGAIN;
		e->state = r == -ENOSPC ? TABLE_NO_ROOM : TABLE_FAILED;
		table_release(e);
		return;
	}
	e->state = TABLE_READY;
	c->ready++;
	c->bytes += e->bytes;
	c->rows += e->pub.view.n_rows;
	c->opaque_rows += e->rows.rows.n_opaque;
	for (int o = 0; o < ROWS_ORIGINS; o++)
		c->rows_by[o] += e->rows.rows.n_by[o];
	c->bad_fdes += e->rows.rows.n_bad_fdes;
	if (e->pub.view.n_rows)
		tables_number(t, i);
}

uint32_t tables_take(struct tables *t)
{
	uint32_t best = 0, ret;

	for (uint32_t q = 1; q < t->q_n; q++)
		if (t->tables[t->queue[q]]->file->size < t->tables[t->queue[best]]->file->size)
			best = q;
	ret = t->queue[best];
	t->queue[best] = t->queue[--t->q_n];
	return ret;
}

/* Until there is work; compiling has left holes behind. Lock held. */
static void rest(struct tables *t)
{
	if (t->c.compiled != t->trimmed) {
		t->trimmed = t->c.compiled;
		pthread_mutex_unlock(&t->lock);
		memory_trim();
		pthread_mutex_lock(&t->lock);
	}
	if (!t->q_n && !t->stop)
		pthread_cond_wait(&t->work, &t->lock);
}

void *tables_thread(void *arg)
{
	struct tables *t = arg;
	int err = cache_open(&t->cache, t->dir, t->max_disk);

	pthread_setname_np(pthread_self(), "unwind-tables");
	pthread_mutex_lock(&t->lock);
	t->c.disk_errors += err != 0;
	t->c.disk_bytes = t->cache.bytes;
	while (!t->stop) {
		struct made m = { .compiled = false };
		struct file *f;
		uint32_t i;
		int r;

		if (!t->q_n) {
			pthread_cond_broadcast(&t->idle);
			rest(t);
			continue;
		}
		i = tables_take(t);
		t->busy = true;
		f = t->tables[i]->file;
		pthread_mutex_unlock(&t->lock);
		r = make_rows(t, f, &m);
		pthread_mutex_lock(&t->lock);
		finish(t, i, &m, r);
		t->busy = false;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Our own memory by a descriptor: a read stops where the mapping does. */
static ssize_t read_vdso(uint8_t *to)
{
	cleanup_close int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long at = getauxval(AT_SYSINFO_EHDR);

	if (fd < 0 || !at)
		return -ENOENT;
	return pread(fd, to, MAX_VDSO, (off_t)at);
}

int tables_make_vdso(struct table *e)
{
	cleanup_free uint8_t *mem = malloc(MAX_VDSO);
	uint8_t id[ELF_MAX_BUILD_ID];
	struct elf_image elf;
	ssize_t n;
	int r;

	if (!mem)
		return -ENOMEM;
	n = read_vdso(mem);
	if (n <= 0)
		return -ENOENT;
	r = rows_of_mem(&e->rows.rows, mem, (size_t)n, NULL);
	if (!r)
		r = elf_open_mem(&elf, mem, (size_t)n);
	if (r)
		return r;
	n = (ssize_t)elf_build_id(&elf, id);
	elf_close(&elf);
	if (n)
		memcpy(e->pub.key, id, n < RINGPROF_KEY_SIZE ? (size_t)n : RINGPROF_KEY_SIZE);
	else
		memcpy(e->pub.key, "vdso", 4);
	return tables_view(e);
}
