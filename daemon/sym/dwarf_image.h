/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A private ELF image in memory that holds nothing but the debug sections
 * which lines and inlined functions are read from.
 *
 * libdw is given such an image and never the file: the file's owner may cut
 * it under us, its headers lie, and links inside of it (.gnu_debugaltlink,
 * .dwo names) would make libdw open paths that a stranger chose. Here the
 * headers are our own, every byte was read by pread within limits, sections
 * are unpacked already (zlib, zstd), and no section with a link is taken.
 *
 * No state; any thread.
 */
#ifndef RINGPROF_SYM_DWARF_IMAGE_H
#define RINGPROF_SYM_DWARF_IMAGE_H

#include "sym/elf_image.h"

enum dwarf_section {
	DWARF_INFO,
	DWARF_ABBREV,
	DWARF_LINE,
	DWARF_LINE_STR,
	DWARF_STR,
	DWARF_STR_OFFSETS,
	DWARF_ADDR,
	DWARF_RANGES,
	DWARF_RNGLISTS,
	DWARF_SECTIONS
};

/* Where the bytes of a section come from: a section of an ELF file, or memory if e is NULL. */
struct dwarf_source {
	const struct elf_image *e;
	const void *mem;
	uint64_t off, len; /* in the file or in mem; len 0: not there */
	uint64_t size;	   /* unpacked */
	uint32_t packing;  /* 0 or ELFCOMPRESS_* */
};

struct dwarf_image {
	uint8_t *bytes; /* a whole ELF file */
	size_t size;
	struct {
		size_t off, len;
	} at[DWARF_SECTIONS];
};

/*
 * Finds the debug sections of a file; dwo: those whose names end in ".dwo".
 * true: there is a .debug_info with bytes.
 */
bool dwarf_sources(struct elf_image *e, bool dwo, struct dwarf_source src[DWARF_SECTIONS]);
/* Bytes that the image would take. */
uint64_t dwarf_sources_size(const struct dwarf_source src[DWARF_SECTIONS]);
/* 0, -EFBIG larger than max, -EINVAL damaged, -ENOMEM, or the reading's error. */
int dwarf_image_make(const struct dwarf_source src[DWARF_SECTIONS], uint64_t max,
		     struct dwarf_image *ret);
void dwarf_image_free(struct dwarf_image *im);

#endif
