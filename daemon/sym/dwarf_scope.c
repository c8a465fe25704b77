// SPDX-License-Identifier: GPL-2.0
/*
 * From an address to the functions around it, and what they are called.
 *
 * dwarf_attr_integrate, dwarf_diename and what is built on them are not used:
 * for a skeleton unit they open the .dwo file that it names, and a reference
 * in hostile data may lead to one.
 */
#include <errno.h>
#include <string.h>

#include "sym/dwarf_int.h"

#define MAX_ORIGINS 16

Dwarf_Attribute *dwarf_attr_origin(Dwarf_Die *die, unsigned int name, Dwarf_Attribute *room)
{
	Dwarf_Attribute link;
	Dwarf_Die at = *die, next;

	for (int i = 0; i < MAX_ORIGINS; i++) {
		if (dwarf_attr(&at, name, room))
			return room;
		if (!dwarf_attr(&at, DW_AT_abstract_origin, &link) &&
		    !dwarf_attr(&at, DW_AT_specification, &link))
			return NULL;
		if (!dwarf_formref_die(&link, &next))
			return NULL;
		at = next;
	}
	return NULL;
}

const char *dwarf_die_name(Dwarf_Die *die)
{
	static const unsigned int names[] = { DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					      DW_AT_name };
	Dwarf_Attribute room;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		Dwarf_Attribute *a = dwarf_attr_origin(die, names[i], &room);
		const char *s = a ? dwarf_formstring(a) : NULL;

		if (s && *s)
			return s;
	}
	return "";
}

uint32_t dwarf_die_number(Dwarf_Die *die, unsigned int name, bool origin)
{
	Dwarf_Attribute room, *a;
	Dwarf_Word v;

	a = origin ? dwarf_attr_origin(die, name, &room) : dwarf_attr(die, name, &room);
	return a && !dwarf_formudata(a, &v) && v <= INT32_MAX ? (uint32_t)v : 0;
}

struct covers {
	uint64_t pc;
};

static int in_range(void *arg, uint64_t lo, uint64_t hi)
{
	const struct covers *c = arg;

	return c->pc >= lo && c->pc < hi;
}

int dwarf_die_covers(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die, uint64_t pc)
{
	struct covers c = { pc };

	return dwarf_die_ranges(d, u, die, in_range, &c);
}

/* The first scope below `in` that covers pc; 1 found, 0 none, -errno. */
static int inner_scope(struct dwarf_info *d, struct dwarf_unit *u, Dwarf_Die *in, uint64_t pc)
{
	Dwarf_Die die;
	int r = dwarf_child(in, &die);

	while (!r) {
		int tag = dwarf_tag(&die);

		if (!dwarf_work(d))
			return -EFBIG;
		if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) {
			r = dwarf_die_covers(d, u, &die, pc);
			if (r > 0) {
				*in = die;
				return 1;
			}
			if (r < 0 && r != -EINVAL)
				return r;
		}
		r = dwarf_siblingof(&die, &die);
	}
	return r < 0 ? -EINVAL : 0;
}

int dwarf_scope_chain(struct dwarf_info *d, struct dwarf_unit *u, uint64_t pc, Dwarf_Die *chain,
		      int max)
{
	const struct dwarf_range *f;
	Dwarf_Die at, unit;
	int n = 0, r = dwarf_index_functions(d, u);

	if (r)
		return r;
	f = dwarf_ranges_find(&u->funcs, pc);
	if (!f || !dwarf_unit_die(d, u, &unit) ||
	    !dwarf_offdie(u->split ? u->split->view.dw : d->main.dw, f->at, &at))
		return 0;
	chain[n++] = at;
	for (int depth = 0; depth < DWARF_MAX_DEPTH; depth++) {
		r = inner_scope(d, u, &at, pc);
		if (r < 0 && r != -EINVAL)
			return r;
		if (r <= 0)
			break;
		if (dwarf_tag(&at) != DW_TAG_inlined_subroutine)
			continue;
		/* too deep: the innermost ones push each other out */
		chain[n < max ? n++ : max - 1] = at;
	}
	return n;
}
