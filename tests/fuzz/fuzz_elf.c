// SPDX-License-Identifier: GPL-2.0
/*
 * A whole ELF file: headers, sections, notes, symbol tables, stubs of the PLT,
 * the packed table. Whatever it says: the table is sorted, its names end, and
 * a look-up gives a symbol that covers the address.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sym/elf_image.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void see_table(struct symtab *t)
{
	char name[SYM_NAME_MAX];

	for (size_t i = 0; i < t->n; i++) {
		const struct sym *s = &t->syms[i], *found;

		must(!i || t->syms[i - 1].addr < s->addr);
		must(s->name < t->names_len);
		symtab_copy_name(t, s, name);
		must(strlen(name) < sizeof(name));
		found = symtab_find(t, s->addr);
		must(!found || (found->addr <= s->addr && s->addr - found->addr < found->size));
	}
	symtab_find(t, 0);
	symtab_find(t, UINT64_MAX);
}

static void see_identity(struct elf_image *e)
{
	uint8_t id[ELF_MAX_BUILD_ID];
	char name[256];
	uint32_t crc;

	must(elf_build_id(e, id) <= sizeof(id));
	if (elf_debuglink(e, name, sizeof(name), &crc))
		must(strlen(name) < sizeof(name) && !strchr(name, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symtab_builder b = { .limit = 4096, .max_names = 1 << 20 };
	struct symtab t = { 0 };
	struct elf_image e;

	if (elf_open_mem(&e, data, size))
		return 0;
	if (!elf_load_sections(&e)) {
		for (size_t i = 0; i < e.n_sh; i++)
			must(strlen(elf_section_name(&e, &e.sh[i])) <= e.shstr_len);
		see_identity(&e);
		elf_add_symtab(&e, &b);
		elf_add_dynsym(&e, &b);
		elf_add_plt(&e, &b);
		elf_add_debugdata(&e, &b);
	}
	must(b.n <= b.limit);
	if (!symtab_finish(&b, &t)) {
		see_table(&t);
		symtab_index(&t);
		see_table(&t);
	}
	symtab_free(&t);
	symtab_builder_free(&b);
	elf_close(&e);
	return 0;
}
