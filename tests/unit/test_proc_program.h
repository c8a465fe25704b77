/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs as builders leave them, made by hand: just as much ELF as is looked at.
 */
#ifndef RINGPROF_TESTS_PROC_PROGRAM_H
#define RINGPROF_TESTS_PROC_PROGRAM_H

#include <elf.h>
#include <stddef.h>
#include <string.h>

/* An ELF file with one note and, if info is given, a section .go.buildinfo. */
struct program {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	char note[512];
	char info[2048];
	char names[32];
	Elf64_Shdr sh[3];
};

static inline struct program program(const char *json, const char *info, size_t info_len)
{
	struct program p = { .eh = { .e_type = ET_DYN,
				     .e_machine = EM_X86_64,
				     .e_version = EV_CURRENT,
				     .e_ehsize = sizeof(Elf64_Ehdr),
				     .e_phoff = offsetof(struct program, ph),
				     .e_phentsize = sizeof(Elf64_Phdr),
				     .e_phnum = 1,
				     .e_shoff = offsetof(struct program, sh),
				     .e_shentsize = sizeof(Elf64_Shdr),
				     .e_shnum = 3,
				     .e_shstrndx = 2 } };
	Elf64_Nhdr nh = { 4, json ? (Elf64_Word)strlen(json) + 1 : 0, 0xcafe1a7e };

	memcpy(p.eh.e_ident, ELFMAG, SELFMAG);
	p.eh.e_ident[EI_CLASS] = ELFCLASS64;
	p.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	p.eh.e_ident[EI_VERSION] = EV_CURRENT;
	p.ph = (Elf64_Phdr){ .p_type = PT_NOTE,
			     .p_offset = offsetof(struct program, note),
			     .p_filesz = json ? sizeof(nh) + 4 + ((nh.n_descsz + 3) & ~3U) : 0,
			     .p_align = 4 };
	if (json) {
		memcpy(p.note, &nh, sizeof(nh));
		memcpy(p.note + sizeof(nh), "FDO", 4);
		memcpy(p.note + sizeof(nh) + 4, json, nh.n_descsz);
	}
	memcpy(p.names, "\0.go.buildinfo\0.shstrtab", 25);
	p.sh[1] = (Elf64_Shdr){ .sh_name = 1,
				.sh_type = SHT_PROGBITS,
				.sh_offset = offsetof(struct program, info),
				.sh_size = info_len };
	p.sh[2] = (Elf64_Shdr){ .sh_name = 15,
				.sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct program, names),
				.sh_size = 25 };
	memcpy(p.info, info ? info : "", info_len);
	return p;
}

#endif
