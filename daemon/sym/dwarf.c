// SPDX-License-Identifier: GPL-2.0
/*
 * Opening of debug information and the lookup of an address; see dwarf.h.
 *
 * Nothing is read ahead but the units' address ranges: functions and line
 * table of a unit are read when an address in it is asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "sym/dwarf_int.h"

#define ABBREV_FACTOR 16 /* libdw's memory for a byte of .debug_abbrev, at most */

/*
 * libdw's handler for missing memory must not return, its default ends the
 * program. Every call into libdw below runs under guarded(), which is where
 * the handler goes.
 */
static __thread jmp_buf *no_memory;

static void __attribute__((noreturn)) leave_libdw(void)
{
	if (!no_memory)
		abort(); /* a call outside of guarded(): a bug of ours */
	longjmp(*no_memory, 1);
}

/* setjmp alone in its frame: no local of the caller can be clobbered */
static int guarded(int (*fn)(void *arg), void *arg)
{
	jmp_buf here;
	int r;

	if (setjmp(here)) {
		no_memory = NULL;
		return -ENOMEM;
	}
	no_memory = &here;
	r = fn(arg);
	no_memory = NULL;
	return r;
}

int dwarf_view_open(struct dwarf_view *v, struct dwarf_image *im)
{
	v->image = *im;
	memset(im, 0, sizeof(*im));
	elf_version(EV_CURRENT);
	v->elf = elf_memory((char *)v->image.bytes, v->image.size);
	if (!v->elf)
		return -EINVAL;
	v->dw = dwarf_begin_elf(v->elf, DWARF_C_READ, NULL);
	if (!v->dw)
		return -EINVAL;
	dwarf_new_oom_handler(v->dw, leave_libdw);
	return 0;
}

void dwarf_view_close(struct dwarf_view *v)
{
	if (v->dw)
		dwarf_end(v->dw);
	if (v->elf)
		elf_end(v->elf);
	dwarf_image_free(&v->image);
	memset(v, 0, sizeof(*v));
}

static int open_view(struct dwarf_info *d, struct dwarf_view *v, int fd, uint64_t size)
{
	struct dwarf_source src[DWARF_SECTIONS];
	struct dwarf_image im = { 0 };
	uint64_t have = dwarf_bytes(d);
	struct elf_image e;
	int r = elf_open_fd(&e, fd, size);

	if (r)
		return r;
	r = -ENOENT;
	if (dwarf_sources(&e, false, src))
		r = have < d->in.max_bytes ? dwarf_image_make(src, d->in.max_bytes - have, &im)
					   : -EFBIG;
	elf_close(&e);
	if (r)
		return r;
	d->extra += im.at[DWARF_ABBREV].len * ABBREV_FACTOR;
	return dwarf_view_open(v, &im);
}

static int open_all(void *arg)
{
	struct dwarf_info *d = arg;
	int r = open_view(d, &d->main, d->in.fd, d->in.size);

	if (r)
		return r;
	/* without it the names that are kept there are missing, no more */
	if (d->in.alt_fd >= 0 && !open_view(d, &d->alt, d->in.alt_fd, d->in.alt_size))
		dwarf_setalt(d->main.dw, d->alt.dw);
	d->dies_left = DWARF_MAX_DIES;
	return dwarf_index_units(d);
}

int dwarf_open(struct dwarf_info **ret, const struct dwarf_input *in)
{
	struct dwarf_info *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->in = *in;
	r = guarded(open_all, d);
	d->in.fd = d->in.alt_fd = -1;
	if (!r && dwarf_bytes(d) > d->in.max_bytes)
		r = -EFBIG;
	if (r)
		dwarf_close(d);
	else
		*ret = d;
	return r;
}

void dwarf_close(struct dwarf_info *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_units; i++) {
		free(d->units[i].funcs.r);
		dwarf_split_close(d->units[i].split);
	}
	free(d->units);
	free(d->by_addr.r);
	/* the first one refers to the second */
	dwarf_view_close(&d->main);
	dwarf_view_close(&d->alt);
	free(d);
}

uint64_t dwarf_bytes(const struct dwarf_info *d)
{
	return sizeof(*d) + d->main.image.size + d->alt.image.size + d->extra +
	       d->cap_units * sizeof(*d->units) + d->by_addr.cap * sizeof(*d->by_addr.r);
}

struct lookup {
	struct dwarf_info *d;
	uint64_t pc;
	dwarf_emit emit;
	void *arg;
	char file[PATH_MAX];
};

/*
 * Innermost first. The row of the line table is where the innermost one is;
 * each other one is where the next inner one was inlined.
 */
static int emit_chain(struct lookup *l, struct dwarf_unit *u, Dwarf_Die *chain, int n)
{
	struct dwarf_frame f = { .file = l->file };

	l->file[0] = '\0';
	dwarf_line_at(l->d, u, l->pc, l->file, &f.line);
	for (int i = n - 1; i >= 0; i--) {
		f.name = dwarf_die_name(&chain[i]);
		f.decl_line = dwarf_die_number(&chain[i], DW_AT_decl_line, true);
		f.inlined = i > 0;
		l->emit(l->arg, &f);
		if (!i)
			break;
		dwarf_file_name(l->d, u, dwarf_die_number(&chain[i], DW_AT_call_file, false),
				l->file);
		f.line = dwarf_die_number(&chain[i], DW_AT_call_line, false);
	}
	return n;
}

/* Code that no function is told of (assembly): a line alone is much already. */
static int emit_line(struct lookup *l, struct dwarf_unit *u)
{
	struct dwarf_frame f = { .name = "", .file = l->file };

	l->file[0] = '\0';
	if (!dwarf_line_at(l->d, u, l->pc, l->file, &f.line))
		return 0;
	l->emit(l->arg, &f);
	return 1;
}

static int lookup(void *arg)
{
	struct lookup *l = arg;
	struct dwarf_info *d = l->d;
	const struct dwarf_range *r = dwarf_ranges_find(&d->by_addr, l->pc);
	Dwarf_Die chain[DWARF_MAX_FRAMES];
	struct dwarf_unit *u;
	int n;

	if (!r)
		return 0;
	u = &d->units[r->at];
	n = dwarf_scope_chain(d, u, l->pc, chain, DWARF_MAX_FRAMES);
	if (n < 0)
		return n;
	return n ? emit_chain(l, u, chain, n) : emit_line(l, u);
}

int dwarf_lookup(struct dwarf_info *d, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	cleanup_free struct lookup *l = malloc(sizeof(*l));
	int r;

	if (!l || d->broken)
		return -ENOMEM;
	l->d = d;
	l->pc = vaddr;
	l->emit = emit;
	l->arg = arg;
	d->dies_left = DWARF_MAX_DIES;
	r = guarded(lookup, l);
	if (r == -ENOMEM)
		d->broken = true;
	return r;
}
