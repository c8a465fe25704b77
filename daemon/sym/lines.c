// SPDX-License-Identifier: GPL-2.0
/*
 * The open debug informations, by file id (ids are never used again, so an
 * entry of a file that is gone simply grows old).
 *
 * A file is given up when it goes over the limit alone, is damaged or there
 * is no memory for it; the entry stays and says so until lines_retry or
 * LINES_RETRY_NS later, so that a hopeless file is not read for each address.
 */
#include "sym/lines.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "sym/debugfile.h"
#include "sym/file_close.h"
#include "sym/files_int.h"
#include "sym/lines_read.h"

#define MAX_ENTRIES 4096

struct entry {
	TAILQ_ENTRY(entry) link;
	uint32_t file_id;
	struct lines_open open;	     /* not open: there is none */
	uint64_t bytes, tried, used; /* tried, used: ns */
	uint32_t generation;	     /* of the last try */
	char *path;
	struct debugfile_of of; /* the file itself, for .dwo and .dwp as well */
};

TAILQ_HEAD(entry_list, entry);

struct lines {
	pthread_mutex_t lock;
	struct hmap index; /* file id -> slot */
	struct entry *slots[MAX_ENTRIES];
	uint32_t n;
	struct entry_list lru; /* least recently used first */
	uint64_t max_bytes;
	struct reader *reader; /* NULL: it is read here */
	char *debug_dirs;
	uint32_t generation; /* atomic */
	void (*missing)(void *arg, struct file *f);
	void *missing_arg;
	struct lines_counters c;

	pthread_mutex_t shown_lock; /* inside of lock; short */
	struct lines_counters shown;
};

struct lines *lines_new(uint64_t max_bytes, const char *debug_dirs, struct reader *reader)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->debug_dirs = strdup(debug_dirs);
	if (!l->debug_dirs) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->shown_lock, NULL);
	TAILQ_INIT(&l->lru);
	l->max_bytes = max_bytes;
	l->reader = reader;
	return l;
}

void lines_on_missing(struct lines *l, void (*fn)(void *arg, struct file *f), void *arg)
{
	l->missing = fn;
	l->missing_arg = arg;
}

static void close_entry(struct lines *l, struct entry *e)
{
	if (!lines_is_open(&e->open))
		return;
	lines_shut(&e->open);
	l->c.bytes -= e->bytes;
	l->c.files--;
	e->bytes = 0;
}

static void free_entry(struct lines *l, struct entry *e)
{
	close_entry(l, e);
	TAILQ_REMOVE(&l->lru, e, link);
	free(e->path);
	free(e);
}

static void drop_all(struct lines *l)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&l->lru)))
		free_entry(l, e);
	hmap_clear(&l->index);
	l->n = 0;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	drop_all(l);
	hmap_free(&l->index);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->shown_lock);
	free(l->debug_dirs);
	free(l);
}

/* for dwarf_open: paths from the debug information, opened in our root or the process's */
static int open_split(void *arg, const char *dir, const char *name, uint64_t *size)
{
	const struct entry *e = arg;
	struct debugfile f;
	int r = debugfile_find_split(&e->of, dir, name, &f);

	if (r)
		return r;
	*size = f.size;
	return f.fd;
}

/* Closes all others, least recently used first, until no more than `bytes` are in use. */
static void make_room(struct lines *l, const struct entry *keep, uint64_t bytes)
{
	struct entry *e;

	TAILQ_FOREACH(e, &l->lru, link)
	{
		if (l->c.bytes <= bytes)
			break;
		if (e == keep || !lines_is_open(&e->open))
			continue;
		close_entry(l, e);
		e->tried = 0; /* may be opened again at once */
		l->c.evictions++;
	}
}

