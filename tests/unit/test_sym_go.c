// SPDX-License-Identifier: GPL-2.0
/*
 * Go's table, made here for each of its versions: two functions, the first
 * with a line table, a file and (1.20) an inlined call. What is pointed
 * outside of it, or cut off, must only lead to fewer answers.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sym/gosym.h"
#include "tap.h"

#define TEXT	   0x401000ULL
#define TEXT_SIZE  0x1000ULL
#define TABLE_ADDR 0x500000ULL
#define DATA_ADDR  0x600000ULL
#define HEAD	   0x1000 /* file offset of the table */
#define TABLE	   0x400  /* its room */
#define DATA	   (HEAD + TABLE)

static const uint32_t magics[] = { 0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1 };

struct program {
	uint8_t bytes[0x2000];
	enum gosym_version v;
};

static uint8_t *table(struct program *p)
{
	return p->bytes + HEAD;
}

static void put32(struct program *p, size_t off, uint32_t v)
{
	memcpy(table(p) + off, &v, 4);
}

static void put64(struct program *p, size_t off, uint64_t v)
{
	memcpy(table(p) + off, &v, 8);
}

static void put_text(struct program *p, size_t off, const char *s)
{
	strcpy((char *)table(p) + off, s);
}

/* parts of the table, all versions alike */
enum { NAMES = 0x60, CUS = 0xa0, FILES = 0xb0, PCS = 0xd0, FUNCS = 0x100, INLINES = 0x300 };
enum { NAME1 = 1, NAME2 = 8, NAME3 = 16, FILE1 = 1, PC_FILE = 1, PC_LINE = 8, PC_INLINE = 20 };

static void put_parts(struct program *p, size_t at)
{
	static const uint64_t parts[] = { NAMES, CUS, FILES, PCS, FUNCS };

	for (size_t i = 0; i < 5; i++)
		put64(p, at + 8 * i, parts[i]);
	put32(p, CUS + 4 * 3, FILE1);
	put_text(p, FILES + FILE1, "/src/main.go");
}

static void put_strings(struct program *p)
{
	static const uint8_t files[] = { 2, 0x40, 0 }; /* value 0 up to 0x40 */
	/* lines 11 up to 0x10, 15 up to 0x20, 14 up to 0x40 */
	static const uint8_t lines[] = { 24, 0x10, 8, 0x10, 1, 0x20, 0 };
	/* none up to 0x10, 0 up to 0x20, none; a zero step may come first */
	static const uint8_t inl[] = { 0, 0x10, 2, 0x10, 1, 0x20, 0 };

	put_text(p, NAMES + NAME1, "main.a");
	put_text(p, NAMES + NAME2, "main.b");
	put_text(p, NAMES + NAME3, "main.inl");
	memcpy(table(p) + PCS + PC_FILE, files, sizeof(files));
	memcpy(table(p) + PCS + PC_LINE, lines, sizeof(lines));
	memcpy(table(p) + PCS + PC_INLINE, inl, sizeof(inl));
}

/* A function's record; old: names and tables count from the whole table's beginning */
static void put_func(struct program *p, size_t at, uint64_t entry, uint32_t name, bool whole)
{
	bool old = p->v == GOSYM_1_2;
	size_t f = at + (p->v >= GOSYM_1_18 ? 4 : 8);

	if (p->v >= GOSYM_1_18)
		put32(p, at, (uint32_t)entry);
	else
		put64(p, at, TEXT + entry);
	put32(p, f, name + (old ? NAMES : 0));
	if (!whole)
		return;
	put32(p, f + 16, PC_FILE + (old ? PCS : 0));
	put32(p, f + 20, PC_LINE + (old ? PCS : 0));
	if (old)
		return;
	put32(p, f + 28, 3); /* cu offset: its file 0 is cutab[3] */
	if (p->v < GOSYM_1_20)
		return;
	put32(p, f + 24, 3); /* pcdata */
	put32(p, f + 32, 10);
	put32(p, f + 36, 4U << 24); /* funcdata */
	put32(p, f + 40 + 4 * 2, PC_INLINE);
	put32(p, f + 40 + 4 * 3 + 4 * 3, 0); /* the tree begins at the base */
}

