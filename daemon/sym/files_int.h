/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What files.c, file_symbols.c and symbols.c share of the file registry.
 *
 * Two locks, never held together but in the order sym_lock, lock:
 *   lock      the registry: lists, index, references, descriptors. Short.
 *   sym_lock  symbol tables: held while one is read or searched, so queries
 *             wait for each other here, the collector never does.
 */
#ifndef RINGPROF_SYM_FILES_INT_H
#define RINGPROF_SYM_FILES_INT_H

#include <pthread.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/hmap.h"
#include "sym/elf_image.h"
#include "sym/file_opener.h"
#include "sym/file_owner.h"
#include "sym/files.h"
#include "sym/symcache.h"

/* What stat(2) says of one content in one place: the same again means the same content. */
struct ident {
	uint64_t dev, ino, size;
	uint64_t mtime, ctime; /* ns */
};

#define CONTENT_SIZE 16 /* bytes of a hash of content, XXH3-128 */

/* Hashes of all of a file. */
struct content {
	uint8_t told[CONTENT_SIZE];   /* the same at each run: to be a key */
	uint8_t secret[CONTENT_SIZE]; /* by a number of this run: nobody can aim at it */
};

struct segment {
	uint64_t offset, vaddr, filesz;
	bool exec;
};

enum load_state { LOAD_NOT_YET, LOAD_DONE, LOAD_FAILED };

struct file_priv {
	struct file pub; /* first: a struct file * is a struct file_priv * */
	struct files *fs;
	uint32_t slot; /* in fs->slots */
	/* under fs->lock */
	uint32_t refs;
	int fd;		       /* -1: closed, symbols were read or others needed it more */
	struct ident fd_ident; /* of the file that fd is of */
	struct ident ident;
	struct content content; /* if content_known */
	bool content_known;
	struct file_where where;	  /* for opening again; path is pub.path */
	uint32_t wheres;		  /* atomic: times that `where` was another */
	TAILQ_ENTRY(file_priv) fd_link;	  /* fs->open, while fd >= 0 */
	TAILQ_ENTRY(file_priv) idle_link; /* fs->idle while refs == 0; fs->dead after that */
	/* constant */
	struct segment *segs;
	size_t n_segs;
	uint64_t segs_hash;
	struct file_owner owner; /* of all places where it is: it is part of what it is */
	uint64_t fs_type;	 /* of its file system: f_type of statfs(2) */
	bool on_disk; /* its device has a number of its own: reading does not hang (file_opener.h) */
	/* under fs->sym_lock */
	enum load_state state;
	/*
	 * mono ns when it is tried again; 0: LOAD_FAILED never, LOAD_NOT_YET at once. `wheres` if
	 * it was not opened
	 */
	uint64_t retry;
	uint32_t unopened_at;
	bool unopened;
	bool bare;	     /* no .symtab was found: a debug file may bring one */
	uint32_t generation; /* fs->debug_generation when it was read */
	struct symtab tab;
	bool no_go;			 /* atomic: it was looked for Go tables, in vain */
	TAILQ_ENTRY(file_priv) tab_link; /* fs->loaded, while state is LOAD_DONE */
};

TAILQ_HEAD(file_list, file_priv);

struct files {
	pthread_mutex_t lock;
	struct file_priv **slots;
	uint32_t n_slots;
	size_t cap_slots;
	uint32_t next_id;
	struct hmap by_key;   /* pub.key -> slot */
	struct hmap by_ident; /* struct ident -> index of seen */
	struct hmap by_map;   /* maj, min, ino of a mapping -> index of seen */
	struct seen *seen;
	uint32_t n_seen;
	struct file_list open; /* least recently opened first */
	struct file_list idle; /* longest without a reference first */
	struct file_list dead; /* out of the registry, symbols not freed yet */
	bool some_dead;	       /* atomic: dead is not empty */
	uint32_t n_open, max_open, n_idle;
	uint64_t open_failures, bad_elf;

	pthread_mutex_t sym_lock;
	struct file_list loaded; /* least recently used first */
	size_t max_symbol_bytes;
	struct reader *reader; /* NULL: tables are read here; never changes */
	struct opener *opener; /* NULL: whoever asks opens */
	char *debug_dirs;
	uint32_t debug_generation; /* atomic */
	uint64_t symbol_bytes, symbols, loads, evictions, load_failures;
	uint64_t secret; /* of this run, for struct content */
	struct cachedir cache;
	char *cache_path; /* NULL: tables are not kept on disk */
	bool cache_tried; /* to open it */
	uint64_t mapped_bytes, cache_loads, cache_errors, cache_bytes, cache_evicted;
};

static inline struct file_priv *file_priv(struct file *f)
{
	return (struct file_priv *)f;
}

/* A new, unregistered file from an open descriptor (stays the caller's); NULL with *err. */
struct file_priv *file_read(struct files *fs, int fd, const struct ident *id,
			    const struct file_where *w, int *err);
/* Frees a file without descriptor and symbols. */
void file_destroy(struct file_priv *f);
struct ident file_ident_of(const struct stat *st);
/*
 * Gives an unregistered file a key of its own, from its content (of a large file:
 * from what stat(2) says of it) and a salt, for keys that are taken: a build-id
 * may be any bytes. May read the file. 0 or -errno.
 */
int file_key_by_content(struct file_priv *f, int fd, uint32_t salt);
/*
 * Is an unregistered file the same as a registered one, to which the caller has
 * a reference? Reads both at the worst, but no large files. 1 it is, 0, -errno: f
 * cannot be read. fs->lock not held.
 */
int file_compare(struct file_priv *known, struct file_priv *f, int fd);

/* Are these the bytes that f was compared by? False too if it never was. Reads them. */
bool file_has_content(struct file_priv *f, int fd);

/* Keeps a descriptor for a file that has none, and closes it. fs->lock held. */
void file_keep_fd(struct file_priv *f, int fd, const struct ident *id);
void file_close_fd(struct file_priv *f);
/* As file_open_fd_soon, which see; the one kept is not kept any longer. */
int file_take_fd(struct file_priv *f);
/* Frees files that left the registry; fs->sym_lock held. */
void files_reap(struct files *fs);
/* Drops a file's symbol table; fs->sym_lock held. */
void file_drop_symbols(struct file_priv *f);

/* Where separate debug files are looked for, colon separated; copied. 0 or -ENOMEM. */
int files_set_debug_dirs(struct files *fs, const char *dirs);

/* Debug files came: tables without a .symtab are read again when next asked for. Any thread. */
void files_debug_changed(struct files *fs);

struct file_symbol {
	uint64_t start; /* vaddr */
	char name[SYM_NAME_MAX];
	bool unread;	  /* there is none as the file cannot be read now, but perhaps soon */
	bool reader_away; /* nor can any other */
};
/* The symbol at a vaddr of the file, reading the table first if need be; false: none. */
bool file_symbol(struct file *f, uint64_t vaddr, struct file_symbol *ret);

#endif
