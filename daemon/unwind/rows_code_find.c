// SPDX-License-Identifier: GPL-2.0
/*
 * Where functions begin that no unwind information tells of: see rows_code.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "unwind/rows_code.h"

#define MAX_FUNCS  (1U << 20)
#define MAX_GAPS   (1U << 20)
#define FREE_SWEPT (1U << 20) /* bytes of code that are read for the calls in them */
#define MAX_SWEPT  16U	      /* and more by what may be found, per byte of that */
#define WORTH_IT   512	      /* bytes without a name; fewer are start files and data */
#define CHUNK	   65536

static int add_gap(struct code_search *c, const Elf64_Shdr *sh, uint64_t start, uint64_t end)
{
	struct code_gap *gaps;

	/* padding up to the next function */
	if (end <= start || (end - start < 16 && !(end & 15)))
		return 0;
	if (c->n_gaps >= MAX_GAPS)
		return -E2BIG;
	gaps = array_room(c->gaps, &c->cap_gaps, c->n_gaps + 1, sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	c->gaps = gaps;
	gaps[c->n_gaps++] = (struct code_gap){ start, end, sh->sh_offset + (start - sh->sh_addr) };
	return 0;
}

static bool is_code(const struct rows_builder *b, const Elf64_Shdr *sh)
{
	uint64_t end = sh->sh_addr + sh->sh_size;

	if (sh->sh_type != SHT_PROGBITS || !(sh->sh_flags & SHF_EXECINSTR) ||
	    !(sh->sh_flags & SHF_ALLOC) || end < sh->sh_addr || end < b->base ||
	    end - b->base > UINT32_MAX)
		return false;
	for (uint32_t i = 0; i < b->n_segments; i++) {
		const struct ringprof_segment *s = &b->segments[i];

		if (sh->sh_addr - s->vaddr < s->size && end - s->vaddr <= s->size &&
		    sh->sh_offset - s->offset == sh->sh_addr - s->vaddr)
			return true;
	}
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct code_gap *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

size_t code_first_span(const struct rows_builder *b, uint64_t at)
{
	size_t from = 0, n = b->n_settled;

	while (n) {
		size_t half = n / 2;

		if (b->base + b->spans[from + half].end <= at) {
			from += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return from;
}

/* What the settled spans, which are sorted, leave free of a section. */
static int gaps_of(struct code_search *c, const Elf64_Shdr *sh)
{
	const struct rows_builder *b = c->b;
	uint64_t at = sh->sh_addr, end = sh->sh_addr + sh->sh_size;
	int r = 0;

	for (size_t i = code_first_span(b, at); i < b->n_settled && !r; i++) {
		uint64_t start = b->base + b->spans[i].start, stop = b->base + b->spans[i].end;

		if (start >= end)
			break;
		r = add_gap(c, sh, at, start);
		at = stop;
	}
	return r ? r : add_gap(c, sh, at, end);
}

/* .plt, .plt.got, .plt.sec: no linker makes more */
static void note_plt(struct code_search *c, const Elf64_Shdr *sh)
{
	if (c->n_plt == CODE_MAX_PLT || strncmp(elf_section_name(c->b->elf, sh), ".plt", 4))
		return;
	c->plt[c->n_plt++] =
		(struct code_gap){ .start = sh->sh_addr, .end = sh->sh_addr + sh->sh_size };
}

int code_find_gaps(struct code_search *c)
{
	struct elf_image *e = c->b->elf;
	int r = elf_load_sections(e);

	c->n_plt = 0;
	for (size_t i = 0; i < e->n_sh && !r; i++) {
		if (!is_code(c->b, &e->sh[i]))
			continue;
		note_plt(c, &e->sh[i]);
		r = gaps_of(c, &e->sh[i]);
	}
	if (r || !c->n_gaps)
		return r;
	qsort(c->gaps, c->n_gaps, sizeof(*c->gaps), by_start);
	/* sections over each other: nobody's linker does that */
	for (size_t i = 1; i < c->n_gaps; i++)
		if (c->gaps[i].start < c->gaps[i - 1].end)
			c->n_gaps = i;
	return 0;
}

bool code_in_plt(const struct code_search *c, uint64_t at)
{
	for (size_t i = 0; i < c->n_plt; i++)
		if (c->plt[i].start <= at && at < c->plt[i].end)
			return !(at & 7);
	return false;
}

uint64_t code_gap_bytes(const struct code_search *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_gaps; i++)
		n += c->gaps[i].end - c->gaps[i].start;
	return n;
}

const struct code_gap *code_gap_of(const struct code_search *c, uint64_t at)
{
	size_t from = 0, n = c->n_gaps;

	while (n > 1) {
		size_t half = n / 2;

		if (c->gaps[from + half].start <= at)
			from += half;
		n -= half;
	}
	return n && c->gaps[from].start <= at && at < c->gaps[from].end ? &c->gaps[from] : NULL;
}

int code_read(const struct code_search *c, uint64_t at, uint8_t *to, size_t n)
{
	const struct code_gap *g = code_gap_of(c, at);

	if (!g || n > g->end - at)
		return -EINVAL;
	return elf_read(c->b->elf, g->off + (at - g->start), to, n);
}

static int by_address(const void *a, const void *b)
{
	const struct code_func *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* of two at one place the one that says most */
	if (x->part != y->part)
		return x->part ? 1 : -1;
	return x->end != y->end ? (x->end > y->end ? -1 : 1) : 0;
}

void code_drop_doubles(struct code_func *funcs, size_t *n)
{
	size_t kept = 0;

	if (*n)
		qsort(funcs, *n, sizeof(*funcs), by_address);
	for (size_t i = 0; i < *n; i++)
		if (!kept || funcs[kept - 1].start != funcs[i].start)
			funcs[kept++] = funcs[i];
	*n = kept;
}

static int add_to(struct code_func **funcs, size_t *n, size_t *cap, struct code_func f)
{
	struct code_func *more;

	if (*n >= MAX_FUNCS) {
		code_drop_doubles(*funcs, n);
		if (*n > MAX_FUNCS / 2)
			return -E2BIG;
	}
	more = array_room(*funcs, cap, *n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*funcs = more;
	more[(*n)++] = f;
	return 0;
}

static int add_func(struct code_search *c, struct code_func f)
{
	if (!code_gap_of(c, f.start))
		return 0;
	return add_to(&c->funcs, &c->n_funcs, &c->cap_funcs, f);
}

/* Compilers put what is rarely run into parts of their own: NAME.cold, NAME.cold.3 */
static bool is_cold(const char *names, size_t len, uint32_t name)
{
	return name < len && memmem(names + name, strnlen(names + name, len - name), ".cold", 5);
}

/* 0, also where there is no such table, or -errno */
static int add_symbols(struct code_search *c, const char *table, const char *strings)
{
	cleanup_free uint8_t *data = NULL;
	cleanup_free uint8_t *names = NULL;
	size_t len, names_len = 0;
	uint64_t vaddr;
	int r = rows_section(c->b, table, &data, &vaddr, &len);

	/* a file that is short of them has none for us */
	if (r <= 0)
		return r == -ENOMEM ? r : 0;
	r = rows_section(c->b, strings, &names, &vaddr, &names_len);
	if (r <= 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (size_t i = 0; i < len / sizeof(Elf64_Sym) && !r; i++) {
		Elf64_Sym s;

		memcpy(&s, data + i * sizeof(s), sizeof(s));
		if (s.st_shndx == SHN_UNDEF || (ELF64_ST_TYPE(s.st_info) != STT_FUNC &&
						ELF64_ST_TYPE(s.st_info) != STT_GNU_IFUNC))
			continue;
		r = add_func(c, (struct code_func){
					.start = s.st_value,
					.end = s.st_value + s.st_size,
					.part = is_cold((char *)names, names_len, s.st_name) });
	}
	return r;
}

/* Bytes of gaps that no function with a size takes. */
static uint64_t unnamed_bytes(struct code_search *c)
{
	uint64_t all = code_gap_bytes(c), named = 0;

	code_drop_doubles(c->funcs, &c->n_funcs);
	for (size_t i = 0; i < c->n_funcs; i++)
		if (c->funcs[i].end > c->funcs[i].start)
			named += c->funcs[i].end - c->funcs[i].start;
	return all > named ? all - named : 0;
}

typedef int (*on_insn)(struct code_search *c, uint64_t at, const struct code_insn *i);

/* All instructions of a section, from its first byte on: what is none is passed by the byte. */
static int sweep_section(struct code_search *c, const Elf64_Shdr *sh, uint8_t *chunk, on_insn use)
{
	uint64_t at = 0;
	int r = 0;

	while (at < sh->sh_size && !r) {
		size_t n = sh->sh_size - at < CHUNK ? sh->sh_size - at : CHUNK, done = 0;
		size_t stop = n < CHUNK ? n : n - CODE_MAX_INSN;

		if (elf_read(c->b->elf, sh->sh_offset + at, chunk, n))
			return 0;
		while (done < stop && !r) {
			struct code_insn i;
			size_t len = code_decode(chunk + done, n - done, &i);

			if (len)
				r = use(c, sh->sh_addr + at + done, &i);
			done += len ? len : 1;
		}
		at += done;
	}
	return r;
}

static int sweep(struct code_search *c, on_insn use)
{
	struct elf_image *e = c->b->elf;
	cleanup_free uint8_t *chunk = malloc(CHUNK);
	int r = 0;

	if (!chunk)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_sh && !r; i++) {
		if (!is_code(c->b, &e->sh[i]))
			continue;
		r = sweep_section(c, &e->sh[i], chunk, use);
	}
	return r;
}

static int add_pointer(struct code_search *c, uint64_t at)
{
	if (at & 15 || !code_gap_of(c, at))
		return 0;
	return add_to(&c->pointed, &c->n_pointed, &c->cap_pointed,
		      (struct code_func){ .start = at, .pointer = true });
}

/* Calls, and addresses that are loaded: lea X(%rip) */
static int add_named(struct code_search *c, uint64_t at, const struct code_insn *i)
{
	uint64_t to;

	if (i->vex || i->map != CODE_MAP_1)
		return 0;
	if (i->op == 0x8d && i->rip)
		return add_pointer(c, at + i->len + (uint64_t)(int64_t)i->disp);
	/* call of the next instruction: for its address */
	if (i->op != 0xe8 || !i->imm)
		return 0;
	to = (uint64_t)code_target(i, (int64_t)at);
	if (c->n_funcs && c->funcs[c->n_funcs - 1].start == to)
		return 0;
	return add_func(c, (struct code_func){ .start = to });
}

/* Relocations by which the dynamic linker writes addresses of this file. */
static int add_relocated(struct code_search *c)
{
	cleanup_free uint8_t *data = NULL;
	uint64_t vaddr;
	size_t len;
	int r = rows_section(c->b, ".rela.dyn", &data, &vaddr, &len);

	if (r <= 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (size_t i = 0; i < len / sizeof(Elf64_Rela) && !r; i++) {
		Elf64_Rela rela;

		memcpy(&rela, data + i * sizeof(rela), sizeof(rela));
		if (ELF64_R_TYPE(rela.r_info) == R_X86_64_RELATIVE)
			r = add_pointer(c, (uint64_t)rela.r_addend);
	}
	return r;
}

/* Is there enough without a name for all code to be read? */
static bool worth_it(struct code_search *c)
{
	const struct elf_image *e = c->b->elf;
	uint64_t unnamed = unnamed_bytes(c), all = 0;

	for (size_t i = 0; i < e->n_sh; i++)
		if (is_code(c->b, &e->sh[i]))
			all += e->sh[i].sh_size;
	return unnamed >= WORTH_IT && all <= FREE_SWEPT + MAX_SWEPT * unnamed;
}

int code_find_functions(struct code_search *c)
{
	int r = add_symbols(c, ".symtab", ".strtab");

	if (!r)
		r = add_symbols(c, ".dynsym", ".dynstr");
	if (r || !worth_it(c))
		return r;
	if (code_gap_bytes(c) > CODE_MAX_BYTES / CODE_MAX_ROUNDS)
		return -E2BIG;
	r = sweep(c, add_named);
	return r ? r : add_relocated(c);
}
