// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol tables of files: read at the first question, searched, and dropped
 * again, least recently used first, past the byte limit.
 *
 * What is put together: the file's own .symtab, else that of its separate
 * debug file, else the one in .gnu_debugdata, else Go's own table; and always
 * .dynsym and the PLT, which cost little and fill what the others lack.
 *
 * All under fs->sym_lock. A table that was dropped can be read again only if
 * the file can be opened again; else its addresses stay without names.
 */
#include <errno.h>
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

void file_drop_symbols(struct file_priv *f)
{
	struct files *fs = f->fs;

	if (f->state != LOAD_DONE)
		return;
	count(&fs->symbol_bytes, -symtab_bytes(&f->tab));
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

static void make_room(struct files *fs, size_t bytes)
{
	struct file_priv *f;

	while (fs->symbol_bytes + bytes > fs->max_symbol_bytes && (f = TAILQ_FIRST(&fs->loaded))) {
		file_drop_symbols(f);
		count(&fs->evictions, 1);
	}
}

static void load(struct file_priv *f)
{
	struct files *fs = f->fs;
	struct symtab tab = { 0 };

	f->bare = true;
	f->generation = __atomic_load_n(&fs->debug_generation, __ATOMIC_RELAXED);
	if (read_table(f, &tab) || symtab_bytes(&tab) > fs->max_symbol_bytes) {
		symtab_free(&tab);
		f->state = LOAD_FAILED;
		count(&fs->load_failures, 1);
		return;
	}
	make_room(fs, symtab_bytes(&tab));
	f->tab = tab;
	f->state = LOAD_DONE;
	TAILQ_INSERT_TAIL(&fs->loaded, f, tab_link);
	count(&fs->symbol_bytes, symtab_bytes(&tab));
	count(&fs->symbols, tab.n);
	count(&fs->loads, 1);
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
	strcpy(ret->name, symtab_name(&f->tab, s)); /* the table cuts names to SYM_NAME_MAX */
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
