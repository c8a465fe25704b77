/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ELF file as bytes that lie: headers, sections, build-id, symbols.
 *
 * Takes a descriptor or bytes in memory, gives copies of bounded size. Never
 * maps the file: whoever owns it may truncate it under us, and a read past
 * the new end is an error where a mapping is a SIGBUS. Nothing is allocated
 * by what the file says before that was held against the file's size and the
 * limits below; this is also why libelf, which sizes its tables by the file's
 * own section count, is not used here.
 *
 * No state outside struct elf_image: different images may be used by
 * different threads.
 */
#ifndef RINGPROF_SYM_ELF_IMAGE_H
#define RINGPROF_SYM_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/symtab.h"

#define ELF_MAX_PHDRS	   512
#define ELF_MAX_SHDRS	   65536
#define ELF_MAX_NOTE_BYTES 65536       /* of one note area that are looked at */
#define ELF_MAX_NOTES	   64	       /* note areas that are looked at */
#define ELF_MAX_SYMS	   (16U << 20) /* entries of one table that are looked at */
#define ELF_MAX_DEBUGDATA  (64U << 20) /* .gnu_debugdata, uncompressed */
#define ELF_MIN_BUILD_ID   8	       /* shorter ones (--build-id=0x..) name nothing */
#define ELF_MAX_BUILD_ID   40

struct elf_image {
	int fd;		    /* borrowed; -1: mem */
	const uint8_t *mem; /* borrowed */
	uint64_t size;
	bool is64;
	Elf64_Ehdr eh; /* widened when the file is 32-bit, as all headers here */
	Elf64_Phdr *ph;
	size_t n_ph;
	Elf64_Shdr *sh; /* elf_load_sections */
	size_t n_sh;
	char *shstr;
	size_t shstr_len;
};

/* Reads and checks the ELF header and program headers; 0, -ENOEXEC no ELF of this host, -errno. */
int elf_open_fd(struct elf_image *e, int fd, uint64_t size);
int elf_open_mem(struct elf_image *e, const void *mem, size_t size);
void elf_close(struct elf_image *e); /* frees the tables, not fd or mem */

/* Copies [off, off + len) of the file; 0, -EINVAL outside of it, -errno. */
int elf_read(const struct elf_image *e, uint64_t off, void *dst, size_t len);
/* The same into new memory with a NUL behind it; NULL: outside, over max, or no memory. */
void *elf_dup(const struct elf_image *e, uint64_t off, uint64_t len, uint64_t max);

/* Reads the section headers; an image without usable ones simply has none. 0 or -errno. */
int elf_load_sections(struct elf_image *e);
/* Name of a section, "" for none or a wrong one. */
const char *elf_section_name(const struct elf_image *e, const Elf64_Shdr *sh);
const Elf64_Shdr *elf_section(const struct elf_image *e, const char *name);

/* Bytes of the GNU build-id into id[ELF_MAX_BUILD_ID]; 0: none (or too short to name anything). */
size_t elf_build_id(struct elf_image *e, uint8_t *id);
/* File name (no '/') and CRC-32 from .gnu_debuglink; false: none. */
bool elf_debuglink(struct elf_image *e, char *name, size_t len, uint32_t *crc);

/* Adds function symbols to b; 1 the table was there, 0 it was not, or -errno. */
int elf_add_symtab(struct elf_image *e, struct symtab_builder *b);
int elf_add_dynsym(struct elf_image *e, struct symtab_builder *b);
/* Adds "name@plt" for x86-64 .plt.sec or .plt. */
int elf_add_plt(struct elf_image *e, struct symtab_builder *b);
/* Where a 64-bit program begins; 0: it is a library, or says nothing of it. */
uint64_t elf_entry(const struct elf_image *e);
/*
 * Adds "_start", as the linker calls it unless told otherwise, for the entry
 * point of a 64-bit program. Any other symbol there or behind it comes before it.
 */
int elf_add_entry(const struct elf_image *e, struct symtab_builder *b);
/* A program that can be loaded anywhere, not a library (DF_1_PIE). */
bool elf_is_pie(const struct elf_image *e);
/* Adds the .symtab inside the xz-compressed .gnu_debugdata. */
int elf_add_debugdata(struct elf_image *e, struct symtab_builder *b);

#endif
