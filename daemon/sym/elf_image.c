// SPDX-License-Identifier: GPL-2.0
/*
 * Headers and bytes of an ELF file; see elf_image.h for what is trusted
 * (nothing). 32-bit headers are widened as they are read, so that no other
 * code knows two classes.
 */
#include "sym/elf_image.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define ELF_NATIVE_DATA ELFDATA2LSB
#else
#define ELF_NATIVE_DATA ELFDATA2MSB
#endif

int elf_read(const struct elf_image *e, uint64_t off, void *dst, size_t len)
{
	uint8_t *p = dst;

	if (off > e->size || len > e->size - off)
		return -EINVAL;
	if (e->fd < 0) {
		if (len)
			memcpy(p, e->mem + off, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(e->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* truncated since its size was taken */
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

void *elf_dup(const struct elf_image *e, uint64_t off, uint64_t len, uint64_t max)
{
	char *p;

	if (len > max || off > e->size || len > e->size - off)
		return NULL;
	p = malloc(len + 1);
	if (!p)
		return NULL;
	if (elf_read(e, off, p, len)) {
		free(p);
		return NULL;
	}
	p[len] = '\0';
	return p;
}

static void widen_ehdr(Elf64_Ehdr *to, const Elf32_Ehdr *from)
{
	memcpy(to->e_ident, from->e_ident, EI_NIDENT);
	to->e_type = from->e_type;
	to->e_machine = from->e_machine;
	to->e_phoff = from->e_phoff;
	to->e_shoff = from->e_shoff;
	to->e_phentsize = from->e_phentsize;
	to->e_phnum = from->e_phnum;
	to->e_shentsize = from->e_shentsize;
	to->e_shnum = from->e_shnum;
	to->e_shstrndx = from->e_shstrndx;
}

static void widen_phdr(Elf64_Phdr *to, const Elf32_Phdr *from)
{
	to->p_type = from->p_type;
	to->p_flags = from->p_flags;
	to->p_offset = from->p_offset;
	to->p_vaddr = from->p_vaddr;
	to->p_filesz = from->p_filesz;
	to->p_memsz = from->p_memsz;
	to->p_align = from->p_align;
}

static void widen_shdr(Elf64_Shdr *to, const Elf32_Shdr *from)
{
	to->sh_name = from->sh_name;
	to->sh_type = from->sh_type;
	to->sh_flags = from->sh_flags;
	to->sh_addr = from->sh_addr;
	to->sh_offset = from->sh_offset;
	to->sh_size = from->sh_size;
	to->sh_link = from->sh_link;
	to->sh_info = from->sh_info;
	to->sh_entsize = from->sh_entsize;
}

static int read_ehdr(struct elf_image *e)
{
	unsigned char id[EI_NIDENT];
	Elf32_Ehdr eh32;
	int r;

	if (elf_read(e, 0, id, sizeof(id)) || memcmp(id, ELFMAG, SELFMAG) ||
	    id[EI_DATA] != ELF_NATIVE_DATA || id[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	e->is64 = id[EI_CLASS] == ELFCLASS64;
	if (e->is64) {
		r = elf_read(e, 0, &e->eh, sizeof(e->eh));
		return r ? -ENOEXEC : 0;
	}
	if (id[EI_CLASS] != ELFCLASS32 || elf_read(e, 0, &eh32, sizeof(eh32)))
		return -ENOEXEC;
	widen_ehdr(&e->eh, &eh32);
	return 0;
}

/* Program headers past the limit are left out: no real file has them. */
static int read_phdrs(struct elf_image *e)
{
	size_t ent = e->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size_t n = e->eh.e_phnum < ELF_MAX_PHDRS ? e->eh.e_phnum : ELF_MAX_PHDRS;
	Elf32_Phdr ph32;

	if (!n || e->eh.e_phentsize != ent)
		return 0; /* relocatable files and many debug files */
	e->ph = calloc(n, sizeof(*e->ph));
	if (!e->ph)
		return -ENOMEM;
	for (; e->n_ph < n; e->n_ph++) {
		uint64_t off = e->eh.e_phoff + e->n_ph * ent;
		Elf64_Phdr *ph = &e->ph[e->n_ph];

		if (off < e->eh.e_phoff || elf_read(e, off, e->is64 ? (void *)ph : &ph32, ent))
			break;
		if (!e->is64)
			widen_phdr(ph, &ph32);
	}
	return 0;
}

static int elf_open(struct elf_image *e)
{
	int r = read_ehdr(e);

	if (!r)
		r = read_phdrs(e);
	if (r)
		elf_close(e);
	return r;
}

int elf_open_fd(struct elf_image *e, int fd, uint64_t size)
{
	memset(e, 0, sizeof(*e));
	e->fd = fd;
	e->size = size;
	return elf_open(e);
}

int elf_open_mem(struct elf_image *e, const void *mem, size_t size)
{
	memset(e, 0, sizeof(*e));
	e->fd = -1;
	e->mem = mem;
	e->size = size;
	return elf_open(e);
}

void elf_close(struct elf_image *e)
{
	free(e->ph);
	free(e->sh);
	free(e->shstr);
	e->ph = NULL;
	e->sh = NULL;
	e->shstr = NULL;
	e->n_ph = e->n_sh = e->shstr_len = 0;
}

static int read_shdr(const struct elf_image *e, uint64_t i, Elf64_Shdr *ret)
{
	size_t ent = e->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t off = e->eh.e_shoff + i * ent;
	Elf32_Shdr sh32;
	int r;

	if (!e->eh.e_shoff || e->eh.e_shentsize != ent || off < e->eh.e_shoff)
		return -EINVAL;
	if (e->is64)
		return elf_read(e, off, ret, ent);
	memset(ret, 0, sizeof(*ret));
	r = elf_read(e, off, &sh32, ent);
	if (!r)
		widen_shdr(ret, &sh32);
	return r;
}

/* Counts that do not fit their 16 bits stand in section 0 (gABI, extended numbering). */
static int section_counts(const struct elf_image *e, uint64_t *n, uint32_t *strndx)
{
	Elf64_Shdr first;
	int r = read_shdr(e, 0, &first);

	if (r)
		return r;
	*n = e->eh.e_shnum ? e->eh.e_shnum : first.sh_size;
	*strndx = e->eh.e_shstrndx == SHN_XINDEX ? first.sh_link : e->eh.e_shstrndx;
	return *n && *n <= ELF_MAX_SHDRS ? 0 : -EINVAL;
}

int elf_load_sections(struct elf_image *e)
{
	uint32_t strndx;
	uint64_t n;

	if (e->sh || section_counts(e, &n, &strndx))
		return 0;
	e->sh = calloc(n, sizeof(*e->sh));
	if (!e->sh)
		return -ENOMEM;
	while (e->n_sh < n && !read_shdr(e, e->n_sh, &e->sh[e->n_sh]))
		e->n_sh++;
	if (strndx < e->n_sh && e->sh[strndx].sh_type == SHT_STRTAB) {
		e->shstr = elf_dup(e, e->sh[strndx].sh_offset, e->sh[strndx].sh_size, 16U << 20);
		e->shstr_len = e->shstr ? e->sh[strndx].sh_size : 0;
	}
	return 0;
}

const char *elf_section_name(const struct elf_image *e, const Elf64_Shdr *sh)
{
	/* elf_dup put a NUL behind the last byte */
	return sh->sh_name < e->shstr_len ? e->shstr + sh->sh_name : "";
}

const Elf64_Shdr *elf_section(const struct elf_image *e, const char *name)
{
	for (size_t i = 1; i < e->n_sh; i++)
		if (!strcmp(elf_section_name(e, &e->sh[i]), name))
			return &e->sh[i];
	return NULL;
}
