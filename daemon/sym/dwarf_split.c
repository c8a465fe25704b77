// SPDX-License-Identifier: GPL-2.0
/*
 * Split DWARF: the functions of a unit stand in a .dwo file, or in a .dwp
 * that packs many of them; the main file has a skeleton with the ranges and
 * the line table. Found by the id that both state.
 *
 * The sections lose their ".dwo" in the image, so that libdw takes them for a
 * file of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/dwarf_int.h"

static const char *text_attr(Dwarf_Die *die, unsigned int name, unsigned int gnu_name)
{
	Dwarf_Attribute attr;
	const char *s = NULL;

	if (dwarf_attr(die, name, &attr) || (gnu_name && dwarf_attr(die, gnu_name, &attr)))
		s = dwarf_formstring(&attr);
	return s ? s : "";
}

static uint64_t number_attr(Dwarf_Die *die, unsigned int name, unsigned int gnu_name)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if ((dwarf_attr(die, name, &attr) || dwarf_attr(die, gnu_name, &attr)) &&
	    !dwarf_formudata(&attr, &v))
		return v;
	return 0;
}

/* The unit with that id in the view. */
static bool find_unit(struct dwarf_split *s, uint64_t id)
{
	Dwarf_CU *cu = NULL;
	uint64_t have;
	uint8_t type;

	for (int i = 0; i < 256; i++) {
		if (dwarf_get_units(s->view.dw, cu, &cu, &s->version, &type, &s->die, NULL))
			return false;
		if (type == DW_UT_split_compile &&
		    !dwarf_cu_info(cu, NULL, NULL, NULL, NULL, &have, NULL, NULL) && have == id)
			return dwarf_cu_die(cu, &s->die, NULL, NULL, &s->addr_size, &s->offset_size,
					    NULL, NULL) != NULL;
	}
	return false;
}

static int make_image(struct dwarf_info *d, const struct dwarf_unit *u, int fd, uint64_t size,
		      struct dwarf_image *ret)
{
	struct dwarf_source src[DWARF_SECTIONS];
	uint64_t have = dwarf_bytes(d);
	struct elf_image e;
	int r = elf_open_fd(&e, fd, size);

	if (r)
		return r;
	r = dwarf_sources(&e, true, src) ? dwarf_package_find(&e, u->id, src) : -ENOENT;
	/* file names only; libdw makes fifty bytes of one in a hostile one */
	if (!r && src[DWARF_LINE].size > DWARF_MAX_LINE_BYTES)
		memset(&src[DWARF_LINE], 0, sizeof(src[DWARF_LINE]));
	if (!r)
		r = have < d->in.max_bytes ? dwarf_image_make(src, d->in.max_bytes - have, ret)
					   : -EFBIG;
	elf_close(&e);
	return r;
}

static struct dwarf_split *open_fd(struct dwarf_info *d, struct dwarf_unit *u, int fd,
				   uint64_t size)
{
	struct dwarf_split *s = calloc(1, sizeof(*s));
	struct dwarf_image im;

	if (!s || make_image(d, u, fd, size, &im)) {
		free(s);
		return NULL;
	}
	if (dwarf_view_open(&s->view, &im) || !find_unit(s, u->id) ||
	    (s->addr_size != 4 && s->addr_size != 8)) {
		dwarf_split_close(s);
		return NULL;
	}
	d->extra += s->view.image.size + sizeof(*s);
	return s;
}

void dwarf_split_open(struct dwarf_info *d, struct dwarf_unit *u)
{
	cleanup_close int fd = -1;
	uint64_t size;
	Dwarf_Die die;

	if (!u->id || u->split_tried)
		return;
	u->split_tried = true;
	if (!d->in.open_split || d->n_splits >= DWARF_MAX_SPLITS ||
	    !dwarf_offdie(d->main.dw, u->die, &die))
		return;
	fd = d->in.open_split(d->in.arg, text_attr(&die, DW_AT_comp_dir, 0),
			      text_attr(&die, DW_AT_dwo_name, DW_AT_GNU_dwo_name), &size);
	if (fd < 0)
		return;
	u->split = open_fd(d, u, fd, size);
	if (!u->split)
		return;
	d->n_splits++;
	u->split->addr_base = number_attr(&die, DW_AT_addr_base, DW_AT_GNU_addr_base);
	u->split->ranges_base = number_attr(&die, DW_AT_GNU_ranges_base, DW_AT_GNU_ranges_base);
}

void dwarf_split_close(struct dwarf_split *s)
{
	if (!s)
		return;
	dwarf_view_close(&s->view);
	free(s);
}
