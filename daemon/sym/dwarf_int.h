/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the DWARF reader share.
 *
 *   dwarf.c		opening, the lookup, memory
 *   dwarf_units.c	address -> unit, unit -> functions
 *   dwarf_scope.c	chain of inlined functions, names
 *   dwarf_lines.c	line tables, file names
 *   dwarf_split.c	.dwo and .dwp
 *   dwarf_ranges.c	address ranges of split units
 */
#ifndef RINGPROF_SYM_DWARF_INT_H
#define RINGPROF_SYM_DWARF_INT_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <limits.h>
#include <setjmp.h>

#include "sym/dwarf.h"
#include "sym/dwarf_image.h"

/* one image and libdw's handle on it */
struct dwarf_view {
	struct dwarf_image image;
	Elf *elf;
	Dwarf *dw;
};

struct dwarf_range {
	uint64_t lo, hi;
	uint64_t at; /* unit: its index; function: offset of its DIE */
};

struct dwarf_ranges {
	struct dwarf_range *r; /* sorted by lo once complete */
	size_t n, cap;
};

struct dwarf_unit {
	uint64_t die;	     /* offset of the unit DIE in the main view */
	uint64_t low_pc, id; /* id: of its split part, 0 it has none */
	bool indexed, split_tried, lines_tried;
	struct dwarf_ranges funcs;
	Dwarf_Lines *lines;
	size_t n_lines;
	struct dwarf_split *split; /* where its functions are; NULL: in the unit itself */
};

struct dwarf_info {
	struct dwarf_view main, alt;
	struct dwarf_input in; /* fd -1 after opening */
	struct dwarf_unit *units;
	size_t n_units, cap_units;
	struct dwarf_ranges by_addr;
	uint32_t n_splits;
	uint64_t extra;	    /* estimate of libdw's own memory, and what else grew */
	uint64_t dies_left; /* work of the call that runs */
	bool broken;
};

/* Opens libdw over an image, which it takes over in any case. 0 or -errno. */
int dwarf_view_open(struct dwarf_view *v, struct dwarf_image *im);
void dwarf_view_close(struct dwarf_view *v);

/* 0, -ENOMEM, or -EFBIG past `max` ranges. Empty and wrong ranges are left out. */
int dwarf_ranges_add(struct dwarf_info *d, struct dwarf_ranges *t, const struct dwarf_range *r);
void dwarf_ranges_sort(struct dwarf_ranges *t);
/* The narrowest-beginning range that covers pc, NULL: none. */
const struct dwarf_range *dwarf_ranges_find(const struct dwarf_ranges *t, uint64_t pc);

/* Counts one DIE of work; false: the call has done enough. */
static inline bool dwarf_work(struct dwarf_info *d)
{
	return d->dies_left && d->dies_left--;
}

/* Makes the index of units; 0 or -errno. */
int dwarf_index_units(struct dwarf_info *d);
/* Makes the index of a unit's functions; 0 or -errno. */
int dwarf_index_functions(struct dwarf_info *d, struct dwarf_unit *u);
/* The unit DIE that functions stand below: the split one's if there is one. */
bool dwarf_unit_die(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *ret);

/*
 * Calls fn for each address range of a DIE until it gives non-zero, which is
 * returned; 0 at the end, -errno. Knows split units, libdw alone does not.
 */
typedef int (*dwarf_range_fn)(void *arg, uint64_t lo, uint64_t hi);
int dwarf_die_ranges(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die,
		     dwarf_range_fn fn, void *arg);
/* Is pc in the DIE? 1 yes, 0 no, -errno. */
int dwarf_die_covers(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die, uint64_t pc);

/*
 * The function DIE and the inlined ones around pc, outermost first; the number
 * of them (0 none) or -errno.
 */
int dwarf_scope_chain(struct dwarf_info *d, struct dwarf_unit *u, uint64_t pc, Dwarf_Die *chain,
		      int max);
/* Attribute of a DIE or of what it is an instance of; NULL: none. */
Dwarf_Attribute *dwarf_attr_origin(Dwarf_Die *die, unsigned int name, Dwarf_Attribute *room);
const char *dwarf_die_name(Dwarf_Die *die);
uint32_t dwarf_die_number(Dwarf_Die *die, unsigned int name, bool origin);

/* Line row at pc: true and file (at most PATH_MAX with NUL) and line. */
bool dwarf_line_at(struct dwarf_info *d, struct dwarf_unit *u, uint64_t pc, char *file,
		   uint32_t *line);
/* Name of a file of the unit by its number, "" unknown. */
void dwarf_file_name(struct dwarf_info *d, struct dwarf_unit *u, uint32_t number, char *file);

/* The part of a unit that stands in a .dwo or .dwp. */
struct dwarf_split {
	struct dwarf_view view;
	Dwarf_Die die;			 /* of the unit there */
	uint64_t addr_base, ranges_base; /* in the main image's .debug_addr and .debug_ranges */
	Dwarf_Half version;
	uint8_t addr_size, offset_size;
};

/* Finds and opens the split part of a unit, once. */
void dwarf_split_open(struct dwarf_info *d, struct dwarf_unit *u);
void dwarf_split_close(struct dwarf_split *s); /* NULL is fine */

/*
 * A .dwp: narrows src to the parts of the unit with that id. 0, -ENOENT it is
 * not in there, -EINVAL damaged.
 */
int dwarf_package_find(struct elf_image *e, uint64_t id, struct dwarf_source src[DWARF_SECTIONS]);

#endif
