// SPDX-License-Identifier: GPL-2.0
/*
 * .eh_frame and .debug_frame: their entries, one after the other.
 *
 * Every entry is read once, front to back, and a function's program run once,
 * so the work is the bytes there are; only common information (CIE) is read
 * again when the small cache has lost it, which is held against a limit, as a
 * file can make that happen on purpose.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "unwind/rows_cfi.h"

#define CIE_CACHE 256

struct cfi_section {
	struct rows_builder *b;
	const uint8_t *data;
	size_t len;
	uint64_t vaddr;
	bool eh;
	uint64_t cie_work, max_cie_work; /* bytes of CIEs read */
	struct cfi_cie cache[CIE_CACHE];
};

/* an entry without its length: [id field, next entry) */
struct cfi_entry {
	uint64_t off;	 /* of the length field */
	uint64_t id_off; /* of the id field */
	uint64_t id;
	size_t id_size;
	struct cursor c; /* behind the id */
};

static struct cursor section_at(const struct cfi_section *s, uint64_t off)
{
	return (struct cursor){ s->data + off, s->data + s->len, false };
}

/* 1, 0 an empty entry, -EINVAL the rest cannot be read; *next is set but then. */
static int read_entry(const struct cfi_section *s, uint64_t off, struct cfi_entry *e,
		      uint64_t *next)
{
	struct cursor c = section_at(s, off);
	uint64_t len = cursor_uint(&c, 4);
	bool wide = len == 0xffffffff;
	const uint8_t *p;

	if (wide)
		len = cursor_uint(&c, 8);
	p = c.p;
	if (c.bad || !cursor_take(&c, len))
		return -EINVAL;
	*next = (uint64_t)(c.p - s->data);
	if (!len)
		return 0;
	e->off = off;
	e->id_off = (uint64_t)(p - s->data);
	e->c = (struct cursor){ p, c.p, false };
	e->id_size = wide && !s->eh ? 8 : 4;
	e->id = cursor_uint(&e->c, e->id_size);
	return e->c.bad ? 0 : 1;
}

static bool is_cie(const struct cfi_section *s, const struct cfi_entry *e)
{
	if (s->eh)
		return e->id == 0;
	return e->id == (e->id_size == 8 ? UINT64_MAX : UINT32_MAX);
}

/* An address of encoding enc at c, of section bytes; sets bad for what has no meaning here. */
static uint64_t encoded(const struct cfi_section *s, struct cursor *c, uint8_t enc)
{
	uint64_t at = s->vaddr + (uint64_t)(c->p - s->data), v;

	switch (enc & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		v = cursor_uint(c, 8);
		break;
	case DW_EH_PE_udata2:
		v = cursor_uint(c, 2);
		break;
	case DW_EH_PE_udata4:
		v = cursor_uint(c, 4);
		break;
	case DW_EH_PE_sdata2:
		v = (uint64_t)(int16_t)cursor_uint(c, 2);
		break;
	case DW_EH_PE_sdata4:
		v = (uint64_t)(int32_t)cursor_uint(c, 4);
		break;
	case DW_EH_PE_uleb128:
		v = cursor_uleb(c);
		break;
	case DW_EH_PE_sleb128:
		v = (uint64_t)cursor_sleb(c);
		break;
	default:
		c->bad = true;
		return 0;
	}
	switch (enc & 0xf0) {
	case DW_EH_PE_absptr:
		return v;
	case DW_EH_PE_pcrel:
		return v + at;
	default: /* relative to what only a runtime knows, or indirect */
		c->bad = true;
		return 0;
	}
}

struct set_loc_arg {
	const struct cfi_section *s;
	uint8_t enc;
};

static uint64_t set_loc_pointer(struct cursor *c, void *arg)
{
	const struct set_loc_arg *a = arg;

	return encoded(a->s, c, a->enc);
}

/* The personality's address is of no interest, its length is. */
static void skip_personality(struct cursor *c)
{
	static const uint8_t size[16] = { 8, 0, 2, 4, 8, 0, 0, 0, 8, 0, 2, 4, 8, 0, 0, 0 };
	uint8_t enc = cursor_u8(c), form = enc & 0x0f;

	if (enc == DW_EH_PE_omit)
		return;
	if (form == DW_EH_PE_uleb128 || form == DW_EH_PE_sleb128)
		cursor_uleb(c);
	else if (!size[form] || enc == DW_EH_PE_aligned)
		c->bad = true;
	else
		cursor_take(c, size[form]);
}

/* What 'z' announced: its length and, by the letters, what is in there. */
static void read_augmentation(struct cfi_cie *cie, const char *letters, struct cursor *c)
{
	uint64_t n = cursor_uleb(c);
	const uint8_t *p = cursor_take(c, n);
	struct cursor data = { p, p ? p + n : NULL, !p };

	cie->has_augmentation = true;
	for (; *letters && !data.bad; letters++) {
		switch (*letters) {
		case 'R':
			cie->pointers = cursor_u8(&data);
			break;
		case 'P':
			skip_personality(&data);
			break;
		case 'L':
			cursor_u8(&data);
			break;
		case 'S':
			cie->signal = true;
			break;
		case 'B': /* arm64's: nothing to read */
			break;
		default: /* the length says where what follows is */
			return;
		}
	}
	c->bad |= data.bad;
}

