// SPDX-License-Identifier: GPL-2.0
/* Building of private debug images; see dwarf_image.h for what they are for. */
#include "sym/dwarf_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"

#define ALIGN	     16
#define PIECE	     65536
#define ZSTD_LOG_MAX 27 /* window of the unpacker: 128 MiB at most */

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

static const char *const names[DWARF_SECTIONS] = {
	[DWARF_INFO] = ".debug_info",	      [DWARF_ABBREV] = ".debug_abbrev",
	[DWARF_LINE] = ".debug_line",	      [DWARF_LINE_STR] = ".debug_line_str",
	[DWARF_STR] = ".debug_str",	      [DWARF_STR_OFFSETS] = ".debug_str_offsets",
	[DWARF_ADDR] = ".debug_addr",	      [DWARF_RANGES] = ".debug_ranges",
	[DWARF_RNGLISTS] = ".debug_rnglists",
};

/* one text with all names, for the image's section names */
#define NAMES_MAX 256

static int packing_header(struct dwarf_source *s)
{
	Elf64_Chdr ch;
	Elf32_Chdr ch32;
	size_t n = s->e->is64 ? sizeof(ch) : sizeof(ch32);

	if (s->len < n || elf_read(s->e, s->off, s->e->is64 ? (void *)&ch : &ch32, n))
		return -EINVAL;
	if (!s->e->is64) {
		ch.ch_type = ch32.ch_type;
		ch.ch_size = ch32.ch_size;
	}
	if (ch.ch_type != ELFCOMPRESS_ZLIB && ch.ch_type != ELFCOMPRESS_ZSTD)
		return -EINVAL;
	s->packing = ch.ch_type;
	s->size = ch.ch_size;
	s->off += n;
	s->len -= n;
	return 0;
}

static void take_section(struct elf_image *e, const Elf64_Shdr *sh, struct dwarf_source *s)
{
	if (sh->sh_type == SHT_NOBITS || sh->sh_offset > e->size ||
	    sh->sh_size > e->size - sh->sh_offset)
		return;
	*s = (struct dwarf_source){
		.e = e, .off = sh->sh_offset, .len = sh->sh_size, .size = sh->sh_size
	};
	if (sh->sh_flags & SHF_COMPRESSED && packing_header(s))
		memset(s, 0, sizeof(*s));
}

static bool is_section(const char *name, const char *want, bool dwo)
{
	size_t n = strlen(want);

	return !strncmp(name, want, n) && !strcmp(name + n, dwo ? ".dwo" : "");
}

bool dwarf_sources(struct elf_image *e, bool dwo, struct dwarf_source src[DWARF_SECTIONS])
{
	memset(src, 0, DWARF_SECTIONS * sizeof(*src));
	if (elf_load_sections(e))
		return false;
	for (size_t i = 1; i < e->n_sh; i++) {
		const char *name = elf_section_name(e, &e->sh[i]);

		if (strncmp(name, ".debug_", 7))
			continue;
		for (unsigned int k = 0; k < DWARF_SECTIONS; k++)
			if (!src[k].len && is_section(name, names[k], dwo))
				take_section(e, &e->sh[i], &src[k]);
	}
	return src[DWARF_INFO].len && src[DWARF_ABBREV].len;
}

