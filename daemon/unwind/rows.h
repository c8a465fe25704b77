/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind rows of an ELF file: what its .eh_frame (else .debug_frame, else what
 * is known of Go's frames, else the code itself) says, in the 8-byte form that
 * the walker takes (uapi header, UNWIND TABLES).
 *
 * Takes a descriptor or bytes, gives rows; never processes, addresses of
 * processes, or the network. Input is hostile; work and memory are bounded by
 * rows_limits. Any thread.
 */
#ifndef RINGPROF_UNWIND_ROWS_H
#define RINGPROF_UNWIND_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include <linux/ringprof.h>

/* where a row is from */
enum rows_origin {
	ROWS_KNOWN, /* code that is known by its bytes, and the entry point */
	ROWS_EH_FRAME,
	ROWS_GO,
	ROWS_DEBUG_FRAME,
	ROWS_CODE, /* followed instruction by instruction */
	ROWS_ORIGINS
};

struct rows {
	struct ringprof_row *rows; /* strictly ascending, no two neighbours alike, the last a GAP */
	uint32_t n;
	uint64_t base; /* lowest executable vaddr; rows count from it */
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
	uint32_t n_segments;
	/* what was found on the way */
	uint32_t n_fdes, n_opaque, n_bad_fdes; /* opaque: rows; bad: FDEs left out */
	uint32_t n_by[ROWS_ORIGINS]; /* rows by what they are from; GAPs are from nothing */
	const char *
		origin; /* the first that had any: "eh_frame", "debug_frame", "gopclntab", "code", "none" */
};

struct rows_limits {
	uint32_t max_rows; /* 0: RINGPROF_MAX_ROWS */
	size_t max_bytes;  /* of a section copied, 0: 128 MiB */
	uint32_t without;  /* bits of enum rows_origin: what is not looked at, for tests */
};

/* "eh_frame" and so on. */
const char *rows_origin_name(enum rows_origin origin);

/*
 * 0, also with n == 0 (no unwind information: frame pointers do);
 * -ENOEXEC no ELF of this host, -E2BIG over a limit, -ENOMEM, -errno.
 */
int rows_of_fd(struct rows *ret, int fd, const struct rows_limits *lim);
int rows_of_mem(struct rows *ret, const void *elf, size_t len, const struct rows_limits *lim);
void rows_free(struct rows *r);

#endif