/* Up to the instructions. false: a version or augmentation that nobody writes. */
static bool read_cie_head(const struct cfi_section *s, struct cfi_cie *cie, struct cursor *c)
{
	uint8_t version = cursor_u8(c);
	const char *aug = (const char *)c->p;
	const uint8_t *nul = memchr(c->p, 0, cursor_left(c));
	uint64_t ra;

	if (!nul || !(version == 1 || version == 3 || (version == 4 && !s->eh)))
		return false;
	c->p = nul + 1;
	if (version == 4 && (cursor_u8(c) != 8 || cursor_u8(c) != 0))
		return false; /* other addresses than ours, or segments */
	cie->code_align = cursor_uleb(c);
	cie->data_align = cursor_sleb(c);
	ra = version == 1 ? cursor_u8(c) : cursor_uleb(c);
	if (*aug == 'z')
		read_augmentation(cie, aug + 1, c);
	else if (!strcmp(aug, "S")) /* .debug_frame, where no data comes with it */
		cie->signal = true;
	else if (*aug)
		return false;
	return !c->bad && ra == ROWS_REG_RA && cie->code_align;
}

static bool read_cie(struct cfi_section *s, uint64_t off, struct cfi_cie *cie)
{
	struct set_loc_arg arg = { .s = s };
	struct cfi_program p = { .cie = cie };
	struct cfi_entry e;
	uint64_t next;

	memset(cie, 0, sizeof(*cie));
	cie->off = off;
	if (off >= s->len || read_entry(s, off, &e, &next) != 1 || !is_cie(s, &e))
		return false;
	s->cie_work += next - off;
	if (!read_cie_head(s, cie, &e.c))
		return false;
	arg.enc = cie->pointers;
	p.code = e.c;
	p.arg = &arg;
	return cfi_run(&p, &cie->init, NULL) == 0;
}

static const struct cfi_cie *find_cie(struct cfi_section *s, uint64_t off)
{
	struct cfi_cie *cie = &s->cache[off * 0x9e3779b97f4a7c15ULL >> 56];

	/* offset 0 is a real one: an empty slot has code_align 0 */
	if (cie->off != off || (!cie->ok && !cie->code_align))
		cie->ok = read_cie(s, off, cie);
	return cie->ok ? cie : NULL;
}

/* The CIE that an FDE names; .eh_frame counts back from the field itself. */
static const struct cfi_cie *cie_of(struct cfi_section *s, const struct cfi_entry *e)
{
	if (s->eh)
		return e->id <= e->id_off ? find_cie(s, e->id_off - e->id) : NULL;
	return find_cie(s, e->id);
}

/* 0 also for one that is left out; -errno ends the whole. */
static int add_fde(struct cfi_section *s, struct cfi_entry *e)
{
	const struct cfi_cie *cie = cie_of(s, e);
	struct set_loc_arg arg = { .s = s };
	struct cfi_program p = { .cie = cie, .pointer = set_loc_pointer, .arg = &arg };
	struct cfi_state state;
	int r;

	if (s->cie_work > s->max_cie_work)
		return -E2BIG;
	if (!cie)
		return -EINVAL;
	arg.enc = cie->pointers;
	p.start = encoded(s, &e->c, cie->pointers);
	/* a length, in the same form but from nowhere */
	p.end = p.start + encoded(s, &e->c, cie->pointers & 0x0f);
	if (cie->has_augmentation)
		cursor_take(&e->c, cursor_uleb(&e->c));
	if (e->c.bad)
		return -EINVAL;
	if (p.end == p.start)
		return 0;
	r = rows_begin(s->b, p.start, p.end);
	if (r)
		return r;
	p.code = e->c;
	state = cie->init;
	r = cfi_run(&p, &state, s->b);
	if (r)
		rows_abandon(s->b);
	return r;
}

static int add_entries(struct cfi_section *s)
{
	struct cfi_entry e;
	uint64_t off = 0;

	while (off + 4 <= s->len) {
		int r = read_entry(s, off, &e, &off);

		if (r < 0) {
			s->b->n_bad_fdes++; /* at least one, and all behind it */
			break;
		}
		if (!r || is_cie(s, &e))
			continue;
		s->b->n_fdes++;
		r = add_fde(s, &e);
		if (r == -EINVAL)
			s->b->n_bad_fdes++;
		else if (r)
			return r;
	}
	return 0;
}

static int add_section(struct rows_builder *b, const char *name, bool eh)
{
	cleanup_free struct cfi_section *s = calloc(1, sizeof(*s));
	cleanup_free uint8_t *data = NULL;
	size_t before = b->n_spans;
	int r;

	if (!s)
		return -ENOMEM;
	s->b = b;
	s->eh = eh;
	r = eh ? rows_eh_frame(b, &data, &s->vaddr, &s->len)
	       : rows_section(b, name, &data, &s->vaddr, &s->len);
	if (r <= 0)
		return r;
	s->data = data;
	s->max_cie_work = 8 * (uint64_t)s->len + 65536;
	r = add_entries(s);
	if (!r)
		r = b->n_spans > before;
	return r;
}

int rows_add_eh_frame(struct rows_builder *b)
{
	return add_section(b, ".eh_frame", true);
}

int rows_add_debug_frame(struct rows_builder *b)
{
	return add_section(b, ".debug_frame", false);
}
