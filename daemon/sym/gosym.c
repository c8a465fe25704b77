// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of .gopclntab, after src/runtime/symtab.go and
 * src/debug/gosym/pclntab.go of the Go sources: a header with the places of
 * the table's parts, then functions sorted by address, each with a record that
 * leads to its name, and to tables of values by pc (lines: gosym_lines.c).
 *
 * Up to 1.17 functions stand by address, since then by their distance from the
 * start of the text, which 1.26 does not say here any more: the runtime's
 * module data does.
 */
#include "sym/gosym.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/gosym_int.h"

#define MAX_FUNCS  (4U << 20)
#define MAX_DATA   (64U << 20) /* of a section that is searched for the module data */
#define MODULE_MIN 328	       /* bytes of module data that are read */

/* offsets in runtime.moduledata, 64 bit */
#define MODULE_TEXT	  176
#define MODULE_GOFUNC_118 304
#define MODULE_GOFUNC_120 320

int gosym_read(const struct gosym *g, uint64_t off, void *dst, size_t len)
{
	if (off > g->size || len > g->size - off)
		return -EINVAL;
	return elf_read(g->e, g->off + off, dst, len);
}

bool gosym_u32(const struct gosym *g, uint64_t off, uint32_t *ret)
{
	return !gosym_read(g, off, ret, sizeof(*ret));
}

bool gosym_ptr(const struct gosym *g, uint64_t off, uint64_t *ret)
{
	*ret = 0; /* little endian: a shorter one fills the low bytes */
	return !gosym_read(g, off, ret, g->ptr);
}

void gosym_string(const struct gosym *g, uint64_t off, char out[GOSYM_NAME_MAX])
{
	uint64_t left = off < g->size ? g->size - off : 0;
	size_t n = left < GOSYM_NAME_MAX - 1 ? left : GOSYM_NAME_MAX - 1;

	/* most are short: a longer piece is read only where it is needed */
	for (size_t try = 64; try < n; try *= 4) {
		if (gosym_read(g, off, out, try))
			break;
		if (memchr(out, '\0', try))
			return;
	}
	if (gosym_read(g, off, out, n))
		n = 0;
	out[n] = '\0';
}

static size_t entry_size(const struct gosym *g)
{
	return g->version >= GOSYM_1_18 ? 4 : g->ptr;
}

bool gosym_func(const struct gosym *g, uint64_t i, uint64_t *pc, uint64_t *func)
{
	size_t n = entry_size(g);
	uint64_t table = g->version == GOSYM_1_2 ? 8 + g->ptr : g->funcs;
	uint64_t raw[2] = { 0 };

	/* the last one has an address alone, where the last function ends */
	if (i > g->n_funcs || gosym_read(g, table + i * 2 * n, &raw[0], n) ||
	    (i < g->n_funcs && gosym_read(g, table + (i * 2 + 1) * n, &raw[1], n)))
		return false;
	*pc = raw[0] + (g->version >= GOSYM_1_18 ? g->text : 0);
	*func = raw[1] + g->funcs;
	return true;
}

bool gosym_field(const struct gosym *g, uint64_t func, unsigned int field, uint32_t *ret)
{
	uint64_t entry = g->version >= GOSYM_1_18 ? 4 : g->ptr;

	return gosym_u32(g, func + entry + 4 * (uint64_t)field, ret);
}

/* The pointers of the header behind `skip` counts and addresses. */
static bool read_parts(struct gosym *g, unsigned int skip)
{
	uint64_t *const parts[] = { &g->names, &g->cus, &g->files, &g->pcs, &g->funcs };

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
		if (!gosym_ptr(g, 8 + (uint64_t)(skip + i) * g->ptr, parts[i]) ||
		    *parts[i] > g->size)
			return false;
	return true;
}

static bool in_section(const Elf64_Shdr *sh, uint64_t addr)
{
	return sh && addr >= sh->sh_addr && addr - sh->sh_addr < sh->sh_size;
}

/* File offset of a mapped address, 0: none. */
static uint64_t offset_of(const struct elf_image *e, uint64_t addr)
{
	for (size_t i = 0; i < e->n_ph; i++)
		if (e->ph[i].p_type == PT_LOAD && addr >= e->ph[i].p_vaddr &&
		    addr - e->ph[i].p_vaddr < e->ph[i].p_filesz)
			return e->ph[i].p_offset + (addr - e->ph[i].p_vaddr);
	return 0;
}

/* Where the module data lies in a section: it begins with where this table and its names are. */
static uint64_t search_module(const struct gosym *g, const Elf64_Shdr *sh)
{
	const uint64_t want[2] = { g->addr, g->addr + g->names };
	cleanup_free uint8_t *data = NULL;

	if (!sh || sh->sh_type == SHT_NOBITS)
		return 0;
	data = elf_dup(g->e, sh->sh_offset, sh->sh_size, MAX_DATA);
	for (uint64_t i = 0; data && sh->sh_size >= MODULE_MIN && i <= sh->sh_size - MODULE_MIN;
	     i += 8)
		if (!memcmp(data + i, want, sizeof(want)))
			return sh->sh_offset + i;
	return 0;
}

