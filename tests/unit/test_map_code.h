/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mapping of code whose file a test can take away.
 */
#ifndef RINGPROF_TESTS_MAP_CODE_H
#define RINGPROF_TESTS_MAP_CODE_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* Maps a whole file as exec does its code; MAP_FAILED if it cannot. */
static inline void *map_code(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	*len = (size_t)lseek(fd, 0, SEEK_END);
	p = mmap(NULL, *len, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	return p;
}

#endif
