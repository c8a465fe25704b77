// SPDX-License-Identifier: GPL-2.0
/*
 * Lines, files and inlined calls of Go code. Values by pc are stored as pairs
 * of steps (zigzag value, pc), from value -1 at the function's beginning, and
 * end with a zero step; PC_VALUE_MAX bounds what a damaged one can cost.
 *
 * An inline tree's nodes are { kind, name, pc of the call inside the function,
 * first line }. The walk goes from the innermost to its caller by that pc, the
 * way the runtime does, and is bounded by the caller's max: a cycle ends there.
 */
#include <string.h>

#include "sym/gosym_int.h"

#define PC_VALUE_MAX	(1U << 20) /* bytes of one table */
#define PCDATA_INLINE	2
#define FUNCDATA_INLINE 3
#define NONE		UINT32_MAX

struct reader {
	const struct gosym *g;
	uint64_t off, read;
	size_t at, n;
	uint8_t buf[512];
};

static bool next_byte(struct reader *r, uint8_t *ret)
{
	if (r->at == r->n) {
		uint64_t left = r->off < r->g->size ? r->g->size - r->off : 0;

		r->n = left < sizeof(r->buf) ? left : sizeof(r->buf);
		r->at = 0;
		if (!r->n || r->read > PC_VALUE_MAX || gosym_read(r->g, r->off, r->buf, r->n))
			return false;
		r->off += r->n;
		r->read += r->n;
	}
	*ret = r->buf[r->at++];
	return true;
}

static bool varint(struct reader *r, uint32_t *ret)
{
	uint8_t b = 0x80;

	*ret = 0;
	for (unsigned int shift = 0; (b & 0x80) && shift < 35; shift += 7) {
		if (!next_byte(r, &b))
			return false;
		if (shift < 32)
			*ret |= (uint32_t)(b & 0x7f) << shift;
	}
	return true;
}

/* Value at pc of the table at `off` of the pc tables, for a function that begins at entry. */
static bool pc_value(const struct gosym *g, uint32_t off, uint64_t entry, uint64_t pc, int32_t *ret)
{
	struct reader r = { .g = g, .off = g->pcs + off };
	uint64_t at = entry;
	uint32_t value = (uint32_t)-1, dv, dpc;
	bool first = true;

	if (!off)
		return false;
	while (varint(&r, &dv) && (dv || first) && varint(&r, &dpc)) {
		value += (dv >> 1) ^ -(dv & 1);
		at += dpc; /* x86: steps of one byte */
		if (pc < at) {
			*ret = (int32_t)value;
			return true;
		}
		first = false;
	}
	return false;
}

struct func {
	const struct gosym *g;
	uint64_t entry, at; /* address; record, offset in the table */
	uint32_t n_pcdata;
	uint8_t n_funcdata;
	bool inlines;
};

/* Is vaddr, by which its caller is looked up, the byte before a function that signals return to? */
static bool is_before_signal_return(const struct gosym *g, uint64_t vaddr, uint64_t pc, uint64_t at)
{
	char name[GOSYM_NAME_MAX];
	uint32_t off;

	if (vaddr + 1 != pc || !gosym_field(g, at, GOSYM_NAME, &off))
		return false;
	gosym_string(g, g->names + off, name);
	return gosym_is_signal_return(name, strlen(name));
}

