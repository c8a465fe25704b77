// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol tables of files: read at the first question, searched, and dropped
 * again, least recently used first, past the byte limit.
 *
 * Put together elsewhere (table_read.h), by a reader where there is one; it is
 * kept on disk (symcache.h) and mapped from there where there is a cache
 * directory, and found there by the next daemon.
 *
 * All under fs->sym_lock. A table that was dropped can be read again only from
 * the cache, or if the file can be opened again; else its addresses stay
 * without names until it can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sym/debugfile.h"
#include "sym/file_close.h"
#include "sym/file_opener.h"
#include "sym/files_int.h"
#include "sym/lines.h"
#include "sym/reader.h"
#include "sym/table_read.h"

/* one that could not be opened is left alone so long, and so many times what the try took */
#define UNOPENED_NS    NSEC_PER_SEC
#define UNOPENED_SHARE 8

static void count(uint64_t *counter, uint64_t add)
{
	__atomic_store_n(counter, *counter + add, __ATOMIC_RELAXED);
}

/* Mapped tables are page cache, and under the limit of the disk's part. */
static uint64_t *bytes_of_kind(struct files *fs, const struct symtab *t)
{
	return t->map.data ? &fs->mapped_bytes : &fs->symbol_bytes;
}

void file_drop_symbols(struct file_priv *f)
{
	struct files *fs = f->fs;

	if (f->state != LOAD_DONE)
		return;
	count(bytes_of_kind(fs, &f->tab), -symtab_bytes(&f->tab));
	count(&fs->symbols, -f->tab.n);
	TAILQ_REMOVE(&fs->loaded, f, tab_link);
	symtab_free(&f->tab);
	f->state = LOAD_NOT_YET;
}

/*
 * Putting a table together takes more than the table: string tables name data
 * too, and aliases are dropped only at the end. Four times what may be kept.
 */
static size_t names_limit(const struct files *fs)
{
	size_t max = fs->max_symbol_bytes;

	return max < SYMTAB_MAX_NAMES / 4 ? max * 4 + 65536 : SYMTAB_MAX_NAMES;
}

static pid_t pid_of(struct file_priv *f)
{
	pid_t pid;

	pthread_mutex_lock(&f->fs->lock);
	pid = f->where.pid;
	pthread_mutex_unlock(&f->fs->lock);
	return pid;
}

/* a file and a descriptor of it */
struct opened {
	struct file_priv *f;
	int fd;
};

/* A descriptor of the debug file that has a .symtab, for table_read; reads a few headers only. */
static int open_debug_symtab(void *arg, const char *dir, const char *name, uint64_t *size)
{
	const struct opened *o = arg;
	struct file_priv *f = o->f;
	const struct debugfile_of of = { f->pub.path, pid_of(f), f->owner, f->fs->debug_dirs };
	struct debugfile found;
	struct elf_image e;
	int r = elf_open_fd(&e, o->fd, f->pub.size);

	if (r)
		return r;
	r = debugfile_find(&e, &of, ".symtab", &found);
	elf_close(&e);
	if (r)
		return r;
	*size = found.size;
	return found.fd;
}

static int read_table(struct file_priv *f, struct symtab *ret)
{
	uint32_t wheres = __atomic_load_n(&f->wheres, __ATOMIC_RELAXED);
	struct opened o = { f, file_open_fd_soon(&f->pub) };
	const struct table_input in = { .fd = o.fd,
					.size = f->pub.size,
					.max_names = names_limit(f->fs),
					.open = open_debug_symtab,
					.arg = &o };
	int r = o.fd;

	f->unopened = o.fd < 0;
	f->unopened_at = wheres;
	if (o.fd >= 0)
		r = table_read_by(f->fs->reader, &f->pub, &in, ret, &f->bare);
	file_put_fd(&f->pub, o.fd);
	return r;
}

/*
 * What a reader refused, is no ELF or is over the limit stays so; a process that is
 * gone, or descriptors or memory that are used up, say nothing about later.
 */
static void note_failure(struct file_priv *f, int r)
{
	bool final = !r || (!f->unopened && (r == READER_REFUSED || r == -ENOEXEC || r == -EINVAL));

	f->state = LOAD_FAILED;
	f->retry = final ? 0 : mono_now() + LINES_RETRY_NS;
	count(&f->fs->load_failures, 1);
}

/*
 * Its file system hangs, or is slow: one that is looked at with each sample must not
 * keep the collector waiting for most of the time.
 */
