// SPDX-License-Identifier: GPL-2.0
/*
 * Function symbols of an ELF file: .symtab, .dynsym, and names for the slots
 * of the procedure linkage table.
 */
#include "sym/elf_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/gosym.h"

#define SYMS_AT_ONCE 4096 /* read in pieces: the table itself is never whole in memory */
#define PLT_ENTRY    16

struct sym_source {
	struct elf_image *e;
	const Elf64_Shdr *sh;
	size_t ent;
	char *str;
	size_t str_len;
};

static void widen_sym(Elf64_Sym *to, const Elf32_Sym *from)
{
	to->st_name = from->st_name;
	to->st_info = from->st_info;
	to->st_other = from->st_other;
	to->st_shndx = from->st_shndx;
	to->st_value = from->st_value;
	to->st_size = from->st_size;
}

/* The executable section a symbol lies in, NULL: none. */
static const Elf64_Shdr *code_section(const struct elf_image *e, const Elf64_Sym *s)
{
	const Elf64_Shdr *sh;

	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= e->n_sh)
		return NULL;
	sh = &e->sh[s->st_shndx];
	if (!(sh->sh_flags & SHF_EXECINSTR) || s->st_value < sh->sh_addr ||
	    s->st_value - sh->sh_addr >= sh->sh_size)
		return NULL;
	return sh;
}

/* "memcpy@@GLIBC_2.14" in a .symtab: the version is no part of the name. */
static size_t name_len(const char *name, size_t max)
{
	size_t n = strnlen(name, max);
	const char *at = n > 1 ? memchr(name + 1, '@', n - 1) : NULL;

	return at ? (size_t)(at - name) : n;
}

static int add_symbol(const struct sym_source *src, const Elf64_Sym *s, struct symtab_builder *b)
{
	unsigned int type = ELF64_ST_TYPE(s->st_info), bind = ELF64_ST_BIND(s->st_info);
	const Elf64_Shdr *sh = code_section(src->e, s);
	struct sym_input in = { 0 };

	if (!sh || s->st_name >= src->str_len)
		return 0;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return 0;
	in.name = src->str + s->st_name;
	/* "$x", "$d": marks for disassemblers */
	if (type == STT_NOTYPE && in.name[0] == '$')
		return 0;
	/* bounded: a table without a NUL would be walked to its end for each symbol */
	in.len = src->str_len - s->st_name;
	in.len = name_len(in.name, in.len < SYM_NAME_MAX ? in.len : SYM_NAME_MAX);
	in.addr = s->st_value;
	in.size = s->st_size;
	in.room = sh->sh_addr + sh->sh_size - s->st_value;
	in.func = type != STT_NOTYPE;
	if (s->st_size && s->st_value && gosym_is_signal_return(in.name, in.len)) {
		in.addr--;
		in.size++;
		in.room++;
	}
	in.bind = bind == STB_LOCAL ? SYM_LOCAL : bind == STB_WEAK ? SYM_WEAK : SYM_GLOBAL;
	return symtab_add(b, &in);
}

static void sym_at(const struct sym_source *src, const uint8_t *p, Elf64_Sym *ret)
{
	Elf32_Sym s32;

	if (src->e->is64) {
		memcpy(ret, p, sizeof(*ret));
		return;
	}
	memcpy(&s32, p, sizeof(s32));
	widen_sym(ret, &s32);
}

static int add_all(const struct sym_source *src, struct symtab_builder *b)
{
	cleanup_free uint8_t *piece = malloc(SYMS_AT_ONCE * src->ent);
	uint64_t n = src->sh->sh_size / src->ent;
	Elf64_Sym s;

	/* a sparse file may hold any number of empty entries */
	if (n > ELF_MAX_SYMS)
		n = ELF_MAX_SYMS;
	if (!piece)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i += SYMS_AT_ONCE) {
		size_t now = n - i < SYMS_AT_ONCE ? n - i : SYMS_AT_ONCE;
		int r = elf_read(src->e, src->sh->sh_offset + i * src->ent, piece, now * src->ent);

		if (r)
			return r;
		for (size_t k = 0; k < now; k++) {
			sym_at(src, piece + k * src->ent, &s);
			r = add_symbol(src, &s, b);
			if (r)
				return r;
		}
		if (b->dropped)
			return 0; /* past the limit: the rest adds nothing */
	}
	return 0;
}

static int source_open(struct sym_source *src, struct elf_image *e, const Elf64_Shdr *sh,
		       size_t max_names)
{
	const Elf64_Shdr *str;

	src->e = e;
	src->sh = sh;
	src->ent = e->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	/* held against the file's size at once: a lying size must not cost a long loop */
	if (sh->sh_entsize != src->ent || sh->sh_link >= e->n_sh || sh->sh_offset > e->size ||
	    sh->sh_size > e->size - sh->sh_offset)
		return -EINVAL;
	str = &e->sh[sh->sh_link];
	if (str->sh_type != SHT_STRTAB)
		return -EINVAL;
	src->str = elf_dup(e, str->sh_offset, str->sh_size, max_names);
	src->str_len = str->sh_size;
	return src->str ? 0 : -EINVAL;
}

/* The first table of that type counts; a file has no second one. */
static int add_table(struct elf_image *e, uint32_t type, struct symtab_builder *b)
{
	struct sym_source src = { 0 };
	int r = elf_load_sections(e);

	for (size_t i = 1; !r && i < e->n_sh; i++) {
		if (e->sh[i].sh_type != type)
			continue;
		r = source_open(&src, e, &e->sh[i], symtab_max_names(b));
		if (!r)
			r = add_all(&src, b);
		free(src.str);
		return r ? r : 1;
	}
	return r;
}

