/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files with code, one entry per content (file_identity.c has what counts as
 * the same): key = GNU build-id, else a hash of the content. A file is opened
 * once, at first sight, through
 * /proc/PID/map_files, /proc/PID/root/PATH or PATH (checked against the
 * device and inode of the mapping), so containers, deleted and overlaid files
 * work. Symbols are read lazily and kept under a byte limit.
 *
 * Thread safety: files_get and file_unref from any thread; symbol reading is
 * serialised inside. Input is untrusted: ELF may lie in every field.
 */
#ifndef RINGPROF_SYM_FILES_H
#define RINGPROF_SYM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct files;

struct file {
	uint8_t key[20]; /* build-id (padded with 0 or cut) or content hash; no other file's */
	bool key_is_build_id;
	char build_id[81]; /* hex of the whole build-id, "" if none */
	const char *path;  /* where it was first seen, as the process names it */
	uint32_t id;	   /* small number, never reused in this run */
	uint64_t size;
	uint64_t entry; /* vaddr where the program begins, 0: unknown, or a library */
			/* the rest is files.c's own */
};

struct file_where {
	pid_t pid;	     /* a process that maps it; 0: open path itself */
	uint64_t start, end; /* of the mapping there (for map_files) */
	uint32_t maj, min;
	uint64_t ino; /* 0: do not check */
	/* what the event of the mapping said, 0: unknown. For what is opened by path (file_age.h) */
	uint32_t generation; /* of the inode */
	uint64_t mapped;     /* mono ns */
	const char *path;
};

struct files *files_new(size_t max_symbol_bytes);
void files_free(struct files *fs);
/*
 * Symbol tables are kept below this directory from now on (symcache.h), and
 * mapped from there; max_disk bytes, on disk and mapped. It is opened when the
 * first one is asked for; one that cannot be used is a counter, no error. To
 * be called before that. 0 or -ENOMEM.
 */
int files_set_cache(struct files *fs, const char *dir, uint64_t max_disk);
/*
 * Has files read by that process (sym/reader.h) from now on, which stays the
 * caller's and outlives fs. Before symbols are asked for.
 */
struct reader;
void files_set_reader(struct files *fs, struct reader *r);
/* A reference to the file of that mapping, or NULL: cannot be opened or is no ELF. */
struct file *files_get(struct files *fs, const struct file_where *w);
/*
 * The same for who must not wait for a file system that hangs: with *ret_again
 * set there is no file yet, and it is worth asking again. Waits as long as
 * files_get unless files_open_aside was called.
 */
struct file *files_get_soon(struct files *fs, const struct file_where *w, bool *ret_again);
/* Has files_get_soon wait no longer than that (file_opener.h). Before it is used. 0 or -ENOMEM. */
int files_open_aside(struct files *fs, uint64_t wait_ns);
/* Does what lies on that device keep us waiting already? Any thread. */
bool files_hang(struct files *fs, uint32_t maj, uint32_t min);
struct file *file_ref(struct file *f);
void file_unref(struct file *f); /* NULL is fine */
/*
 * A descriptor of its own for the caller to close, or -errno (-ESTALE: there are
 * other bytes now); the one kept stays. Any thread.
 */
int file_open_fd(struct file *f);
/*
 * The same, and file_open_mapping (file_open.h) of a mapping of f, for who must not wait
 * for a file system that hangs; -EAGAIN: it does. As files_get_soon.
 */
int file_open_fd_soon(struct file *f);
struct stat;
int file_open_mapping_soon(struct file *f, const struct file_where *w, struct stat *st);
int files_open_mapping_soon(struct files *fs, const struct file_where *w, struct stat *st);
/*
 * Has fn read such a descriptor, which it takes over: `size` is handed on, and what fn
 * writes to its ret comes to ret, len bytes, at most FILES_READ_MAX. fn's result, or -EAGAIN.
 */
typedef int (*file_read_fn)(int fd, uint64_t size, void *ret);
#define FILES_READ_MAX 256
int files_read_soon(struct files *fs, const struct file_where *w, int fd, uint64_t size,
		    file_read_fn fn, void *ret, size_t len);
/* Closes a descriptor of f, for who must not wait either; fd < 0: nothing to do. Any thread. */
void file_put_fd(struct file *f, int fd);
/*
 * A hash of what stat(2) says of it (but for the device, which a reboot or
 * another mount changes) and of its segments: what was made of a file on an
 * earlier day is of this one only if that is equal, as a build-id is what its
 * writer wants it to be. Any thread.
 */
uint64_t file_ident_hash(struct file *f);
/* The ELF virtual address of a file offset, by its PT_LOAD headers; false: in none of them. */
bool file_vaddr(struct file *f, uint64_t offset, uint64_t *ret);

struct files_counters {
	uint64_t files, symbol_bytes, symbols, loads, evictions, open_failures, bad_elf;
	uint64_t load_failures; /* times that symbols could not be read, or went over the limit */
	uint64_t mapped_bytes;	/* of tables mapped from the cache */
	uint64_t cache_loads, cache_bytes, cache_evicted; /* tables from there; what is there */
	uint64_t open_given_up; /* files not waited for: their file system hangs */
	uint64_t closing; /* descriptors of the process that are not closed yet (file_close.h) */
	uint64_t cache_errors; /* directory or file unusable, damaged, or a disk that is full */
};
void files_counters(struct files *fs, struct files_counters *ret);

#endif
