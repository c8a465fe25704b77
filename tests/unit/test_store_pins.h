/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of pins share: their list, and exports carried over in memory.
 */
#ifndef RINGPROF_TESTS_STORE_PINS_H
#define RINGPROF_TESTS_STORE_PINS_H

#include <dirent.h>
#include <errno.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define SMALL 1

static inline int count_pins(void *arg, const struct store_pin *p)
{
	struct store_pin *first = arg;

	if (!first->id++)
		*first = (struct store_pin){ .id = 1,
					     .from = p->from,
					     .to = p->to,
					     .bytes = p->bytes,
					     .name = *p->origin ? "other" : "own" };
	return 0;
}

static inline struct store_pin pins(struct store *s)
{
	struct store_pin p = { 0 };

	CHECK_EQ(store_pins(s, count_pins, &p), 0);
	return p; /* id: how many */
}

#define FILE_ROOM (1U << 20)

static char file[FILE_ROOM];

/* The export, into the room; its size. */
static inline size_t read_file(struct store_file *f)
{
	uint64_t size = store_file_size(f);

	CHECK(size > 1000 && size < FILE_ROOM);
	CHECK_EQ(store_file_read(f, 0, file, FILE_ROOM), (ssize_t)size);
	CHECK_EQ(store_file_read(f, size, file + size, 1), 0);
	store_file_close(f);
	return size;
}

static inline int import(struct store *s, const char *p, size_t n, uint64_t *id, char *err,
			 size_t errlen)
{
	struct store_import *in;
	size_t half = n / 2;
	int r;

	CHECK_EQ(store_import_begin(s, 0, &in, err, errlen), 0);
	r = store_import_write(in, p, half, err, errlen);
	if (!r)
		r = store_import_write(in, p + half, n - half, err, errlen);
	if (!r)
		return store_import_end(in, id, err, errlen);
	store_import_drop(in);
	return r;
}

static inline unsigned int files_in(const char *dir)
{
	unsigned int n = 0;
	DIR *d = opendir(dir);

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