static int open_info(struct lines *l, struct entry *e, struct file *f, struct elf_image *im, int fd,
		     uint64_t size, const char *path)
{
	struct dwarf_input in = { .fd = fd, .size = size, .open_split = open_split, .arg = e };
	struct debugfile_of of = e->of;
	struct debugfile alt;
	int r;

	of.path = path;
	debugfile_find_alt(im, &of, &alt);
	in.alt_fd = alt.fd;
	in.alt_size = alt.size;
	in.max_bytes = l->max_bytes - l->c.bytes;
	r = lines_open(&e->open, l->reader, f, &in);
	if (r == -EFBIG && l->c.bytes) {
		make_room(l, e, 0);
		in.max_bytes = l->max_bytes;
		r = lines_open(&e->open, l->reader, f, &in);
	}
	file_close_aside(alt.fd, false);
	return r;
}

static int open_debugfile(struct lines *l, struct entry *e, struct file *f, struct elf_image *main)
{
	struct elf_image im;
	struct debugfile d;
	int r = debugfile_find(main, &e->of, ".debug_info", &d);

	if (r)
		return r;
	r = elf_open_fd(&im, d.fd, d.size);
	if (!r) {
		r = open_info(l, e, f, &im, d.fd, d.size, d.path);
		elf_close(&im);
	}
	file_close_aside(d.fd, false);
	return r;
}

/* The file's own debug information, else that of its debug file. */
static int open_dwarf(struct lines *l, struct entry *e, struct file *file, int fd)
{
	struct elf_image im;
	const Elf64_Shdr *sh;
	int r = elf_open_fd(&im, fd, file->size);

	if (r)
		return r;
	sh = elf_load_sections(&im) ? NULL : elf_section(&im, ".debug_info");
	if (sh && sh->sh_type != SHT_NOBITS && sh->sh_size)
		r = open_info(l, e, file, &im, fd, file->size, e->path);
	else
		r = open_debugfile(l, e, file, &im);
	elf_close(&im);
	return r;
}

static struct entry *add_entry(struct lines *l, struct file *f)
{
	struct entry *e;

	if (l->n == MAX_ENTRIES)
		drop_all(l); /* only a cache */
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->path = strdup(f->path);
	e->file_id = f->id;
	if (!e->path || hmap_insert(&l->index, hash_mix(f->id, 0), l->n)) {
		free(e->path);
		free(e);
		return NULL;
	}
	l->slots[l->n++] = e;
	TAILQ_INSERT_TAIL(&l->lru, e, link);
	return e;
}

static struct entry *get_entry(struct lines *l, struct file *f)
{
	uint32_t i;

	HMAP_FOR_EACH (&l->index, hash_mix(f->id, 0), it, i)
		if (l->slots[i]->file_id == f->id)
			return l->slots[i];
	return add_entry(l, f);
}

static void count_failure(struct lines *l, int err)
{
	if (err == -EFBIG)
		l->c.too_large++;
	else if (err == -EINVAL)
		l->c.damaged++;
}

static void account(struct lines *l, struct entry *e)
{
	uint64_t now = lines_bytes(&e->open);

	l->c.bytes += now - e->bytes;
	e->bytes = now;
	make_room(l, e, l->max_bytes);
	if (l->c.bytes <= l->max_bytes)
		return;
	/* over the limit alone; it is not opened again at once */
	close_entry(l, e);
	l->c.too_large++;
}

static void load(struct lines *l, struct entry *e, struct file *f, uint64_t now)
{
	struct file_priv *p = file_priv(f);
	int fd, r;

	e->tried = now;
	e->generation = __atomic_load_n(&l->generation, __ATOMIC_RELAXED);
	pthread_mutex_lock(&p->fs->lock);
	e->of = (struct debugfile_of){ e->path, p->where.pid, p->owner, l->debug_dirs };
	pthread_mutex_unlock(&p->fs->lock);
	fd = file_take_fd(p);
	r = fd < 0 ? fd : open_dwarf(l, e, f, fd);
	file_put_fd(f, fd);
	if (r == -ENOENT && l->missing)
		l->missing(l->missing_arg, f);
	/* no process to read it now, or a file system that hangs: not looked for in vain */
	if (r == -EAGAIN)
		e->tried = 0;
	if (r) {
		count_failure(l, r);
		return;
	}
	l->c.files++;
	l->c.loads++;
	account(l, e);
}

