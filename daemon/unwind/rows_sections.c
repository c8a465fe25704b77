// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes of the sections that rows are made of, as copies: the file may be
 * truncated or written to at any time by whoever owns it.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "unwind/rows_int.h"

#ifndef ELFCOMPRESS_ZSTD /* glibc before 2.37 */
#define ELFCOMPRESS_ZSTD 2
#endif

uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t v = 0;

	for (uint32_t shift = 0; shift < 70; shift += 7) {
		uint8_t byte = cursor_u8(c);

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true; /* longer than any number */
	return 0;
}

int64_t cursor_sleb(struct cursor *c)
{
	uint64_t v = 0;

	for (uint32_t shift = 0; shift < 70; shift += 7) {
		uint8_t byte = cursor_u8(c);

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte & 0x40 && shift + 7 < 64)
			v |= UINT64_MAX << (shift + 7);
		return (int64_t)v;
	}
	c->bad = true;
	return 0;
}

/* Where the file's bytes of an address are, and how many up to the segment's end. */
static bool file_offset(const struct elf_image *e, uint64_t vaddr, uint64_t *off, uint64_t *len)
{
	for (size_t i = 0; i < e->n_ph; i++) {
		const Elf64_Phdr *ph = &e->ph[i];

		if (ph->p_type != PT_LOAD || vaddr - ph->p_vaddr >= ph->p_filesz)
			continue;
		*off = ph->p_offset + (vaddr - ph->p_vaddr);
		*len = ph->p_filesz - (vaddr - ph->p_vaddr);
		return true;
	}
	return false;
}

static int copy(struct rows_builder *b, uint64_t off, uint64_t len, uint8_t **ret)
{
	if (off > b->elf->size || len > b->elf->size - off)
		return -EIO; /* the file is shorter than it says */
	if (len > b->max_bytes)
		return -E2BIG;
	*ret = elf_dup(b->elf, off, len, b->max_bytes);
	return *ret ? 1 : -ENOMEM;
}

static bool inflate_all(uint8_t *to, size_t len, const uint8_t *from, size_t n, uint32_t type)
{
	uLongf got = len;

	if (type == ELFCOMPRESS_ZLIB)
		return uncompress(to, &got, from, n) == Z_OK && got == len;
	if (type == ELFCOMPRESS_ZSTD)
		return ZSTD_decompress(to, len, from, n) == len;
	return false;
}

/* Replaces *data by what it holds in compressed form. */
static int unpack(struct rows_builder *b, uint8_t **data, size_t *len)
{
	cleanup_free uint8_t *packed = *data;
	Elf64_Chdr ch;

	*data = NULL;
	if (*len < sizeof(ch))
		return -EIO;
	memcpy(&ch, packed, sizeof(ch));
	if (ch.ch_size > b->max_bytes)
		return -E2BIG;
	*data = malloc(ch.ch_size + 1);
	if (!*data)
		return -ENOMEM;
	if (!inflate_all(*data, ch.ch_size, packed + sizeof(ch), *len - sizeof(ch), ch.ch_type)) {
		free(*data);
		*data = NULL;
		return -EIO;
	}
	*len = ch.ch_size;
	return 1;
}

int rows_section(struct rows_builder *b, const char *name, uint8_t **ret, uint64_t *vaddr,
		 size_t *len)
{
	const Elf64_Shdr *sh;
	int r = elf_load_sections(b->elf);

	if (r)
		return r;
	sh = elf_section(b->elf, name);
	if (!sh || sh->sh_type == SHT_NOBITS || !sh->sh_size)
		return 0;
	r = copy(b, sh->sh_offset, sh->sh_size, ret);
	*vaddr = sh->sh_addr;
	*len = sh->sh_size;
	if (r == 1 && sh->sh_flags & SHF_COMPRESSED)
		r = unpack(b, ret, len);
	return r;
}

/* .eh_frame_hdr names its address; it ends where its segment does, or with an entry of length 0. */
static int eh_frame_by_phdr(struct rows_builder *b, const Elf64_Phdr *ph, uint8_t **ret,
			    uint64_t *vaddr, size_t *len)
{
	uint64_t off, n;
	uint8_t hdr[8];
	int32_t rel;

	if (elf_read(b->elf, ph->p_offset, hdr, sizeof(hdr)) || hdr[0] != 1 ||
	    hdr[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4))
		return 0;
	memcpy(&rel, hdr + 4, sizeof(rel));
	*vaddr = ph->p_vaddr + 4 + (uint64_t)(int64_t)rel;
	if (!file_offset(b->elf, *vaddr, &off, &n))
		return 0;
	*len = n;
	return copy(b, off, n, ret);
}

int rows_eh_frame(struct rows_builder *b, uint8_t **ret, uint64_t *vaddr, size_t *len)
{
	int r = rows_section(b, ".eh_frame", ret, vaddr, len);

	for (size_t i = 0; i < b->elf->n_ph && !r; i++)
		if (b->elf->ph[i].p_type == PT_GNU_EH_FRAME)
			r = eh_frame_by_phdr(b, &b->elf->ph[i], ret, vaddr, len);
	return r;
}