static void put_functab(struct program *p)
{
	static const uint64_t entries[] = { 0, 0x40, 0x80 };
	static const uint64_t records[] = { 0x40, 0xc0 };
	bool old = p->v == GOSYM_1_2;
	size_t at = old ? 16 : FUNCS;

	for (int i = 0; i < 3; i++) {
		if (p->v >= GOSYM_1_18) {
			put32(p, at + 8 * (size_t)i, (uint32_t)entries[i]);
			if (i < 2)
				put32(p, at + 8 * (size_t)i + 4, (uint32_t)records[i]);
		} else {
			put64(p, at + 16 * (size_t)i, TEXT + entries[i]);
			if (i < 2)
				put64(p, at + 16 * (size_t)i + 8, records[i] + (old ? FUNCS : 0));
		}
	}
	put_func(p, FUNCS + records[0], 0, NAME1, true);
	put_func(p, FUNCS + records[1], 0x40, NAME2, false);
	if (old) { /* files: count, then places of names */
		put32(p, 16 + 5 * 8, CUS);
		put32(p, CUS, FILES + FILE1);
		put_text(p, FILES + FILE1, "/src/main.go");
	}
}

static void put_module(struct program *p)
{
	const uint32_t node[4] = { 0, NAME3, 0x18, 33 };
	const uint64_t words[] = { TABLE_ADDR, TABLE_ADDR + NAMES }, text = TEXT;
	const uint64_t base = TABLE_ADDR + INLINES;

	memcpy(table(p) + INLINES, node, sizeof(node));
	memcpy(p->bytes + DATA + 64, words, sizeof(words));
	memcpy(p->bytes + DATA + 64 + 176, &text, sizeof(text));
	memcpy(p->bytes + DATA + 64 + 320, &base, sizeof(base));
}

static void put_elf(struct program *p)
{
	static const char names[] = "\0.text\0.gopclntab\0.noptrdata";
	Elf64_Ehdr eh = {
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phoff = 64, .e_phentsize = 56
	};
	Elf64_Phdr ph = {
		.p_type = PT_LOAD, .p_offset = HEAD, .p_vaddr = TABLE_ADDR, .p_filesz = TABLE
	};
	Elf64_Shdr sh[5] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_addr = TEXT, .sh_size = TEXT_SIZE },
		{ .sh_name = 7,
		  .sh_type = SHT_PROGBITS,
		  .sh_addr = TABLE_ADDR,
		  .sh_offset = HEAD,
		  .sh_size = TABLE },
		{ .sh_name = 18,
		  .sh_type = SHT_PROGBITS,
		  .sh_addr = DATA_ADDR,
		  .sh_offset = DATA,
		  .sh_size = 0x400 },
		{ .sh_name = 0,
		  .sh_type = SHT_STRTAB,
		  .sh_offset = 0x800,
		  .sh_size = sizeof(names) },
	};

	memcpy(eh.e_ident, ELFMAG "\2\1\1", 7);
	eh.e_phnum = 1;
	eh.e_shoff = 0x200;
	eh.e_shentsize = sizeof(sh[0]);
	eh.e_shnum = 5;
	eh.e_shstrndx = 4;
	memcpy(p->bytes, &eh, sizeof(eh));
	memcpy(p->bytes + 64, &ph, sizeof(ph));
	memcpy(p->bytes + 0x200, sh, sizeof(sh));
	memcpy(p->bytes + 0x800, names, sizeof(names));
}

static void make(struct program *p, enum gosym_version v)
{
	memset(p, 0, sizeof(*p));
	p->v = v;
	put_elf(p);
	put32(p, 0, magics[v]);
	table(p)[6] = 1;
	table(p)[7] = 8;
	put64(p, 8, 2);
	if (v == GOSYM_1_16)
		put_parts(p, 24);
	if (v >= GOSYM_1_18)
		put_parts(p, 32);
	put_functab(p);
	put_strings(p);
	if (v == GOSYM_1_20)
		put_module(p);
}

static void tell(void *arg, const struct gosym_frame *f)
{
	buf_printf(arg, "%s %s:%u+%u%s;", f->name, f->file, f->line, f->start_line,
		   f->inlined ? " inlined" : "");
}

static int lookup(struct program *p, uint64_t vaddr, struct buf *b)
{
	struct elf_image e;
	struct gosym g;
	int r = elf_open_mem(&e, p->bytes, sizeof(p->bytes));

	buf_reset(b);
	buf_puts(b, "");
	if (r)
		return r;
	r = elf_load_sections(&e);
	if (!r)
		r = gosym_open(&g, &e);
	if (!r)
		r = gosym_lookup(&g, vaddr, 8, tell, b);
	elf_close(&e);
	return r;
}

static void check(struct program *p, uint64_t off, const char *want)
{
	struct buf b = { 0 };

	lookup(p, TEXT + off, &b);
	CHECK_STR(b.data, want);
	buf_free(&b);
}

TEST(every_version_has_names_files_and_lines)
{
	struct program p;

	for (int v = GOSYM_1_2; v <= GOSYM_1_18; v++) {
		make(&p, (enum gosym_version)v);
		check(&p, 0, "main.a /src/main.go:11+0;");
		check(&p, 0x1f, "main.a /src/main.go:15+0;");
		check(&p, 0x3f, "main.a /src/main.go:14+0;");
		check(&p, 0x7f, "main.b :0+0;");
		check(&p, 0x80, "");
	}
}

