// SPDX-License-Identifier: GPL-2.0
/*
 * .dwp: many .dwo files in one, each section of it a row of pieces, and
 * .debug_cu_index says which pieces belong to the unit with an id. The index
 * is a hash table by id; it is small, and read from front to back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/dwarf_int.h"

#define MAX_INDEX   (64U << 20)
#define MAX_COLUMNS 16

struct index {
	const uint8_t *ids, *rows, *columns, *offsets, *sizes;
	uint32_t n_columns, n_units, n_slots;
	bool v5;
};

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool parse(struct index *x, const uint8_t *p, uint64_t len)
{
	uint64_t tables;

	if (len < 16)
		return false;
	x->v5 = (u32(p) & 0xffff) == 5;
	x->n_columns = u32(p + 4);
	x->n_units = u32(p + 8);
	x->n_slots = u32(p + 12);
	if ((!x->v5 && u32(p) != 2) || x->n_columns > MAX_COLUMNS)
		return false;
	tables = 12ULL * x->n_slots + 4ULL * x->n_columns * (1 + 2ULL * x->n_units);
	if (tables > len - 16)
		return false;
	x->ids = p + 16;
	x->rows = x->ids + 8ULL * x->n_slots;
	x->columns = x->rows + 4ULL * x->n_slots;
	x->offsets = x->columns + 4ULL * x->n_columns;
	x->sizes = x->offsets + 4ULL * x->n_columns * x->n_units;
	return true;
}

/* row of the unit, 1 and up; 0: not there */
static uint32_t find_row(const struct index *x, uint64_t id)
{
	for (uint32_t i = 0; i < x->n_slots; i++) {
		uint32_t row = u32(x->rows + 4ULL * i);
		uint64_t have;

		memcpy(&have, x->ids + 8ULL * i, sizeof(have));
		if (row && row <= x->n_units && have == id)
			return row;
	}
	return 0;
}

static int section_of(const struct index *x, uint32_t column)
{
	switch (u32(x->columns + 4ULL * column)) {
	case 1:
		return DWARF_INFO;
	case 3:
		return DWARF_ABBREV;
	case 4:
		return DWARF_LINE;
	case 6:
		return DWARF_STR_OFFSETS;
	case 8:
		return x->v5 ? DWARF_RNGLISTS : -1;
	default:
		return -1;
	}
}

static int narrow(const struct index *x, uint32_t row, struct dwarf_source src[DWARF_SECTIONS])
{
	for (uint32_t c = 0; c < x->n_columns; c++) {
		uint64_t cell = 4ULL * ((uint64_t)(row - 1) * x->n_columns + c);
		uint64_t off = u32(x->offsets + cell), len = u32(x->sizes + cell);
		int sec = section_of(x, c);

		if (sec < 0 || !src[sec].len)
			continue;
		if (src[sec].packing || off > src[sec].len || len > src[sec].len - off)
			return -EINVAL;
		src[sec].off += off;
		src[sec].len = src[sec].size = len;
	}
	return 0;
}

int dwarf_package_find(struct elf_image *e, uint64_t id, struct dwarf_source src[DWARF_SECTIONS])
{
	const Elf64_Shdr *sh = elf_section(e, ".debug_cu_index");
	cleanup_free uint8_t *p = NULL;
	struct index x;
	uint32_t row;

	if (!sh)
		return 0; /* a plain .dwo: all of it */
	p = elf_dup(e, sh->sh_offset, sh->sh_size, MAX_INDEX);
	if (!p || !parse(&x, p, sh->sh_size))
		return -EINVAL;
	row = find_row(&x, id);
	return row ? narrow(&x, row, src) : -ENOENT;
}
