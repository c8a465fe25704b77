// SPDX-License-Identifier: GPL-2.0
/* Line tables and file names of units; see dwarf.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sym/dwarf_int.h"

#define BYTES_A_LINE 96 /* libdw's memory for a row, with its pointer while sorting */

/*
 * Bytes of the unit's line program by the length it begins with. libdw makes
 * a row of some fifty bytes of each byte of it: it must not see a large one.
 */
static uint64_t program_bytes(const struct dwarf_info *d, Dwarf_Die *die)
{
	const struct dwarf_image *im = &d->main.image;
	Dwarf_Attribute attr;
	Dwarf_Word off;
	uint32_t len32;
	uint64_t len;

	if (!dwarf_attr(die, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &off) ||
	    im->at[DWARF_LINE].len < 12 || off > im->at[DWARF_LINE].len - 12)
		return UINT64_MAX;
	memcpy(&len32, im->bytes + im->at[DWARF_LINE].off + off, sizeof(len32));
	if (len32 != 0xffffffff)
		return len32;
	memcpy(&len, im->bytes + im->at[DWARF_LINE].off + off + 4, sizeof(len));
	return len;
}

static bool unit_die(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die)
{
	return dwarf_offdie(d->main.dw, u->die, die) &&
	       program_bytes(d, die) <= DWARF_MAX_LINE_BYTES;
}

static void read_lines(struct dwarf_info *d, struct dwarf_unit *u)
{
	Dwarf_Die die;

	u->lines_tried = true;
	if (!unit_die(d, u, &die) || dwarf_getsrclines(&die, &u->lines, &u->n_lines)) {
		u->n_lines = 0;
		return;
	}
	d->extra += u->n_lines * BYTES_A_LINE;
}

/* The last row at or before pc; rows are sorted, and sequences end with a row of their own. */
static Dwarf_Line *find_row(const struct dwarf_unit *u, uint64_t pc)
{
	size_t lo = 0, hi = u->n_lines;
	Dwarf_Addr addr;
	Dwarf_Line *row;
	bool end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (dwarf_lineaddr(dwarf_onesrcline(u->lines, mid), &addr))
			return NULL;
		if (addr <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	row = lo ? dwarf_onesrcline(u->lines, lo - 1) : NULL;
	return row && !dwarf_lineendsequence(row, &end) && !end ? row : NULL;
}

/* Relative names are relative to where the compiler ran. A name over PATH_MAX is nobody's. */
static void set_file(Dwarf_Die *unit, const char *src, char *file)
{
	Dwarf_Attribute attr;
	const char *dir = NULL;
	int n;

	if (!src)
		src = "";
	if (*src && *src != '/' && dwarf_attr(unit, DW_AT_comp_dir, &attr))
		dir = dwarf_formstring(&attr);
	n = dir && *dir ? snprintf(file, PATH_MAX, "%s/%s", dir, src)
			: snprintf(file, PATH_MAX, "%s", src);
	if (n >= PATH_MAX)
		file[0] = '\0';
}

bool dwarf_line_at(struct dwarf_info *d, struct dwarf_unit *u, uint64_t pc, char *file,
		   uint32_t *line)
{
	Dwarf_Line *row;
	Dwarf_Die die;
	int number;

	if (!u->lines_tried)
		read_lines(d, u);
	row = find_row(u, pc);
	if (!row || !dwarf_offdie(d->main.dw, u->die, &die))
		return false;
	set_file(&die, dwarf_linesrc(row, NULL, NULL), file);
	*line = !dwarf_lineno(row, &number) && number > 0 ? (uint32_t)number : 0;
	return true;
}

void dwarf_file_name(struct dwarf_info *d, struct dwarf_unit *u, uint32_t number, char *file)
{
	Dwarf_Files *files;
	Dwarf_Die main, die;
	size_t n;

	file[0] = '\0';
	if (!unit_die(d, u, &main))
		return;
	/* gcc gives a split unit a table of file names of its own, clang does not */
	die = u->split && u->split->view.image.at[DWARF_LINE].len ? u->split->die : main;
	if (!dwarf_getsrcfiles(&die, &files, &n) && number < n)
		set_file(&main, dwarf_filesrc(files, number, NULL, NULL), file);
}