static bool may_try(struct lines *l, const struct entry *e, uint64_t now)
{
	return !e->tried || now - e->tried > LINES_RETRY_NS ||
	       e->generation != __atomic_load_n(&l->generation, __ATOMIC_RELAXED);
}

/* Figures for those who must not wait for a file that is being opened. */
static void show(struct lines *l)
{
	pthread_mutex_lock(&l->shown_lock);
	l->shown = l->c;
	pthread_mutex_unlock(&l->shown_lock);
}

/* One that is open. -ESTALE: it is no longer, and is worth opening again. */
static int look_up(struct lines *l, struct entry *e, struct file *f, uint64_t vaddr,
		   dwarf_emit emit, void *arg)
{
	int n = lines_at(&e->open, f, vaddr, emit, arg);

	if (n == -EAGAIN || n == -ESTALE) {
		close_entry(l, e);
		e->tried = 0;
		return -ESTALE;
	}
	if (n == -ENOMEM || n == READER_REFUSED)
		close_entry(l, e);
	else
		account(l, e);
	if (n < 0)
		count_failure(l, n);
	return n > 0 ? n : 0;
}

static int ask(struct lines *l, struct file *f, uint64_t vaddr, bool open, dwarf_emit emit,
	       void *arg)
{
	uint64_t now = mono_now();
	struct entry *e = get_entry(l, f);
	int n = -ESTALE;

	if (!e)
		return 0;
	/* a second time if its reader was gone */
	for (int i = 0; i < 2 && n == -ESTALE; i++) {
		if (!lines_is_open(&e->open) && may_try(l, e, now)) {
			if (!open)
				return -EAGAIN;
			load(l, e, f, now);
		}
		if (!lines_is_open(&e->open))
			return e->tried ? 0 : -EAGAIN;
		e->used = now;
		TAILQ_REMOVE(&l->lru, e, link);
		TAILQ_INSERT_TAIL(&l->lru, e, link);
		n = look_up(l, e, f, vaddr, emit, arg);
	}
	return n == -ESTALE ? -EAGAIN : n;
}

static int ask_and_count(struct lines *l, struct file *f, uint64_t vaddr, bool open,
			 dwarf_emit emit, void *arg)
{
	int n = ask(l, f, vaddr, open, emit, arg);

	if (n > 0)
		l->c.found++;
	else if (!n)
		l->c.missing++;
	show(l);
	pthread_mutex_unlock(&l->lock);
	return n;
}

int lines_lookup(struct lines *l, struct file *f, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	pthread_mutex_lock(&l->lock);
	return ask_and_count(l, f, vaddr, true, emit, arg);
}

int lines_try(struct lines *l, struct file *f, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	if (pthread_mutex_trylock(&l->lock))
		return -EAGAIN;
	return ask_and_count(l, f, vaddr, false, emit, arg);
}

void lines_retry(struct lines *l)
{
	__atomic_fetch_add(&l->generation, 1, __ATOMIC_RELAXED);
}

void lines_tidy(struct lines *l)
{
	uint64_t now = mono_now();
	struct entry *e;

	if (pthread_mutex_trylock(&l->lock))
		return;
	TAILQ_FOREACH(e, &l->lru, link)
	{
		if (!lines_is_open(&e->open) || now - e->used < LINES_IDLE_NS)
			continue;
		close_entry(l, e);
		e->tried = 0;
	}
	show(l);
	pthread_mutex_unlock(&l->lock);
}

void lines_counters(struct lines *l, struct lines_counters *ret)
{
	pthread_mutex_lock(&l->shown_lock);
	*ret = l->shown;
	pthread_mutex_unlock(&l->shown_lock);
}
