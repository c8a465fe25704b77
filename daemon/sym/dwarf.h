/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Source lines and inlined functions of one file, by libdw over private
 * images (dwarf_image.h).
 *
 * Takes descriptors, gives frames: it opens nothing by itself, so that it can
 * run in a process that may open nothing. What lies outside of the file (.dwo
 * and .dwp) is asked for through a callback.
 *
 * Input is hostile. Every walk over it is bounded (DWARF_MAX_*), loops of
 * references end after 16 steps, and past its byte limit the file has no
 * lines, which is an error code and never a guess. libdw ends the program
 * when it gets no memory; here it is left by longjmp and the file is given up.
 *
 * One thread at a time per struct dwarf_info; different ones are independent.
 */
#ifndef RINGPROF_SYM_DWARF_H
#define RINGPROF_SYM_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DWARF_MAX_UNITS	     (1U << 20)
#define DWARF_MAX_RANGES     (1U << 22) /* of all units or of all functions of one */
#define DWARF_MAX_DIES	     (1U << 22) /* looked at in one call */
#define DWARF_MAX_DEPTH	     128	/* of nested scopes; deeper ones are not looked at */
#define DWARF_MAX_LINE_BYTES (8U << 20) /* of one unit's line program */
#define DWARF_MAX_SPLITS     8192	/* .dwo files of one file */
#define DWARF_MAX_FRAMES     32

struct dwarf_input {
	int fd;	       /* the file with .debug_info; borrowed for the call of dwarf_open */
	uint64_t size; /* its size */
	int alt_fd;    /* what its .gnu_debugaltlink names, -1: none */
	uint64_t alt_size;
	uint64_t max_bytes; /* of memory for this file in all */
	/*
	 * A descriptor for a .dwo file, or for the .dwp that holds it, or -errno;
	 * the caller closes it. dir "" : name is all that is known. May be NULL.
	 */
	int (*open_split)(void *arg, const char *dir, const char *name, uint64_t *size);
	void *arg;
};

struct dwarf_frame {
	const char *name;   /* linkage name, else plain name; "" unknown. Gone after the callback */
	const char *file;   /* "" unknown */
	uint32_t line;	    /* in `file` where this frame is, 0 unknown */
	uint32_t decl_line; /* where the function is declared, 0 unknown */
	bool inlined;	    /* false: a function of its own, the last frame of an answer */
};

typedef void (*dwarf_emit)(void *arg, const struct dwarf_frame *f);

struct dwarf_info;

/* 0; -ENOENT no debug information, -EFBIG over max_bytes, -EINVAL damaged, -ENOMEM, -errno. */
int dwarf_open(struct dwarf_info **ret, const struct dwarf_input *in);
void dwarf_close(struct dwarf_info *d); /* NULL is fine */
/* Memory in use; what libdw takes for itself is estimated from what it has read. */
uint64_t dwarf_bytes(const struct dwarf_info *d);
/*
 * The frames at an address, innermost first: at most DWARF_MAX_FRAMES, of a
 * deeper chain the outermost is kept and some next to it are left out. The
 * number emitted (0: address not covered) or -errno: -EFBIG a limit was
 * passed, -EINVAL damaged, -ENOMEM (then the file is best closed).
 */
int dwarf_lookup(struct dwarf_info *d, uint64_t vaddr, dwarf_emit emit, void *arg);

#endif
