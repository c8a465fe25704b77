/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file's symbol table put together from all that it has: its own .symtab,
 * else that of its separate debug file, else the one in .gnu_debugdata, else
 * Go's own table; and always .dynsym, the PLT and the entry point, which cost
 * little and fill what the others lack.
 *
 * No state; any thread.
 */
#ifndef RINGPROF_SYM_TABLE_READ_H
#define RINGPROF_SYM_TABLE_READ_H

#include "sym/reader.h"
#include "sym/symtab.h"

struct table_input {
	int fd; /* borrowed, as all */
	uint64_t size;
	size_t max_names; /* see struct symtab_builder */
	/* asked once, with "" and "", for the debug file with the .symtab; where the table is read */
	reader_open_fn open;
	void *arg;
};

/*
 * ret_bare: there was no .symtab, neither in the file nor in a debug file.
 * 0, -ENOEXEC no ELF of this host, -ENOMEM, -errno.
 */
int table_read(const struct table_input *in, struct symtab *ret, bool *ret_bare);
/* The same by a reader (NULL: here); file: who is to blame. Also reader_ask's errors. */
int table_read_by(struct reader *r, struct file *file, const struct table_input *in,
		  struct symtab *ret, bool *ret_bare);
/* The reader's side of that. */
int table_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
/* Takes an answer apart; 0, -EINVAL it is none, -ENOMEM. */
int table_parse(const void *data, size_t len, struct symtab *ret, bool *ret_bare);

#endif
