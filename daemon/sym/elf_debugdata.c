// SPDX-License-Identifier: GPL-2.0
/*
 * .gnu_debugdata ("mini debug info"): an xz-compressed ELF file with a
 * .symtab of the functions that .dynsym does not have. Both the memory of the
 * decoder and its output are capped: a few bytes of xz make gigabytes.
 */
#include "sym/elf_image.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define XZ_MEMORY (128ULL << 20)

static int unxz(const uint8_t *in, size_t len, uint8_t **ret, size_t *ret_len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	size_t cap = len * 4 + 4096;
	lzma_ret r = LZMA_OK;
	uint8_t *out = NULL;

	if (lzma_stream_decoder(&s, XZ_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	s.next_in = in;
	s.avail_in = len;
	while (r == LZMA_OK && s.total_out < ELF_MAX_DEBUGDATA) {
		uint8_t *p = realloc(out, cap < ELF_MAX_DEBUGDATA ? cap : ELF_MAX_DEBUGDATA);

		if (!p)
			break;
		out = p;
		s.next_out = out + s.total_out;
		s.avail_out = (cap < ELF_MAX_DEBUGDATA ? cap : ELF_MAX_DEBUGDATA) - s.total_out;
		r = lzma_code(&s, LZMA_FINISH);
		cap *= 2;
	}
	*ret_len = s.total_out;
	lzma_end(&s);
	if (r != LZMA_STREAM_END) {
		free(out);
		return -EINVAL;
	}
	*ret = out;
	return 0;
}

int elf_add_debugdata(struct elf_image *e, struct symtab_builder *b)
{
	cleanup_free uint8_t *packed = NULL, *bytes = NULL;
	struct elf_image inner;
	const Elf64_Shdr *sh;
	size_t len;
	int r = elf_load_sections(e);

	sh = r ? NULL : elf_section(e, ".gnu_debugdata");
	if (!sh)
		return r;
	packed = elf_dup(e, sh->sh_offset, sh->sh_size, ELF_MAX_DEBUGDATA / 4);
	if (!packed)
		return -EINVAL;
	r = unxz(packed, sh->sh_size, &bytes, &len);
	if (!r)
		r = elf_open_mem(&inner, bytes, len);
	if (r)
		return r;
	r = elf_add_symtab(&inner, b);
	elf_close(&inner);
	return r;
}