int elf_add_symtab(struct elf_image *e, struct symtab_builder *b)
{
	return add_table(e, SHT_SYMTAB, b);
}

int elf_add_dynsym(struct elf_image *e, struct symtab_builder *b)
{
	return add_table(e, SHT_DYNSYM, b);
}

#define MAX_SLOTS (1U << 16) /* that are looked at; a browser has some thousand */

struct plt {
	const Elf64_Shdr *rela;
	const Elf64_Shdr *code;
	Elf64_Rela *relas; /* by the place they fill */
	size_t n_relas;
	uint8_t *slots;
	size_t n_slots;
};

/* Entries of a section that are looked at: a sparse file may hold any number of empty ones. */
static size_t slots_of(const Elf64_Shdr *sh, size_t entry)
{
	return sh->sh_size / entry < MAX_SLOTS ? sh->sh_size / entry : MAX_SLOTS;
}

static int compare_places(const void *a, const void *b)
{
	uint64_t x = ((const Elf64_Rela *)a)->r_offset, y = ((const Elf64_Rela *)b)->r_offset;

	return x < y ? -1 : x > y;
}

/*
 * With IBT the slots that are called stand in .plt.sec; else in .plt, behind
 * one entry that calls the dynamic linker.
 */
static bool plt_find(const struct elf_image *e, struct plt *p)
{
	p->rela = elf_section(e, ".rela.plt");
	p->code = elf_section(e, ".plt.sec");
	if (!p->code)
		p->code = elf_section(e, ".plt");
	if (!p->rela || !p->code || p->code->sh_type == SHT_NOBITS ||
	    p->rela->sh_entsize != sizeof(Elf64_Rela) || p->rela->sh_link >= e->n_sh)
		return false;
	p->n_relas = slots_of(p->rela, sizeof(*p->relas));
	p->n_slots = slots_of(p->code, PLT_ENTRY);
	return true;
}

static int plt_read(const struct elf_image *e, struct plt *p)
{
	size_t relas = p->n_relas * sizeof(*p->relas), slots = p->n_slots * PLT_ENTRY;

	p->relas = elf_dup(e, p->rela->sh_offset, relas, relas);
	p->slots = elf_dup(e, p->code->sh_offset, slots, slots);
	if (!p->relas || !p->slots)
		return -EINVAL;
	qsort(p->relas, p->n_relas, sizeof(*p->relas), compare_places);
	return 0;
}

/* The place of the address that a slot jumps to: "jmp *DISP(%rip)"; 0: it does not. */
static uint64_t slot_place(const uint8_t code[PLT_ENTRY], uint64_t addr)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t at = memcmp(code, endbr64, sizeof(endbr64)) ? 0 : sizeof(endbr64);
	int32_t disp;

	at += code[at] == 0xf2; /* bnd */
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&disp, code + at + 2, sizeof(disp));
	return addr + at + 6 + (uint64_t)(int64_t)disp;
}

/*
 * The symbol whose address is filled in where slot i looks for it; 0: none. Slots follow
 * the order of their places, relocations do not: those of IFUNCs, which have no symbol,
 * are the last ones.
 */
static uint64_t slot_symbol(const struct plt *p, size_t i)
{
	const Elf64_Rela key = {
		.r_offset = slot_place(p->slots + i * PLT_ENTRY, p->code->sh_addr + i * PLT_ENTRY),
	};
	const Elf64_Rela *found = bsearch(&key, p->relas, p->n_relas, sizeof(key), compare_places);

	return key.r_offset && found ? ELF64_R_SYM(found->r_info) : 0;
}

static int add_slot(const struct sym_source *dyn, uint64_t slot_addr, uint64_t sym,
		    struct symtab_builder *b)
{
	char name[SYM_NAME_MAX];
	struct sym_input in = { .addr = slot_addr, .size = PLT_ENTRY, .func = true };
	uint8_t raw[sizeof(Elf64_Sym)];
	Elf64_Sym s;
	int n;

	if (!sym || sym >= dyn->sh->sh_size / dyn->ent ||
	    elf_read(dyn->e, dyn->sh->sh_offset + sym * dyn->ent, raw, dyn->ent))
		return 0;
	sym_at(dyn, raw, &s);
	if (s.st_name >= dyn->str_len)
		return 0;
	n = snprintf(name, sizeof(name), "%.*s@plt", SYM_NAME_MAX - 8, dyn->str + s.st_name);
	in.name = name;
	in.len = (size_t)n;
	return n > 4 ? symtab_add(b, &in) : 0;
}

int elf_add_plt(struct elf_image *e, struct symtab_builder *b)
{
	struct sym_source dyn = { 0 };
	struct plt p = { 0 };
	int r = elf_load_sections(e);

	if (r || !e->is64 || e->eh.e_machine != EM_X86_64 || !plt_find(e, &p))
		return r;
	r = source_open(&dyn, e, &e->sh[p.rela->sh_link], symtab_max_names(b));
	if (!r)
		r = plt_read(e, &p);
	for (size_t i = 0; !r && i < p.n_slots && !b->dropped; i++)
		r = add_slot(&dyn, p.code->sh_addr + i * PLT_ENTRY, slot_symbol(&p, i), b);
	free(dyn.str);
	free(p.relas);
	free(p.slots);
	return r ? r : 1;
}
