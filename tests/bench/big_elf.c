// SPDX-License-Identifier: GPL-2.0
/* Writes the file that big_elf.h tells of, section by section, headers last. */
#include "tests/bench/big_elf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT	  0x1000 /* in the file */
#define VADDR	  0x401000
#define FUNC_SIZE 48
#define STEP	  64 /* from one function to the next */
#define UNITS	  4000
#define PER_UNIT  (BIG_ELF_SYMBOLS / UNITS)
#define VARIABLES 14 /* of each function: what debug information mostly is */

enum { S_NULL, S_TEXT, S_SYMTAB, S_STRTAB, S_ABBREV, S_INFO, S_NAMES, SECTIONS };

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.debug_abbrev\0.debug_info\0."
				    "shstrtab";
static const unsigned int name_at[SECTIONS] = { 0, 1, 7, 15, 23, 37, 49 };

uint64_t big_elf_offset(uint64_t i)
{
	return TEXT + i * STEP;
}

static uint64_t vaddr(uint64_t i)
{
	return VADDR + i * STEP;
}

void big_elf_name(uint64_t i, char out[BIG_ELF_NAME])
{
	snprintf(out, BIG_ELF_NAME, "_ZN8renderer13Worker%07u6handleERKSt6vectorIiSaIiEEPKc",
		 (unsigned int)i);
}

static void begin(FILE *f, Elf64_Shdr *sh, uint32_t type)
{
	sh->sh_type = type;
	sh->sh_addralign = 1;
	sh->sh_offset = (uint64_t)ftell(f);
}

static void end(FILE *f, Elf64_Shdr *sh)
{
	sh->sh_size = (uint64_t)ftell(f) - sh->sh_offset;
}

static void write_symbols(FILE *f, Elf64_Shdr *sh)
{
	Elf64_Sym s = { 0 };
	uint32_t at = 1;
	char name[BIG_ELF_NAME];

	begin(f, &sh[S_SYMTAB], SHT_SYMTAB);
	sh[S_SYMTAB].sh_entsize = sizeof(s);
	sh[S_SYMTAB].sh_link = S_STRTAB;
	fwrite(&s, sizeof(s), 1, f);
	for (uint64_t k = 0; k < BIG_ELF_SYMBOLS; k++) {
		/* in no order, as linkers leave them */
		uint64_t i = k * 7919 % BIG_ELF_SYMBOLS;

		s = (Elf64_Sym){ .st_name = at,
				 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				 .st_shndx = S_TEXT,
				 .st_value = vaddr(i),
				 .st_size = FUNC_SIZE };
		fwrite(&s, sizeof(s), 1, f);
		big_elf_name(i, name);
		at += (uint32_t)strlen(name) + 1;
	}
	end(f, &sh[S_SYMTAB]);
	begin(f, &sh[S_STRTAB], SHT_STRTAB);
	fputc(0, f);
	for (uint64_t k = 0; k < BIG_ELF_SYMBOLS; k++) {
		big_elf_name(k * 7919 % BIG_ELF_SYMBOLS, name);
		fwrite(name, 1, strlen(name) + 1, f);
	}
	end(f, &sh[S_STRTAB]);
}

static void write_abbrev(FILE *f, Elf64_Shdr *sh)
{
	static const uint8_t abbrev[] = {
		1, 0x11, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0, /* unit: name, low, high */
		2, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0, /* function: the same */
		3, 0x34, 0, 0x03, 0x08, 0x3b, 0x06, 0,	  0,	      /* variable: name, line */
		0,
	};

	begin(f, &sh[S_ABBREV], SHT_PROGBITS);
	fwrite(abbrev, sizeof(abbrev), 1, f);
	end(f, &sh[S_ABBREV]);
}

static void write_range(FILE *f, uint64_t low, uint64_t size)
{
	fwrite(&low, sizeof(low), 1, f);
	fwrite(&size, sizeof(size), 1, f);
}

static void write_unit(FILE *f, uint64_t u)
{
	static const uint8_t head[7] = {
		4, 0, 0, 0, 0, 0, 8
	}; /* version, abbreviations, pointers */
	long start = ftell(f), stop;
	uint32_t len = 0;

	fwrite(&len, sizeof(len), 1, f);
	fwrite(head, sizeof(head), 1, f);
	fprintf(f, "%cunit%u.cc%c", 1, (unsigned int)u, 0);
	write_range(f, vaddr(u * PER_UNIT), (uint64_t)PER_UNIT * STEP);
	for (uint64_t i = u * PER_UNIT; i < (u + 1) * PER_UNIT; i++) {
		fprintf(f, "%chandle%c", 2, 0);
		write_range(f, vaddr(i), FUNC_SIZE);
		for (uint32_t v = 0; v < VARIABLES; v++) {
			fprintf(f, "%ca_local_variable_%02u%c", 3, v, 0);
			fwrite(&v, sizeof(v), 1, f);
		}
		fputc(0, f);
	}
	fputc(0, f);
	stop = ftell(f);
	len = (uint32_t)(stop - start) - 4;
	fseek(f, start, SEEK_SET);
	fwrite(&len, sizeof(len), 1, f);
	fseek(f, stop, SEEK_SET);
}

static void write_headers(FILE *f, Elf64_Shdr *sh)
{
	Elf64_Ehdr eh = { .e_ident = ELFMAG,
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(eh),
			  .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1,
			  .e_shentsize = sizeof(*sh),
			  .e_shnum = SECTIONS,
			  .e_shstrndx = S_NAMES };
	Elf64_Phdr ph = { .p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_offset = TEXT,
			  .p_vaddr = VADDR,
			  .p_filesz = sh[S_TEXT].sh_size,
			  .p_memsz = sh[S_TEXT].sh_size,
			  .p_align = 4096 };

	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	eh.e_shoff = (uint64_t)ftell(f);
	for (int i = 0; i < SECTIONS; i++)
		sh[i].sh_name = name_at[i];
	fwrite(sh, sizeof(*sh), SECTIONS, f);
	rewind(f);
	fwrite(&eh, sizeof(eh), 1, f);
	fwrite(&ph, sizeof(ph), 1, f);
}

int big_elf_make(const char *path)
{
	FILE *f = fopen(path, "w");
	Elf64_Shdr sh[SECTIONS] = { 0 };
	int r;

	if (!f)
		return -1;
	sh[S_TEXT] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				   .sh_addr = VADDR,
				   .sh_offset = TEXT,
				   .sh_size = (uint64_t)BIG_ELF_SYMBOLS * STEP };
	fseek(f, (long)(TEXT + sh[S_TEXT].sh_size), SEEK_SET);
	write_symbols(f, sh);
	write_abbrev(f, sh);
	begin(f, &sh[S_INFO], SHT_PROGBITS);
	for (uint64_t u = 0; u < UNITS; u++)
		write_unit(f, u);
	end(f, &sh[S_INFO]);
	begin(f, &sh[S_NAMES], SHT_STRTAB);
	fwrite(section_names, sizeof(section_names), 1, f);
	end(f, &sh[S_NAMES]);
	write_headers(f, sh);
	r = ferror(f);
	return fclose(f) || r ? -1 : 0;
}