static void put_off(struct file_priv *f, uint64_t start)
{
	uint64_t now = mono_now();

	f->retry = now + UNOPENED_NS + UNOPENED_SHARE * (now - start);
}

/* Has its time come, or another process that it may be opened by? */
static bool may_retry(struct file_priv *f)
{
	if (!f->retry)
		return false;
	return mono_now() >= f->retry ||
	       (f->unopened && f->unopened_at != __atomic_load_n(&f->wheres, __ATOMIC_RELAXED));
}

static uint64_t max_of_kind(const struct files *fs, const struct symtab *t)
{
	return t->map.data ? fs->cache.max_bytes : fs->max_symbol_bytes;
}

/* Drops tables of t's kind, least recently used first, until t has room. */
static void make_room(struct files *fs, const struct symtab *t)
{
	uint64_t max = max_of_kind(fs, t), *used = bytes_of_kind(fs, t);
	struct file_priv *f = TAILQ_FIRST(&fs->loaded), *next;

	for (; f && *used + symtab_bytes(t) > max; f = next) {
		next = TAILQ_NEXT(f, tab_link);
		if (bytes_of_kind(fs, &f->tab) != used)
			continue;
		file_drop_symbols(f);
		count(&fs->evictions, 1);
	}
}

/* The directory is opened at the first need: by then it is ours, and we have no more rights. */
static void open_cache(struct files *fs)
{
	if (!fs->cache_path || fs->cache_tried)
		return;
	fs->cache_tried = true;
	if (symcache_open(&fs->cache, fs->cache_path, fs->cache.max_bytes))
		count(&fs->cache_errors, 1);
}

/* Whose file it was too: a debug file that was believed of that one is in the table. */
static struct symcache_source source_of(struct file_priv *f)
{
	uint64_t ident = file_ident_hash(&f->pub);

	if (f->owner.uid || f->owner.served)
		ident = hash_mix(hash_mix(ident, f->owner.uid), f->owner.served);
	return (struct symcache_source){ f->pub.key, ident };
}

/* Has a .symtab come that a table without one does not know? */
static bool symtab_came(struct file_priv *f)
{
	struct opened o = { f, file_open_fd_soon(&f->pub) };
	int fd = o.fd;
	uint64_t size;

	if (o.fd >= 0)
		fd = open_debug_symtab(&o, "", "", &size);
	file_put_fd(&f->pub, o.fd);
	file_close_aside(fd, false);
	return fd >= 0;
}

static int load_cached(struct file_priv *f, struct symtab *ret)
{
	const struct symcache_source src = source_of(f);
	struct files *fs = f->fs;
	bool bare;
	int r;

	open_cache(fs);
	r = symcache_load(&fs->cache, &src, ret, &bare);
	if (!r && bare && symtab_came(f)) {
		symtab_free(ret);
		return -ESTALE;
	}
	if (!r)
		f->bare = bare;
	else if (r != -ENOENT)
		count(&fs->cache_errors, 1);
	return r;
}

/* What was made goes to the cache and is mapped from there: memory that the kernel can drop. */
static void keep(struct file_priv *f, struct symtab *t)
{
	const struct symcache_source src = source_of(f);
	struct files *fs = f->fs;
	struct symtab mapped;
	bool bare;

	if (fs->cache.dir < 0)
		return;
	if (symcache_store(&fs->cache, &src, t, f->bare)) {
		count(&fs->cache_errors, 1);
	} else if (!symcache_load(&fs->cache, &src, &mapped, &bare)) {
		symtab_free(t);
		*t = mapped;
	}
	__atomic_store_n(&fs->cache_bytes, fs->cache.bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&fs->cache_evicted, fs->cache.evicted, __ATOMIC_RELAXED);
}

static void load(struct file_priv *f)
{
	struct files *fs = f->fs;
	struct symtab tab = { 0 };
	uint64_t start = mono_now();
	bool cached;
	int r = 0;

	f->retry = 0;
	f->bare = true;
	f->generation = __atomic_load_n(&fs->debug_generation, __ATOMIC_RELAXED);
	cached = !load_cached(f, &tab);
	if (!cached)
		r = read_table(f, &tab);
	/* the reader is being started, or a file system hangs: the next who asks has better luck */
	if (r == -EAGAIN) {
		if (f->unopened)
			put_off(f, start);
		return;
	}
	if (!r && !cached)
		keep(f, &tab);
	if (r || symtab_bytes(&tab) > max_of_kind(fs, &tab)) {
		symtab_free(&tab);
		note_failure(f, r);
		return;
	}
	make_room(fs, &tab);
	f->tab = tab;
	f->state = LOAD_DONE;
	TAILQ_INSERT_TAIL(&fs->loaded, f, tab_link);
	count(bytes_of_kind(fs, &tab), symtab_bytes(&tab));
	count(&fs->symbols, tab.n);
	count(cached ? &fs->cache_loads : &fs->loads, 1);
}

