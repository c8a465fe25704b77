/* SPDX-License-Identifier: GPL-2.0 */
/* What lines_read.c asks of a reader and lines_serve.c answers. Fields are of one host. */
#ifndef RINGPROF_SYM_LINES_MSG_H
#define RINGPROF_SYM_LINES_MSG_H

#include <stdint.h>

#include "sym/dwarf.h"

#define LINES_MAX_TEXT 4096 /* bytes of a name or path; longer ones are cut */
#define LINES_MAX_ANSWER              \
	(sizeof(struct lines_found) + \
	 DWARF_MAX_FRAMES * (sizeof(struct lines_frame) + 2 * (LINES_MAX_TEXT + 1)))

struct lines_open_args {
	uint64_t size, alt_size, max_bytes;
};

struct lines_opened {
	uint64_t handle, bytes;
};

struct lines_at_args {
	uint64_t handle; /* of a Go program: its size */
	uint64_t vaddr;
};

/* Frames follow. An error of the lookup is told here, as the bytes have changed by it. */
struct lines_found {
	uint64_t bytes;
	int32_t status, reserved;
};

/* Name and file follow, each with a NUL. */
struct lines_frame {
	uint32_t line, decl_line;
	uint32_t name_len, file_len;
	uint32_t inlined;
};

#endif
