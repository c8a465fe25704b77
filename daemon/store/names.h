/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of frames as a history file keeps them: the program they were of may
 * be gone. One table for a model that was read from a file; each of its
 * objects has a handle into it. Texts are the model's own strings. One thread
 * adds (the file's lock sees to that), any thread asks.
 */
#ifndef RINGPROF_STORE_NAMES_H
#define RINGPROF_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/symbols.h"

struct name_table;

/* what a stored object is, beyond name and build-id */
struct stored_key {
	uint8_t file[20]; /* FRAME_USER: struct file's key, else 0 */
	/* of what addresses mean something only within: a boot (kernel), a run (JIT); else 0 */
	uint64_t epoch;
	uint64_t jit; /* table and version of a JIT's object, else 0 */
};

struct stored_names {
	struct name_table *table;
	uint32_t object;
	enum frame_kind kind;
	const char *name; /* of the object, the model's */
	struct stored_key key;
};

struct name_row {
	uint32_t object;
	uint64_t off;
	uint64_t func_start;
	int64_t bias; /* ELF virtual address - off */
	bool has_vaddr;
	const char *module; /* "" none */
	uint32_t n_lines;
	const struct sym_line *lines; /* copied by name_table_add */
};

struct name_table *name_table_new(void); /* one reference; NULL: no memory */
void name_table_unref(struct name_table *t);
size_t name_table_bytes(const struct name_table *t);
/* A copy of it as a handle, which lives as long as the table. NULL: no memory. */
struct stored_names *name_table_object(struct name_table *t, const struct stored_names *in);
/* A later row for the same place replaces the one before. 0 or -ENOMEM. */
int name_table_add(struct name_table *t, const struct name_row *row);
/* What was added for that place; lines are good until something is added. False: nothing was. */
bool name_table_get(struct name_table *t, uint32_t object, uint64_t off, struct name_row *ret);

/* A reference to the table behind the handle. */
const struct stored_names *stored_names_ref(const struct stored_names *s);
void stored_names_unref(const struct stored_names *s); /* NULL is fine */
/*
 * Strings live as long as the model. A place without a kept name gets one made
 * of its address (named 0); false: a mark, whose names are the symbolizer's.
 */
bool stored_name(const struct stored_names *s, uint64_t off, struct sym_answer *ret);
/* ELF virtual address of a file offset, if it is kept. */
bool stored_vaddr(const struct stored_names *s, uint64_t off, uint64_t *ret);

/* Is there a name, so that nobody need be asked for it? */
bool stored_is_named(const struct stored_names *s, uint64_t off);

#endif
