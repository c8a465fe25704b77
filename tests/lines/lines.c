// SPDX-License-Identifier: GPL-2.0
/*
 * Prints what the DWARF reader says about addresses, in the form of
 * eu-addr2line -f -i, so that the two can be compared line by line:
 *
 *	lines DEBUGFILE [ALTFILE] < addresses in hex
 *
 * .dwo and .dwp files are opened as they are named, .dwp beside DEBUGFILE.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sym/dwarf.h"

static int open_sized(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st))
		*size = (uint64_t)st.st_size;
	return fd;
}

static int open_split(void *arg, const char *dir, const char *name, uint64_t *size)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s.dwp", (const char *)arg);
	fd = open_sized(path, size);
	if (fd >= 0)
		return fd;
	if (*name == '/' || !*dir)
		snprintf(path, sizeof(path), "%s", name);
	else if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	return open_sized(path, size);
}

static void print(void *arg, const struct dwarf_frame *f)
{
	printf("%s%s\n%s:%u\n", *f->name ? f->name : "??", f->inlined ? " inlined" : "",
	       *f->file ? f->file : "??", f->line);
}

int main(int argc, char **argv)
{
	struct dwarf_input in = { .alt_fd = -1, .max_bytes = 4ULL << 30, .open_split = open_split };
	struct dwarf_info *d;
	struct timespec a, b;
	char text[64];
	int r;

	if (argc < 2)
		return 2;
	in.fd = open_sized(argv[1], &in.size);
	if (argc > 2)
		in.alt_fd = open_sized(argv[2], &in.alt_size);
	in.arg = argv[1];
	clock_gettime(CLOCK_MONOTONIC, &a);
	r = dwarf_open(&d, &in);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (r) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	fprintf(stderr, "opened in %.3f s\n",
		(double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	while (fgets(text, sizeof(text), stdin)) {
		unsigned long long pc = strtoull(text, NULL, 16);

		printf("= 0x%llx\n", pc);
		r = dwarf_lookup(d, pc, print, NULL);
		if (r < 0)
			printf("error %s\n", strerror(-r));
	}
	fprintf(stderr, "%llu bytes\n", (unsigned long long)dwarf_bytes(d));
	dwarf_close(d);
	return 0;
}
