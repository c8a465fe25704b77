// SPDX-License-Identifier: GPL-2.0
/*
 * Debug information: the input is an ELF file, and is its own .gnu_debugaltlink
 * and .dwo too. Asked about a stretch of addresses, twice, as the second
 * time answers come from what the first one has read.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "sym/dwarf.h"

#define FIRST	 0x1000
#define LAST	 0x1100
#define MAX_FILE (1U << 20)

static const uint8_t *bytes;
static size_t n_bytes;

static int input_fd(void)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, n_bytes) != (ssize_t)n_bytes)
		abort();
	return fd;
}

static int open_split(void *arg, const char *dir, const char *name, uint64_t *size)
{
	/* read to the end, as a path is */
	if (strlen(dir) + strlen(name) > n_bytes * 2)
		abort();
	*size = n_bytes;
	return input_fd();
}

static void take(void *arg, const struct dwarf_frame *f)
{
	uint32_t *n = arg;

	/* what a frame says must be there to be read, and an answer must end */
	if (strlen(f->name) > MAX_FILE || strlen(f->file) >= 4096 || ++*n > DWARF_MAX_FRAMES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dwarf_input in = {
		.size = size, .alt_size = size, .max_bytes = 64 << 20, .open_split = open_split
	};
	struct dwarf_info *d;

	if (size > MAX_FILE)
		return 0;
	bytes = data;
	n_bytes = size;
	in.fd = input_fd();
	in.alt_fd = dup(in.fd);
	if (!dwarf_open(&d, &in)) {
		for (int round = 0; round < 2; round++)
			for (uint64_t pc = FIRST; pc < LAST; pc += 5) {
				uint32_t n = 0;

				dwarf_lookup(d, pc, take, &n);
			}
		dwarf_close(d);
	}
	close(in.fd);
	close(in.alt_fd);
	return 0;
}
