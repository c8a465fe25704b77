// SPDX-License-Identifier: GPL-2.0
/*
 * What a file says about itself: GNU build-id and the link to its separate
 * debug file.
 */
#include "sym/elf_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static size_t align_up(size_t v, size_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* One pass over a note area; names and descriptors are padded to align (4, or 8 as p_align says). */
static size_t note_build_id(const uint8_t *p, size_t len, size_t align, uint8_t *id)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		size_t desc, next;
		Elf64_Nhdr nh;

		memcpy(&nh, p, sizeof(nh));
		if (nh.n_namesz > len || nh.n_descsz > len)
			return 0;
		desc = align_up(sizeof(nh) + nh.n_namesz, align);
		next = align_up(desc + nh.n_descsz, align);
		if (desc + nh.n_descsz > len)
			return 0;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(p + sizeof(nh), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU))) {
			size_t n = nh.n_descsz < ELF_MAX_BUILD_ID ? nh.n_descsz : ELF_MAX_BUILD_ID;

			if (n < ELF_MIN_BUILD_ID)
				return 0;
			memcpy(id, p + desc, n);
			return n;
		}
		if (next > len)
			return 0;
		p += next;
		len -= next;
	}
	return 0;
}

static size_t notes_at(const struct elf_image *e, uint64_t off, uint64_t len, uint64_t align,
		       uint8_t *id)
{
	cleanup_free uint8_t *p = NULL;

	if (len > ELF_MAX_NOTE_BYTES)
		len = ELF_MAX_NOTE_BYTES;
	p = elf_dup(e, off, len, ELF_MAX_NOTE_BYTES);
	return p ? note_build_id(p, len, align == 8 ? 8 : 4, id) : 0;
}

static size_t segment_build_id(struct elf_image *e, uint8_t *id)
{
	size_t n = 0, left = ELF_MAX_NOTES;

	for (size_t i = 0; i < e->n_ph && !n && left; i++) {
		const Elf64_Phdr *ph = &e->ph[i];

		if (ph->p_type != PT_NOTE)
			continue;
		n = notes_at(e, ph->p_offset, ph->p_filesz, ph->p_align, id);
		left--;
	}
	return n;
}

/* Debug files: the program headers there describe the file they were taken from. */
static size_t section_build_id(struct elf_image *e, uint8_t *id)
{
	size_t n = 0, left = ELF_MAX_NOTES;

	if (elf_load_sections(e))
		return 0;
	for (size_t i = 1; i < e->n_sh && !n && left; i++) {
		const Elf64_Shdr *sh = &e->sh[i];

		if (sh->sh_type != SHT_NOTE)
			continue;
		n = notes_at(e, sh->sh_offset, sh->sh_size, sh->sh_addralign, id);
		left--;
	}
	return n;
}

size_t elf_build_id(struct elf_image *e, uint8_t *id)
{
	size_t n = segment_build_id(e, id);

	return n ? n : section_build_id(e, id);
}

bool elf_debuglink(struct elf_image *e, char *name, size_t len, uint32_t *crc)
{
	cleanup_free char *p = NULL;
	const Elf64_Shdr *sh;
	size_t n, crc_at;

	if (elf_load_sections(e))
		return false;
	sh = elf_section(e, ".gnu_debuglink");
	p = sh ? elf_dup(e, sh->sh_offset, sh->sh_size, 4096) : NULL;
	if (!p)
		return false;
	n = strlen(p);
	crc_at = align_up(n + 1, 4);
	if (!n || n >= len || strchr(p, '/') || !strcmp(p, "..") || !strcmp(p, ".") ||
	    crc_at + 4 > sh->sh_size)
		return false;
	memcpy(name, p, n + 1);
	memcpy(crc, p + crc_at, sizeof(*crc));
	return true;
}
