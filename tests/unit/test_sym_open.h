/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that test_sym_build.h made, as the readers of ELF want them.
 */
#ifndef RINGPROF_TESTS_SYM_OPEN_H
#define RINGPROF_TESTS_SYM_OPEN_H

#include <fcntl.h>
#include <unistd.h>

#include "sym/elf_image.h"
#include "tap.h"
#include "test_sym_build.h"

struct loaded {
	struct elf_image e;
	int fd;
};

static inline void open_elf(struct loaded *l, const char *name)
{
	off_t size;

	l->fd = open(built(name), O_RDONLY | O_CLOEXEC);
	if (l->fd < 0)
		abort();
	size = lseek(l->fd, 0, SEEK_END);
	CHECK_EQ(elf_open_fd(&l->e, l->fd, (uint64_t)size), 0);
}

static inline void close_elf(struct loaded *l)
{
	elf_close(&l->e);
	close(l->fd);
}

#endif