static bool find_func(const struct gosym *g, uint64_t vaddr, struct func *f)
{
	uint64_t lo = 0, hi = g->n_funcs, pc, at;

	/* the last one that begins at or before vaddr */
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (!gosym_func(g, mid, &pc, &at))
			return false;
		if (pc <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	*f = (struct func){ .g = g };
	if (lo < g->n_funcs && gosym_func(g, lo, &f->entry, &f->at) &&
	    is_before_signal_return(g, vaddr, f->entry, f->at))
		return true;
	return lo && gosym_func(g, lo - 1, &f->entry, &f->at) && gosym_func(g, lo, &pc, &at) &&
	       vaddr < pc;
}

/* What inline trees need; without them there is one frame. */
static void find_inlines(struct func *f)
{
	uint32_t kinds;

	if (f->g->version != GOSYM_1_20 || !f->g->inlines ||
	    !gosym_field(f->g, f->at, GOSYM_N_PCDATA, &f->n_pcdata) ||
	    !gosym_field(f->g, f->at, GOSYM_KINDS, &kinds) || f->n_pcdata > 64)
		return;
	f->n_funcdata = (uint8_t)(kinds >> 24);
	f->inlines = f->n_pcdata > PCDATA_INLINE && f->n_funcdata > FUNCDATA_INLINE;
}

static void file_name(const struct func *f, int32_t number, char out[GOSYM_NAME_MAX])
{
	const struct gosym *g = f->g;
	uint32_t cu, off;
	uint64_t table;

	out[0] = '\0';
	if (number < 0)
		return;
	if (g->version == GOSYM_1_2) {
		/* its place stands behind the functions */
		table = 8 + g->ptr + (g->n_funcs * 2 + 1) * g->ptr;
		if (gosym_u32(g, table, &off) &&
		    gosym_u32(g, off + 4 * (uint64_t)(uint32_t)number, &off))
			gosym_string(g, off, out);
		return;
	}
	if (gosym_field(g, f->at, GOSYM_CU, &cu) && cu != NONE &&
	    gosym_u32(g, g->cus + 4 * ((uint64_t)cu + (uint32_t)number), &off) && off != NONE)
		gosym_string(g, g->files + off, out);
}

static void place(const struct func *f, uint64_t pc, struct gosym_frame *ret)
{
	uint32_t files, lines;
	int32_t v;

	ret->file[0] = '\0';
	ret->line = 0;
	if (!gosym_field(f->g, f->at, GOSYM_PC_FILE, &files) ||
	    !gosym_field(f->g, f->at, GOSYM_PC_LINE, &lines))
		return;
	if (pc_value(f->g, files, f->entry, pc, &v))
		file_name(f, v, ret->file);
	if (ret->file[0] && pc_value(f->g, lines, f->entry, pc, &v) && v > 0)
		ret->line = (uint32_t)v;
}

struct node {
	uint32_t kind, name, parent_pc, start_line;
};

/* The innermost inlined call at pc; false: the function's own code. */
static bool inlined_at(const struct func *f, uint64_t pc, struct node *ret)
{
	uint32_t table, tree;
	int32_t i;
	uint64_t off;

	if (!f->inlines || !gosym_field(f->g, f->at, GOSYM_PCDATA + PCDATA_INLINE, &table) ||
	    !pc_value(f->g, table, f->entry, pc, &i) || i < 0 ||
	    !gosym_field(f->g, f->at, GOSYM_PCDATA + f->n_pcdata + FUNCDATA_INLINE, &tree) ||
	    tree == NONE)
		return false;
	off = f->g->inlines + tree + sizeof(*ret) * (uint64_t)(uint32_t)i;
	return !elf_read(f->g->e, off, ret, sizeof(*ret));
}

int gosym_lookup(const struct gosym *g, uint64_t vaddr, int max, gosym_emit emit, void *arg)
{
	uint64_t pc = vaddr;
	struct gosym_frame frame;
	struct func f;
	struct node in;
	uint32_t v;
	int n = 0;

	if (!find_func(g, vaddr, &f))
		return 0;
	find_inlines(&f);
	while (n + 1 < max && inlined_at(&f, pc, &in)) {
		place(&f, pc, &frame);
		gosym_string(g, g->names + in.name, frame.name);
		frame.start_line = in.start_line;
		frame.inlined = true;
		emit(arg, &frame);
		n++;
		pc = f.entry + in.parent_pc;
	}
	if (!gosym_field(g, f.at, GOSYM_NAME, &v))
		return n;
	place(&f, pc, &frame);
	gosym_string(g, g->names + v, frame.name);
	frame.start_line = 0;
	if (g->version == GOSYM_1_20 && gosym_field(g, f.at, GOSYM_START_LINE, &v))
		frame.start_line = v;
	frame.inlined = false;
	emit(arg, &frame);
	return n + 1;
}
