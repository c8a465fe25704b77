// SPDX-License-Identifier: GPL-2.0
/*
 * Address ranges of DIEs. For the main file libdw reads them. What stands in
 * a split unit refers to sections of the main file (.debug_addr, and before
 * DWARF 5 .debug_ranges) by bases that the skeleton states, and libdw brings
 * the two together only where it has opened the .dwo by itself; so those are
 * read here.
 */
#include <errno.h>
#include <string.h>

#include "sym/dwarf_int.h"

#define MAX_LIST 65536 /* ranges of one DIE that are looked at */

/* bytes of one section, read with checks */
struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static struct reader reader_at(const struct dwarf_image *im, enum dwarf_section sec, uint64_t off)
{
	struct reader r = { 0 };

	if (off > im->at[sec].len) {
		r.bad = true;
		return r;
	}
	r.p = im->bytes + im->at[sec].off + off;
	r.end = im->bytes + im->at[sec].off + im->at[sec].len;
	return r;
}

static uint64_t fixed(struct reader *r, unsigned int n)
{
	uint64_t v = 0;

	if (r->bad || n > 8 || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->p, n); /* little endian, as all files read here */
	r->p += n;
	return v;
}

static uint64_t uleb(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t b = fixed(r, 1);

		v |= (b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static uint64_t address(const struct dwarf_info *d, const struct dwarf_split *s, uint64_t index,
			struct reader *r)
{
	struct reader a;
	uint64_t v;

	if (index > UINT32_MAX) {
		r->bad = true;
		return 0;
	}
	a = reader_at(&d->main.image, DWARF_ADDR, s->addr_base + index * s->addr_size);
	v = fixed(&a, s->addr_size);
	r->bad |= a.bad;
	return v;
}

/* DWARF 5, .debug_rnglists.dwo; 1: an entry with a range, 0: one without, -1 the end */
static int rnglist_entry(const struct dwarf_info *d, const struct dwarf_split *s, struct reader *r,
			 uint64_t *base, uint64_t *lo, uint64_t *hi)
{
	switch (fixed(r, 1)) {
	case DW_RLE_base_addressx:
		*base = address(d, s, uleb(r), r);
		return 0;
	case DW_RLE_base_address:
		*base = fixed(r, s->addr_size);
		return 0;
	case DW_RLE_startx_endx:
		*lo = address(d, s, uleb(r), r);
		*hi = address(d, s, uleb(r), r);
		return 1;
	case DW_RLE_startx_length:
		*lo = address(d, s, uleb(r), r);
		*hi = *lo + uleb(r);
		return 1;
	case DW_RLE_offset_pair:
		*lo = *base + uleb(r);
		*hi = *base + uleb(r);
		return 1;
	case DW_RLE_start_end:
		*lo = fixed(r, s->addr_size);
		*hi = fixed(r, s->addr_size);
		return 1;
	case DW_RLE_start_length:
		*lo = fixed(r, s->addr_size);
		*hi = *lo + uleb(r);
		return 1;
	default:
		return -1;
	}
}

/* DWARF 4, .debug_ranges of the main file */
static int ranges_entry(const struct dwarf_split *s, struct reader *r, uint64_t *base, uint64_t *lo,
			uint64_t *hi)
{
	uint64_t all = s->addr_size == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t a = fixed(r, s->addr_size), b = fixed(r, s->addr_size);

	if (!a && !b)
		return -1;
	if (a == all) {
		*base = b;
		return 0;
	}
	*lo = *base + a;
	*hi = *base + b;
	return 1;
}

static struct reader list_at(const struct dwarf_info *d, const struct dwarf_split *s,
			     const Dwarf_Attribute *attr)
{
	const struct dwarf_image *im = &s->view.image;
	struct reader v = { .p = attr->valp, .end = im->bytes + im->size };
	uint64_t off, header = s->offset_size == 8 ? 20 : 12;

	if (attr->form == DW_FORM_rnglistx) {
		struct reader t = reader_at(im, DWARF_RNGLISTS, header);

		off = uleb(&v);
		if (v.bad || t.bad || off > UINT32_MAX)
			return (struct reader){ .bad = true };
		t = reader_at(im, DWARF_RNGLISTS, header + off * s->offset_size);
		off = header + fixed(&t, s->offset_size);
		return t.bad ? t : reader_at(im, DWARF_RNGLISTS, off);
	}
	off = fixed(&v, attr->form == DW_FORM_data4 ? 4 : s->offset_size);
	if (v.bad)
		return v;
	if (s->version >= 5)
		return reader_at(im, DWARF_RNGLISTS, off);
	return reader_at(&d->main.image, DWARF_RANGES, s->ranges_base + off);
}

static int walk_list(const struct dwarf_info *d, const struct dwarf_unit *u,
		     const Dwarf_Attribute *attr, dwarf_range_fn fn, void *arg)
{
	const struct dwarf_split *s = u->split;
	struct reader r = list_at(d, s, attr);
	uint64_t base = u->low_pc, lo = 0, hi = 0;

	for (int i = 0; i < MAX_LIST && !r.bad; i++) {
		int kind = s->version >= 5 ? rnglist_entry(d, s, &r, &base, &lo, &hi)
					   : ranges_entry(s, &r, &base, &lo, &hi);
		int ret;

		if (r.bad || kind < 0)
			break;
		ret = kind ? fn(arg, lo, hi) : 0;
		if (ret)
			return ret;
	}
	return r.bad ? -EINVAL : 0;
}

static bool address_attr(const struct dwarf_info *d, const struct dwarf_split *s,
			 Dwarf_Attribute *attr, uint64_t *ret)
{
	const struct dwarf_image *im = &s->view.image;
	struct reader v = { .p = attr->valp, .end = im->bytes + im->size };

	switch (attr->form) {
	case DW_FORM_addr:
		*ret = fixed(&v, s->addr_size);
		break;
	case DW_FORM_addrx:
	case DW_FORM_GNU_addr_index:
		*ret = address(d, s, uleb(&v), &v);
		break;
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
		*ret = address(d, s, fixed(&v, attr->form - DW_FORM_addrx1 + 1), &v);
		break;
	default:
		return false;
	}
	return !v.bad;
}

static int split_ranges(const struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die,
			dwarf_range_fn fn, void *arg)
{
	Dwarf_Attribute attr;
	Dwarf_Word size;
	uint64_t lo, hi;

	if (dwarf_attr(die, DW_AT_ranges, &attr))
		return walk_list(d, u, &attr, fn, arg);
	if (!dwarf_attr(die, DW_AT_low_pc, &attr) || !address_attr(d, u->split, &attr, &lo) ||
	    !dwarf_attr(die, DW_AT_high_pc, &attr))
		return 0;
	if (address_attr(d, u->split, &attr, &hi))
		return fn(arg, lo, hi);
	return dwarf_formudata(&attr, &size) ? -EINVAL : fn(arg, lo, lo + size);
}

int dwarf_die_ranges(struct dwarf_info *d, const struct dwarf_unit *u, Dwarf_Die *die,
		     dwarf_range_fn fn, void *arg)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	if (u->split)
		return split_ranges(d, u, die, fn, arg);
	for (int i = 0; i < MAX_LIST; i++) {
		int r;

		at = dwarf_ranges(die, at, &base, &lo, &hi);
		if (at <= 0)
			return at ? -EINVAL : 0;
		r = fn(arg, lo, hi);
		if (r)
			return r;
	}
	return 0;
}
