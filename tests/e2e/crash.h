/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For a test build of the daemon (READER_TEST_CRASH): its readers die of a file
 * with a section .ringprof_crash, or one that begins with that text somewhere,
 * as they would of one that finds a bug. One with .ringprof_open has them try to
 * get out, and they die when nothing lets them.
 */
#ifndef RINGPROF_TESTS_E2E_CRASH_H
#define RINGPROF_TESTS_E2E_CRASH_H

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sym/elf_image.h"

#define CRASH_WORD ".ringprof_crash"

static inline bool is_kept_in(void)
{
	return openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 && socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static inline void crash_if_told(int fd)
{
	struct elf_image e;
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n > 0 && memmem(text, (size_t)n, CRASH_WORD, strlen(CRASH_WORD)))
		__builtin_trap();
	if (elf_open_fd(&e, fd, UINT32_MAX) || elf_load_sections(&e))
		return;
	if (elf_section(&e, CRASH_WORD) || (elf_section(&e, ".ringprof_open") && is_kept_in()))
		__builtin_trap();
	elf_close(&e);
}

#define CRASH_BEFORE(fn)                                                                           \
	static int crash_##fn(struct reader_conn *c, const struct reader_args *q, struct buf *ret) \
	{                                                                                          \
		crash_if_told(q->fds[0]);                                                          \
		return fn(c, q, ret);                                                              \
	}

/* The question is the name itself. */
#define CRASH_AT_NAME(fn)                                                                          \
	static int crash_##fn(struct reader_conn *c, const struct reader_args *q, struct buf *ret) \
	{                                                                                          \
		if (memmem(q->data, q->len, "ringprof_crash", strlen("ringprof_crash")))           \
			__builtin_trap();                                                          \
		return fn(c, q, ret);                                                              \
	}

#endif