/* Start of the text and base of the inline trees, as the runtime has them. */
static void read_module(struct gosym *g)
{
	static const char *const places[] = { ".go.module", ".noptrdata", ".data" };
	const Elf64_Shdr *text = elf_section(g->e, ".text");
	uint64_t at = 0, v;

	for (unsigned int i = 0; !at && i < ARRAY_SIZE(places); i++)
		at = search_module(g, elf_section(g->e, places[i]));
	if (!at)
		return;
	if (!elf_read(g->e, at + MODULE_TEXT, &v, sizeof(v)) && in_section(text, v))
		g->text = v;
	if (g->version == GOSYM_1_20 && !elf_read(g->e, at + MODULE_GOFUNC_120, &v, sizeof(v)))
		g->inlines = offset_of(g->e, v);
}

static int read_new_header(struct gosym *g)
{
	const Elf64_Shdr *text = elf_section(g->e, ".text");
	uint64_t start;

	if (g->version == GOSYM_1_16)
		return read_parts(g, 2) ? 0 : -EINVAL;
	if (!read_parts(g, 3) || !gosym_ptr(g, 8 + 2 * (uint64_t)g->ptr, &start) || !text)
		return -EINVAL;
	g->text = in_section(text, start) ? start : text->sh_addr;
	if (g->ptr == 8)
		read_module(g);
	return 0;
}

static int read_header(struct gosym *g)
{
	static const uint32_t magics[] = {
		[GOSYM_1_2] = 0xfffffffb,
		[GOSYM_1_16] = 0xfffffffa,
		[GOSYM_1_18] = 0xfffffff0,
		[GOSYM_1_20] = 0xfffffff1,
	};
	uint8_t head[8];
	uint32_t magic;
	unsigned int v = 0;

	if (gosym_read(g, 0, head, sizeof(head)))
		return -EINVAL;
	memcpy(&magic, head, sizeof(magic));
	while (v < ARRAY_SIZE(magics) && magics[v] != magic)
		v++;
	if (v == ARRAY_SIZE(magics) || head[4] || head[5] || (head[7] != 4 && head[7] != 8))
		return -EINVAL;
	g->version = (enum gosym_version)v;
	g->ptr = head[7];
	if (!gosym_ptr(g, 8, &g->n_funcs) || g->n_funcs > MAX_FUNCS ||
	    g->n_funcs * 2 * entry_size(g) > g->size)
		return -EINVAL;
	return v == GOSYM_1_2 ? 0 : read_new_header(g);
}

int gosym_open(struct gosym *g, struct elf_image *e)
{
	const Elf64_Shdr *sh = elf_section(e, ".gopclntab");

	if (!sh)
		sh = elf_section(e, ".data.rel.ro.gopclntab");
	if (!sh)
		return -ENOENT;
	if (sh->sh_type == SHT_NOBITS || sh->sh_offset > e->size ||
	    sh->sh_size > e->size - sh->sh_offset || sh->sh_size > GOSYM_MAX_TABLE)
		return -EINVAL;
	*g = (struct gosym){
		.e = e, .off = sh->sh_offset, .addr = sh->sh_addr, .size = sh->sh_size
	};
	return read_header(g);
}

bool gosym_is_signal_return(const char *name, size_t len)
{
	static const char *const names[] = { "runtime.sigreturn", "runtime.sigreturn__sigaction" };
	static const char abi[] = ".abi0";

	if (len > strlen(abi) && !memcmp(name + len - strlen(abi), abi, strlen(abi)))
		len -= strlen(abi);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (len == strlen(names[i]) && !memcmp(name, names[i], len))
			return true;
	return false;
}

static int add_functions(const struct gosym *g, struct symtab_builder *b)
{
	struct sym_input in = { .bind = SYM_GLOBAL, .func = true };
	char name[GOSYM_NAME_MAX];
	uint64_t func, next_func, pc, next;
	uint32_t off;
	int r = 0;

	if (!gosym_func(g, 0, &pc, &func))
		return 0;
	for (uint64_t i = 0; !r && !b->dropped && i < g->n_funcs; i++) {
		if (!gosym_func(g, i + 1, &next, &next_func))
			break;
		if (gosym_field(g, func, GOSYM_NAME, &off) && next > pc) {
			gosym_string(g, g->names + off, name);
			in.name = name;
			in.len = strlen(name);
			in.addr = pc - gosym_is_signal_return(name, in.len);
			in.size = next - in.addr;
			r = symtab_add(b, &in);
		}
		pc = next;
		func = next_func;
	}
	return r ? r : 1;
}

int elf_add_gopclntab(struct elf_image *e, struct symtab_builder *b)
{
	cleanup_free uint8_t *copy = NULL;
	struct elf_image mem = { .fd = -1 };
	struct gosym g;
	int r = elf_load_sections(e);

	if (!r)
		r = gosym_open(&g, e);
	if (r)
		return r == -ENOENT ? 0 : r;
	/* two reads and more for each of 100,000 functions: rather one for all */
	copy = elf_dup(e, g.off, g.size, GOSYM_MAX_TABLE);
	if (!copy)
		return -EIO; /* truncated, or no memory for this one table */
	mem.mem = copy;
	mem.size = g.size;
	g.e = &mem;
	g.off = 0;
	return add_functions(&g, b);
}
