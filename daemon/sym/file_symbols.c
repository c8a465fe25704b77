// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol tables of files: read at the first question, searched, and dropped
 * again, least recently used first, past the byte limit.
 *
 * What is put together: the file's own .symtab, else that of its separate
 * debug file, else the one in .gnu_debugdata, else Go's own table; and always
 * .dynsym and the PLT, which cost little and fill what the others lack.
 *
 * It is kept on disk (symcache.h) and mapped from there where there is a cache
 * directory, and found there by the next daemon.
 *
 * All under fs->sym_lock. A table that was dropped can be read again only from
 * the cache, or if the file can be opened again; else its addresses stay
 * without names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/debugfile.h"
#include "sym/files_int.h"
#include "sym/gosym.h"

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

/* Parts that cannot be read are left out: a file may be damaged in one and good in another. */
static int add_all(struct file_priv *f, struct elf_image *e, pid_t pid, struct symtab_builder *b)
{
	int own = elf_add_symtab(e, b), r = own;

	if (own <= 0 && own != -ENOMEM)
		r = debugfile_add_symtab(e, f->pub.path, pid, f->fs->debug_dirs, b);
	f->bare = r <= 0;
	if (r <= 0 && r != -ENOMEM)
		r = elf_add_debugdata(e, b);
	if (r <= 0 && r != -ENOMEM)
		r = elf_add_gopclntab(e, b);
	if (r != -ENOMEM)
		r = elf_add_dynsym(e, b);
	if (r != -ENOMEM)
		r = elf_add_plt(e, b);
	return r == -ENOMEM ? r : 0;
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

static int read_table(struct file_priv *f, struct symtab *ret)
{
	cleanup_close int fd = file_dup_fd(f);
	struct symtab_builder b = { 0 };
	struct elf_image e;
	pid_t pid;
	int r;

	if (fd < 0)
		return fd;
	r = elf_open_fd(&e, fd, f->pub.size);
	if (r)
		return r;
	pthread_mutex_lock(&f->fs->lock);
	pid = f->where.pid;
	pthread_mutex_unlock(&f->fs->lock);
	b.max_names = names_limit(f->fs);
	r = add_all(f, &e, pid, &b);
	elf_close(&e);
	if (r) {
		symtab_builder_free(&b);
		return r;
	}
	return symtab_finish(&b, ret);
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

static struct symcache_source source_of(const struct file_priv *f)
{
	return (struct symcache_source){ f->pub.key, f->pub.size, f->segs_hash };
}

/* Has a .symtab come that a table without one does not know? Reads a few headers only. */
static bool symtab_came(struct file_priv *f)
{
	cleanup_close int fd = file_dup_fd(f);
	struct debugfile found;
	struct elf_image e;
	pid_t pid;
	bool came;

	if (fd < 0 || elf_open_fd(&e, fd, f->pub.size))
		return false;
	pthread_mutex_lock(&f->fs->lock);
	pid = f->where.pid;
	pthread_mutex_unlock(&f->fs->lock);
	came = !debugfile_find(&e, f->pub.path, pid, f->fs->debug_dirs, ".symtab", &found);
	if (came)
		close(found.fd);
	elf_close(&e);
	return came;
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
	bool cached;
	int r = 0;

	f->bare = true;
	f->generation = __atomic_load_n(&fs->debug_generation, __ATOMIC_RELAXED);
	cached = !load_cached(f, &tab);
	if (!cached)
		r = read_table(f, &tab);
	if (!r && !cached)
		keep(f, &tab);
	if (r || symtab_bytes(&tab) > max_of_kind(fs, &tab)) {
		symtab_free(&tab);
		f->state = LOAD_FAILED;
		count(&fs->load_failures, 1);
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
}

static bool find(struct file_priv *f, uint64_t vaddr, struct file_symbol *ret)
{
	const struct sym *s;

	if (f->state == LOAD_FAILED || (f->state == LOAD_DONE && f->bare))
		forget_if_debug_changed(f);
	if (f->state == LOAD_NOT_YET)
		load(f);
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
