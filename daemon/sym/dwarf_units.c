// SPDX-License-Identifier: GPL-2.0
/*
 * Two sorted arrays of address ranges: units of the file, made when it is
 * opened, and functions of a unit, made when the unit is first needed.
 *
 * Our own, as .debug_aranges is missing where clang compiled and wrong where
 * a linker dropped sections, and libdw's search for a function is a walk over
 * the whole unit each time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sym/dwarf_int.h"

#define FIND_BACK 64 /* ranges looked at that begin before the last one below pc */

int dwarf_ranges_add(struct dwarf_info *d, struct dwarf_ranges *t, const struct dwarf_range *r)
{
	size_t before = t->cap;
	struct dwarf_range *p;

	/* sections that the linker dropped stand at 0 (or 1 in .debug_ranges) */
	if (r->lo >= r->hi || r->lo <= 1)
		return 0;
	if (t->n >= DWARF_MAX_RANGES)
		return -EFBIG;
	p = array_room(t->r, &t->cap, t->n + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	t->r = p;
	p[t->n++] = *r;
	if (t != &d->by_addr)
		d->extra += (t->cap - before) * sizeof(*p);
	return 0;
}

/* equal beginnings: the wider one first, so that the search from behind meets the narrow one */
static int compare(const void *pa, const void *pb)
{
	const struct dwarf_range *a = pa, *b = pb;

	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi > b->hi ? -1 : 1;
	return a->at > b->at ? -1 : a->at < b->at;
}

void dwarf_ranges_sort(struct dwarf_ranges *t)
{
	if (t->n)
		qsort(t->r, t->n, sizeof(*t->r), compare);
}

const struct dwarf_range *dwarf_ranges_find(const struct dwarf_ranges *t, uint64_t pc)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->r[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t back = 0; back < FIND_BACK && lo > back; back++)
		if (pc < t->r[lo - back - 1].hi)
			return &t->r[lo - back - 1];
	return NULL;
}

struct adding {
	struct dwarf_info *d;
	struct dwarf_ranges *to;
	uint64_t at;
};

static int add_range(void *arg, uint64_t lo, uint64_t hi)
{
	struct adding *a = arg;
	struct dwarf_range r = { lo, hi, a->at };

	return dwarf_ranges_add(a->d, a->to, &r);
}

static int add_unit(struct dwarf_info *d, Dwarf_Die *die, uint64_t id)
{
	struct adding a = { d, &d->by_addr, d->n_units };
	struct dwarf_unit *u;
	Dwarf_Addr low = 0;

	if (d->n_units >= DWARF_MAX_UNITS)
		return -EFBIG;
	u = array_room(d->units, &d->cap_units, d->n_units + 1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	d->units = u;
	u += d->n_units++;
	memset(u, 0, sizeof(*u));
	u->die = dwarf_dieoffset(die);
	u->id = id;
	if (!dwarf_lowpc(die, &low))
		u->low_pc = low;
	return dwarf_die_ranges(d, u, die, add_range, &a);
}

int dwarf_index_units(struct dwarf_info *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint64_t id;
	uint8_t type;
	int r = 0;

	/* no split DIE is asked for: libdw would open files to find it */
	while (!r && !dwarf_get_units(d->main.dw, cu, &cu, NULL, &type, &die, NULL)) {
		if (!dwarf_work(d))
			return -EFBIG;
		id = 0;
		if (type == DW_UT_skeleton)
			dwarf_cu_info(cu, NULL, NULL, NULL, NULL, &id, NULL, NULL);
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			r = add_unit(d, &die, id);
		/* a damaged range list is that unit's own misfortune */
		if (r == -EINVAL)
			r = 0;
	}
	dwarf_ranges_sort(&d->by_addr);
	return r;
}

bool dwarf_unit_die(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *ret)
{
	if (u->split) {
		*ret = u->split->die;
		return true;
	}
	return dwarf_offdie(d->main.dw, u->die, ret) != NULL;
}

static int add_function(struct dwarf_info *d, struct dwarf_unit *u, Dwarf_Die *die)
{
	struct adding a = { d, &u->funcs, dwarf_dieoffset(die) };
	int r = dwarf_die_ranges(d, u, die, add_range, &a);

	return r == -EINVAL ? 0 : r;
}

/* Can functions with code of their own stand below such a DIE? */
static bool holds_functions(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type: /* Rust */
	case DW_TAG_interface_type:
	case DW_TAG_subprogram: /* nested functions */
	case DW_TAG_lexical_block:
		return true;
	default:
		return false;
	}
}

/* All DIEs below the unit's in order, without recursion. */
static int walk_functions(struct dwarf_info *d, struct dwarf_unit *u, Dwarf_Die *path)
{
	int depth = 1, r = dwarf_child(&path[0], &path[1]);

	if (r)
		return r < 0 ? -EINVAL : 0;
	while (depth > 0) {
		int tag = dwarf_tag(&path[depth]);

		if (!dwarf_work(d))
			return -EFBIG;
		if (tag == DW_TAG_subprogram)
			r = add_function(d, u, &path[depth]);
		if (r < 0)
			return r;
		if (holds_functions(tag) && depth + 1 < DWARF_MAX_DEPTH &&
		    !dwarf_child(&path[depth], &path[depth + 1])) {
			depth++;
			continue;
		}
		while (depth > 0 && dwarf_siblingof(&path[depth], &path[depth]))
			depth--;
	}
	return 0;
}

int dwarf_index_functions(struct dwarf_info *d, struct dwarf_unit *u)
{
	Dwarf_Die path[DWARF_MAX_DEPTH];
	int r = 0;

	if (u->indexed)
		return 0;
	dwarf_split_open(d, u);
	if (dwarf_unit_die(d, u, &path[0]))
		r = walk_functions(d, u, path);
	/* what was found up to the damage is right; the rest has no inlined functions */
	if (r != -ENOMEM)
		r = 0;
	u->indexed = !r;
	dwarf_ranges_sort(&u->funcs);
	return r;
}