TEST(inlined_calls_come_first)
{
	struct program p;

	make(&p, GOSYM_1_20);
	check(&p, 0, "main.a /src/main.go:11+10;");
	check(&p, 0x12,
	      "main.inl /src/main.go:15+33 inlined;main.inl /src/main.go:15+33 inlined;"
	      "main.inl /src/main.go:15+33 inlined;main.inl /src/main.go:15+33 inlined;"
	      "main.inl /src/main.go:15+33 inlined;main.inl /src/main.go:15+33 inlined;"
	      "main.inl /src/main.go:15+33 inlined;main.a /src/main.go:15+10;");
	/* that was a call inside of itself; this one is made by the function */
	put32(&p, INLINES + 8, 4);
	check(&p, 0x12, "main.inl /src/main.go:15+33 inlined;main.a /src/main.go:11+10;");
}

static struct symtab symbols_of(const struct program *p)
{
	struct symtab_builder b = { 0 };
	struct symtab t = { 0 };
	struct elf_image e;

	CHECK_EQ(elf_open_mem(&e, p->bytes, sizeof(p->bytes)), 0);
	CHECK_EQ(elf_add_gopclntab(&e, &b), 1);
	elf_close(&e);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	return t;
}

TEST(functions_become_symbols)
{
	struct program p;

	for (int v = GOSYM_1_2; v <= GOSYM_1_20; v++) {
		struct symtab t;

		make(&p, (enum gosym_version)v);
		t = symbols_of(&p);
		CHECK_EQ(t.n, 2);
		CHECK_STR(symtab_name(&t, symtab_find(&t, TEXT + 0x3f)), "main.a");
		CHECK_STR(symtab_name(&t, symtab_find(&t, TEXT + 0x40)), "main.b");
		CHECK(!symtab_find(&t, TEXT + 0x80));
		symtab_free(&t);
	}
}

/* Nothing calls it: who is looked up a byte before it is looked up for it. */
TEST(the_byte_before_a_signals_return_is_its_own)
{
	static const char name[] = "runtime.sigreturn__sigaction";
	enum { NAME4 = 28 };
	struct program p;

	for (int v = GOSYM_1_2; v <= GOSYM_1_20; v++) {
		struct symtab t;

		make(&p, (enum gosym_version)v);
		put_text(&p, NAMES + NAME4, name);
		put32(&p, FUNCS + 0xc0 + (v >= GOSYM_1_18 ? 4 : 8),
		      NAME4 + (v == GOSYM_1_2 ? NAMES : 0));
		t = symbols_of(&p);
		CHECK_STR(symtab_name(&t, symtab_find(&t, TEXT + 0x3e)), "main.a");
		CHECK_STR(symtab_name(&t, symtab_find(&t, TEXT + 0x3f)), name);
		CHECK_STR(symtab_name(&t, symtab_find(&t, TEXT + 0x7f)), name);
		symtab_free(&t);
		check(&p, 0x3f, "runtime.sigreturn__sigaction :0+0;");
	}
}

/* Each word of the table as large as it can be, and each as 0: any answer, no harm. */
TEST(lies_do_no_harm)
{
	static const uint32_t lies[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };
	struct program p, q;
	struct buf b = { 0 };

	for (int v = GOSYM_1_2; v <= GOSYM_1_20; v++) {
		make(&p, (enum gosym_version)v);
		for (size_t off = 0; off < TABLE; off += 4) {
			for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
				struct symtab_builder sb = { 0 };
				struct elf_image e;

				q = p;
				put32(&q, off, lies[i]);
				for (uint64_t at = 0; at < 0x90; at += 8)
					lookup(&q, TEXT + at, &b);
				CHECK_EQ(elf_open_mem(&e, q.bytes, sizeof(q.bytes)), 0);
				elf_add_gopclntab(&e, &sb);
				elf_close(&e);
				symtab_builder_free(&sb);
			}
		}
	}
	buf_free(&b);
}

TEST(other_tables_are_refused)
{
	struct program p;
	struct buf b = { 0 };

	make(&p, GOSYM_1_18);
	put32(&p, 0, 0xfffffff2);
	CHECK_EQ(lookup(&p, TEXT, &b), -EINVAL);
	make(&p, GOSYM_1_18);
	put64(&p, 8, 1ULL << 40); /* functions */
	CHECK_EQ(lookup(&p, TEXT, &b), -EINVAL);
	make(&p, GOSYM_1_18);
	p.bytes[0x800 + 7] = 'x'; /* no section of that name */
	CHECK_EQ(lookup(&p, TEXT, &b), -ENOENT);
	buf_free(&b);
}

int main(void)
{
	return tap_main();
}
