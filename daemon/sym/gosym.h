/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names, files and lines of Go programs from .gopclntab, the table that the Go
 * runtime itself walks stacks by: it is there in stripped programs too. Go 1.2
 * to 1.26; inlined calls from 1.20 on.
 *
 * Every number in it is held against the table's size before it is used; what
 * points outside is as if it were not there. Bytes come by elf_read, so the
 * program may be truncated meanwhile.
 *
 * No state but the caller's. Any thread.
 */
#ifndef RINGPROF_SYM_GOSYM_H
#define RINGPROF_SYM_GOSYM_H

#include "sym/dwarf.h"
#include "sym/elf_image.h"
#include "sym/files.h"

#define GOSYM_NAME_MAX	1024 /* with NUL; longer ones are cut */
#define GOSYM_MAX_TABLE (512ULL << 20)

enum gosym_version { GOSYM_1_2, GOSYM_1_16, GOSYM_1_18, GOSYM_1_20 };

struct gosym {
	const struct elf_image *e; /* borrowed */
	enum gosym_version version;
	uint32_t ptr;		  /* bytes of a pointer */
	uint64_t off, addr, size; /* of the table, in the file and as mapped */
	uint64_t text;		  /* address that code offsets count from */
	uint64_t n_funcs;
	uint64_t names, cus, files, pcs, funcs; /* parts of the table, offsets in it */
	uint64_t inlines; /* offset in the file of what inline trees are counted from; 0: unknown */
};

/* Finds the table; 0, -ENOENT: no Go program, -EINVAL: damaged. e: section headers are read. */
int gosym_open(struct gosym *g, struct elf_image *e);

/*
 * Is it the function that signal handlers return to? Nothing calls it: the address that
 * they return to is its first byte, and as all callers it is looked up a byte before.
 */
bool gosym_is_signal_return(const char *name, size_t len);

/* Adds all functions as symbols; 1 they were there, 0 no Go program, or -errno. */
int elf_add_gopclntab(struct elf_image *e, struct symtab_builder *b);

struct gosym_frame {
	char name[GOSYM_NAME_MAX];
	char file[GOSYM_NAME_MAX]; /* "" unknown */
	uint32_t line, start_line; /* 0 unknown */
	bool inlined;		   /* into the frame that is told next */
};

typedef void (*gosym_emit)(void *arg, const struct gosym_frame *f);
/* Tells the frames at a vaddr, innermost first, at most max; the number of them. */
int gosym_lookup(const struct gosym *g, uint64_t vaddr, int max, gosym_emit emit, void *arg);
/*
 * The same of a registered file, told as dwarf_lookup tells; 0: it is no Go
 * program, or cannot be read; -EAGAIN: nobody can read it now.
 */
int gosym_file_lookup(struct file *f, uint64_t vaddr, dwarf_emit emit, void *arg);

#endif