static uint64_t align_up(uint64_t v)
{
	return (v + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

uint64_t dwarf_sources_size(const struct dwarf_source src[DWARF_SECTIONS])
{
	uint64_t n = sizeof(Elf64_Ehdr) + (DWARF_SECTIONS + 2) * sizeof(Elf64_Shdr) + NAMES_MAX;

	for (unsigned int i = 0; i < DWARF_SECTIONS; i++) {
		if (src[i].size > UINT64_MAX / 32)
			return UINT64_MAX;
		n += src[i].len ? src[i].size + 2 * ALIGN : 0;
	}
	return n;
}

struct unpacker {
	z_stream z;
	ZSTD_DStream *zstd;
	uint8_t *to;
	size_t left;
	bool ended;
};

static int unpack_zlib(struct unpacker *u, uint8_t *p, size_t n)
{
	int r;

	u->z.next_in = p;
	u->z.avail_in = (uInt)n;
	while (u->z.avail_in && !u->ended) {
		uInt room = u->left < (1U << 30) ? (uInt)u->left : 1U << 30;

		u->z.next_out = u->to;
		u->z.avail_out = room;
		r = inflate(&u->z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return -EINVAL;
		u->to += room - u->z.avail_out;
		u->left -= room - u->z.avail_out;
		u->ended = r == Z_STREAM_END;
	}
	return 0;
}

static int unpack_zstd(struct unpacker *u, const uint8_t *p, size_t n)
{
	ZSTD_inBuffer in = { p, n, 0 };

	while (in.pos < in.size && !u->ended) {
		ZSTD_outBuffer out = { u->to, u->left, 0 };
		size_t before = in.pos, r = ZSTD_decompressStream(u->zstd, &out, &in);

		if (ZSTD_isError(r) || (in.pos == before && !out.pos))
			return -EINVAL;
		u->to += out.pos;
		u->left -= out.pos;
		u->ended = !r;
	}
	return 0;
}

static int unpack_pieces(const struct dwarf_source *s, struct unpacker *u)
{
	cleanup_free uint8_t *piece = malloc(PIECE);
	int r = piece ? 0 : -ENOMEM;

	for (uint64_t off = 0; !r && off < s->len && !u->ended; off += PIECE) {
		size_t n = s->len - off < PIECE ? s->len - off : PIECE;

		r = elf_read(s->e, s->off + off, piece, n);
		if (!r)
			r = u->zstd ? unpack_zstd(u, piece, n) : unpack_zlib(u, piece, n);
	}
	/* what the header promised must have come, no less */
	return r ? r : u->left ? -EINVAL : 0;
}

static int unpack(const struct dwarf_source *s, uint8_t *to)
{
	struct unpacker u = { .to = to, .left = s->size };
	int r;

	if (s->packing == ELFCOMPRESS_ZSTD) {
		u.zstd = ZSTD_createDStream();
		if (!u.zstd)
			return -ENOMEM;
		ZSTD_DCtx_setParameter(u.zstd, ZSTD_d_windowLogMax, ZSTD_LOG_MAX);
		r = unpack_pieces(s, &u);
		ZSTD_freeDStream(u.zstd);
		return r;
	}
	if (inflateInit(&u.z) != Z_OK)
		return -ENOMEM;
	r = unpack_pieces(s, &u);
	inflateEnd(&u.z);
	return r;
}

static int copy_section(const struct dwarf_source *s, uint8_t *to)
{
	if (s->packing)
		return unpack(s, to);
	if (s->e)
		return elf_read(s->e, s->off, to, s->size);
	memcpy(to, (const uint8_t *)s->mem + s->off, s->size);
	return 0;
}

static void write_headers(struct dwarf_image *im, size_t sections, const size_t *name_at,
			  size_t names_off, size_t names_len)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)im->bytes;
	Elf64_Shdr *sh = (Elf64_Shdr *)(im->bytes + sections);
	unsigned int n = 1;

	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
									 : ELFDATA2MSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
	eh->e_type = ET_EXEC; /* not ET_REL: nothing is relocated any more */
	eh->e_machine = EM_X86_64;
	eh->e_version = EV_CURRENT;
	eh->e_ehsize = sizeof(*eh);
	eh->e_shoff = sections;
	eh->e_shentsize = sizeof(*sh);
	for (unsigned int i = 0; i < DWARF_SECTIONS; i++) {
		if (!im->at[i].len)
			continue;
		sh[n].sh_name = (Elf64_Word)name_at[i];
		sh[n].sh_type = SHT_PROGBITS;
		sh[n].sh_offset = im->at[i].off;
		sh[n].sh_size = im->at[i].len;
		sh[n++].sh_addralign = 1;
	}
	sh[n].sh_name = 0;
	sh[n].sh_type = SHT_STRTAB;
	sh[n].sh_offset = names_off;
	sh[n].sh_size = names_len;
	sh[n].sh_addralign = 1;
	eh->e_shstrndx = (Elf64_Half)n;
	eh->e_shnum = (Elf64_Half)(n + 1);
}

int dwarf_image_make(const struct dwarf_source src[DWARF_SECTIONS], uint64_t max,
		     struct dwarf_image *ret)
{
	uint64_t size = dwarf_sources_size(src);
	size_t name_at[DWARF_SECTIONS], names_off = sizeof(Elf64_Ehdr), names_len = 1, at, sections;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (size > max)
		return -EFBIG;
	ret->bytes = calloc(1, size);
	ret->size = size;
	if (!ret->bytes)
		return -ENOMEM;
	for (unsigned int i = 0; i < DWARF_SECTIONS; i++) {
		name_at[i] = names_len;
		strcpy((char *)ret->bytes + names_off + names_len, names[i]);
		names_len += strlen(names[i]) + 1;
	}
	sections = align_up(names_off + names_len);
	at = align_up(sections + (DWARF_SECTIONS + 2) * sizeof(Elf64_Shdr));
	for (unsigned int i = 0; !r && i < DWARF_SECTIONS; i++) {
		if (!src[i].len || !src[i].size)
			continue;
		ret->at[i].off = at;
		ret->at[i].len = src[i].size;
		r = copy_section(&src[i], ret->bytes + at);
		at = align_up(at + src[i].size + 1); /* a NUL behind each */
	}
	if (r)
		dwarf_image_free(ret);
	else
		write_headers(ret, sections, name_at, names_off, names_len);
	return r;
}

void dwarf_image_free(struct dwarf_image *im)
{
	free(im->bytes);
	memset(im, 0, sizeof(*im));
}