int files_set_debug_dirs(struct files *fs, const char *dirs)
{
	char *copy = strdup(dirs);

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&fs->sym_lock);
	free(fs->debug_dirs);
	fs->debug_dirs = copy;
	pthread_mutex_unlock(&fs->sym_lock);
	return 0;
}

void files_set_reader(struct files *fs, struct reader *r)
{
	fs->reader = r;
}

int files_set_cache(struct files *fs, const char *dir, uint64_t max_disk)
{
	char *copy = strdup(dir);

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&fs->sym_lock);
	free(fs->cache_path);
	fs->cache_path = copy;
	fs->cache.max_bytes = max_disk;
	pthread_mutex_unlock(&fs->sym_lock);
	return 0;
}

void files_debug_changed(struct files *fs)
{
	__atomic_fetch_add(&fs->debug_generation, 1, __ATOMIC_RELAXED);
}

static void forget_if_debug_changed(struct file_priv *f)
{
	if (f->generation == __atomic_load_n(&f->fs->debug_generation, __ATOMIC_RELAXED))
		return;
	file_drop_symbols(f);
	f->state = LOAD_NOT_YET;
	f->retry = 0;
}

static bool find(struct file_priv *f, uint64_t vaddr, struct file_symbol *ret)
{
	const struct sym *s;

	if (f->state == LOAD_FAILED || (f->state == LOAD_DONE && f->bare))
		forget_if_debug_changed(f);
	if (f->state == LOAD_FAILED && may_retry(f)) {
		f->state = LOAD_NOT_YET;
		f->retry = 0;
	}
	if (f->state == LOAD_NOT_YET && (!f->retry || may_retry(f)))
		load(f);
	ret->unread = f->state == LOAD_NOT_YET;
	ret->reader_away = ret->unread && !f->retry;
	if (f->state != LOAD_DONE)
		return false;
	TAILQ_REMOVE(&f->fs->loaded, f, tab_link);
	TAILQ_INSERT_TAIL(&f->fs->loaded, f, tab_link);
	s = symtab_find(&f->tab, vaddr);
	if (!s)
		return false;
	ret->start = s->addr;
	symtab_copy_name(&f->tab, s, ret->name);
	return true;
}

bool file_symbol(struct file *file, uint64_t vaddr, struct file_symbol *ret)
{
	struct file_priv *f = file_priv(file);
	bool found;

	pthread_mutex_lock(&f->fs->sym_lock);
	files_reap(f->fs);
	found = find(f, vaddr, ret);
	pthread_mutex_unlock(&f->fs->sym_lock);
	return found;
}

void files_counters(struct files *fs, struct files_counters *ret)
{
	ret->closing = file_close_waiting();
	ret->open_given_up = fs->opener ? opener_given_up(fs->opener) : 0;
	pthread_mutex_lock(&fs->lock);
	ret->files = fs->by_key.live;
	ret->open_failures = fs->open_failures;
	ret->bad_elf = fs->bad_elf;
	pthread_mutex_unlock(&fs->lock);
	/* a table being read may take a while: then these are a moment old */
	ret->symbol_bytes = __atomic_load_n(&fs->symbol_bytes, __ATOMIC_RELAXED);
	ret->symbols = __atomic_load_n(&fs->symbols, __ATOMIC_RELAXED);
	ret->loads = __atomic_load_n(&fs->loads, __ATOMIC_RELAXED);
	ret->evictions = __atomic_load_n(&fs->evictions, __ATOMIC_RELAXED);
	ret->load_failures = __atomic_load_n(&fs->load_failures, __ATOMIC_RELAXED);
	ret->mapped_bytes = __atomic_load_n(&fs->mapped_bytes, __ATOMIC_RELAXED);
	ret->cache_loads = __atomic_load_n(&fs->cache_loads, __ATOMIC_RELAXED);
	ret->cache_bytes = __atomic_load_n(&fs->cache_bytes, __ATOMIC_RELAXED);
	ret->cache_evicted = __atomic_load_n(&fs->cache_evicted, __ATOMIC_RELAXED);
	ret->cache_errors = __atomic_load_n(&fs->cache_errors, __ATOMIC_RELAXED);
}
