/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug information opened by a reader, or here: dwarf.h and gosym.h with the
 * reader in between. What is open is open in one process; with that it is gone,
 * and its user opens it again.
 *
 * One thread at a time per struct lines_open, as dwarf.h.
 */
#ifndef RINGPROF_SYM_LINES_READ_H
#define RINGPROF_SYM_LINES_READ_H

#include "sym/dwarf.h"
#include "sym/gosym.h"
#include "sym/reader.h"

struct lines_open {
	struct dwarf_info *here; /* NULL: not here */
	struct reader *reader;	 /* NULL: not there */
	uint64_t process, handle, bytes;
	struct file *file; /* borrowed for the call */
	reader_open_fn open_split;
	void *arg;
};

/* As dwarf_open; reader NULL: here. file: who is to blame. Also reader_ask's errors. */
int lines_open(struct lines_open *o, struct reader *reader, struct file *file,
	       const struct dwarf_input *in);
bool lines_is_open(const struct lines_open *o);
void lines_shut(struct lines_open *o); /* one that is not open is fine */
uint64_t lines_bytes(const struct lines_open *o);
/* As dwarf_lookup; also reader_ask's errors: -ESTALE it is not open any longer, its process is gone. */
int lines_at(struct lines_open *o, struct file *file, uint64_t vaddr, dwarf_emit emit, void *arg);

/*
 * The frames of a Go program at a vaddr, by its own tables: their number, 0
 * none, -ENOENT no Go program, -EINVAL damaged, -errno. fd is borrowed.
 */
int lines_go(int fd, uint64_t size, uint64_t vaddr, dwarf_emit emit, void *arg);
int lines_go_by(struct reader *r, struct file *file, int fd, uint64_t vaddr, dwarf_emit emit,
		void *arg);

/* The reader's side. */
int lines_serve_open(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
int lines_serve_at(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
int lines_serve_shut(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
int lines_serve_go(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
/* Takes frames apart and tells them: at most DWARF_MAX_FRAMES; their number, or -EINVAL. */
int lines_parse(const void *data, size_t len, dwarf_emit emit, void *arg);

#endif
