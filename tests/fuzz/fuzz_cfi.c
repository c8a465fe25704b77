// SPDX-License-Identifier: GPL-2.0
/*
 * CFI alone: the input becomes the .eh_frame (or, by its first byte,
 * .debug_frame) of a program that is right in all else, so that no input is
 * spent on ELF headers.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ringprof/row_check.h"
#include "unwind/rows.h"

#define TEXT  0x1000
#define FRAME 0x200000

static const char names[] = "\0.eh_frame\0.debug_frame\0.shstrtab";

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Shdr sh[3];
	char names[sizeof(names)];
	uint8_t frame[];
};

static void fill(struct image *m, bool debug, const uint8_t *data, size_t size)
{
	memcpy(m->eh.e_ident, ELFMAG, SELFMAG);
	m->eh.e_ident[EI_CLASS] = ELFCLASS64;
	m->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	m->eh.e_ident[EI_VERSION] = EV_CURRENT;
	m->eh.e_type = ET_DYN;
	m->eh.e_machine = EM_X86_64;
	m->eh.e_phoff = offsetof(struct image, ph);
	m->eh.e_phnum = 1;
	m->eh.e_phentsize = sizeof(m->ph);
	m->eh.e_shoff = offsetof(struct image, sh);
	m->eh.e_shnum = 3;
	m->eh.e_shentsize = sizeof(m->sh[0]);
	m->eh.e_shstrndx = 2;
	m->ph = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_X, .p_vaddr = TEXT };
	m->ph.p_filesz = m->ph.p_memsz = FRAME - TEXT;
	m->sh[1] = (Elf64_Shdr){ .sh_name = debug ? 11 : 1,
				 .sh_type = SHT_PROGBITS,
				 .sh_addr = FRAME,
				 .sh_offset = offsetof(struct image, frame),
				 .sh_size = size };
	m->sh[2] = (Elf64_Shdr){ .sh_name = 24,
				 .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct image, names),
				 .sh_size = sizeof(names) };
	memcpy(m->names, names, sizeof(names));
	memcpy(m->frame, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rows_limits lim = { .max_rows = 20000 };
	struct image *m;
	struct rows r;

	if (!size)
		return 0;
	m = calloc(1, sizeof(*m) + size - 1);
	if (!m)
		return 0;
	fill(m, data[0] & 1, data + 1, size - 1);
	if (!rows_of_mem(&r, m, sizeof(*m) + size - 1, &lim)) {
		if (ringprof_rows_ok(r.rows, r.n, 0) != r.n ||
		    (r.n && r.rows[r.n - 1].rule != RINGPROF_CFA_GAP))
			abort();
		rows_free(&r);
	}
	free(m);
	return 0;
}
