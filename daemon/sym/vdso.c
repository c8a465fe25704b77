// SPDX-License-Identifier: GPL-2.0
/*
 * Our own vDSO as an ELF image in memory. Its size stands nowhere but in
 * /proc/self/maps; it is taken from there, as the section headers at its end
 * must not be read past the mapping.
 */
#include "sym/vdso.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/cleanup.h"
#include "sym/elf_image.h"

static size_t vdso_size(uint64_t start)
{
	cleanup_fclose FILE *f = fopen("/proc/self/maps", "re");
	uint64_t from, to;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 && from == start)
			return to - from;
	return 0;
}

int vdso_read(struct symtab *ret, uint64_t *vaddr)
{
	uint64_t start = getauxval(AT_SYSINFO_EHDR);
	size_t size = start ? vdso_size(start) : 0;
	struct symtab_builder b = { 0 };
	struct elf_image e;
	int r;

	if (!size)
		return -ENOENT;
	r = elf_open_mem(&e, (const void *)(uintptr_t)start, size);
	if (r)
		return r;
	*vaddr = 0;
	for (size_t i = 0; i < e.n_ph; i++)
		if (e.ph[i].p_type == PT_LOAD && e.ph[i].p_offset == 0)
			*vaddr = e.ph[i].p_vaddr;
	r = elf_add_dynsym(&e, &b);
	elf_close(&e);
	if (r < 0) {
		symtab_builder_free(&b);
		return r;
	}
	return symtab_finish(&b, ret);
}
