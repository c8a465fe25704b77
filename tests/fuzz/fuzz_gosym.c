// SPDX-License-Identifier: GPL-2.0
/*
 * Go's table inside of an ELF file that this makes around it. Input: the
 * table, and behind it as much of a data section as byte 5, which is 0 in a
 * sound table, says in units of 64 bytes; so module data can be found too.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sym/gosym.h"

#define TEXT  0x401000ULL
#define TABLE 0x500000ULL
#define HEAD  0x400

static void tell(void *arg, const struct gosym_frame *f)
{
	uint64_t *n = arg;

	*n += strlen(f->name) + strlen(f->file) + 1;
}

static void make_elf(uint8_t *p, size_t table, size_t data)
{
	static const char names[] = "\0.text\0.gopclntab\0.noptrdata";
	Elf64_Ehdr eh = { .e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_offset = HEAD, .p_vaddr = TABLE, .p_filesz = table };
	Elf64_Shdr sh[5] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_addr = TEXT, .sh_size = 0x1000 },
		{ .sh_name = 7, .sh_type = SHT_PROGBITS, .sh_addr = TABLE },
		{ .sh_name = 18, .sh_type = SHT_PROGBITS, .sh_addr = 0x600000 },
		{ .sh_type = SHT_STRTAB, .sh_offset = 0x300, .sh_size = sizeof(names) },
	};

	sh[2].sh_offset = HEAD;
	sh[2].sh_size = table;
	sh[3].sh_offset = HEAD + table;
	sh[3].sh_size = data;
	memcpy(eh.e_ident, ELFMAG "\2\1\1", 7);
	eh.e_machine = EM_X86_64;
	eh.e_shoff = 0x100;
	eh.e_shentsize = sizeof(sh[0]);
	eh.e_shnum = 5;
	eh.e_shstrndx = 4;
	memcpy(p, &eh, sizeof(eh));
	memcpy(p + 64, &ph, sizeof(ph));
	memcpy(p + 0x100, sh, sizeof(sh));
	memcpy(p + 0x300, names, sizeof(names));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t tail = size > 5 ? data[5] * 64 : 0;
	struct symtab_builder b = { 0 };
	struct elf_image e;
	struct gosym g;
	uint64_t told = 0;
	uint8_t *p;

	if (size > 65536)
		return 0;
	p = calloc(1, HEAD + size);
	if (!p)
		return 0;
	if (tail > size)
		tail = size;
	make_elf(p, size - tail, tail);
	if (size)
		memcpy(p + HEAD, data, size);
	if (size - tail > 5)
		p[HEAD + 5] = 0;
	if (!elf_open_mem(&e, p, HEAD + size)) {
		if (!elf_load_sections(&e) && !gosym_open(&g, &e))
			for (uint64_t at = 0; at < 0x100; at += 4)
				if (gosym_lookup(&g, TEXT + at, 8, tell, &told) > 8)
					abort();
		elf_add_gopclntab(&e, &b);
		elf_close(&e);
	}
	symtab_builder_free(&b);
	free(p);
	return 0;
}
