// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder against objdump, on the code of files that are here; and what is
 * found by following functions that do have unwind information against that:
 * per instruction the CFA and the place of the caller's rbp.
 */
#include <dwarf.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "ringprof/row.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/code.h"
#include "unwind/rows.h"
#include "unwind/rows_int.h"

#define LIB "/lib/x86_64-linux-gnu/"

/* A file's rows by .eh_frame, and its bytes. */
struct file {
	struct rows rows;
	uint8_t *data;
	size_t size;
};

static bool open_file(struct file *f, const char *path)
{
	static const struct rows_limits lim = { .without = 1U << ROWS_CODE | 1U << ROWS_KNOWN };
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	memset(f, 0, sizeof(*f));
	if (size < 0)
		return false;
	CHECK_EQ(rows_of_fd(&f->rows, fd, &lim), 0);
	f->size = (size_t)size;
	f->data = malloc(f->size);
	CHECK(f->data && pread(fd, f->data, f->size, 0) == size);
	return true;
}

static void close_file(struct file *f)
{
	rows_free(&f->rows);
	free(f->data);
}

static uint32_t rule_at(const struct file *f, uint64_t vaddr)
{
	const struct ringprof_row *row = f->rows.rows;
	uint32_t n = f->rows.n, pc = (uint32_t)(vaddr - f->rows.base);

	if (!n || row->pc > pc || vaddr < f->rows.base)
		return RINGPROF_CFA_GAP;
	while (n > 1) {
		uint32_t half = n / 2;

		if (row[half].pc <= pc)
			row += half;
		n -= half;
	}
	return row->rule;
}

/* Bytes at an address, up to the segment's end; NULL: none. */
static const uint8_t *code_at(const struct file *f, uint64_t vaddr, uint64_t *left)
{
	for (uint32_t i = 0; i < f->rows.n_segments; i++) {
		const struct ringprof_segment *s = &f->rows.segments[i];

		if (vaddr - s->vaddr >= s->size)
			continue;
		*left = s->size - (vaddr - s->vaddr);
		return f->data + s->offset + (vaddr - s->vaddr);
	}
	return NULL;
}

/* "ADDRESS:\tHEX HEX \tTEXT": the number of bytes, 0: another line */
static uint32_t objdump_line(const char *line, uint64_t *at, const char **text)
{
	uint32_t n = 0;
	char *p;

	*at = strtoull(line, &p, 16);
	if (p == line || p[0] != ':' || p[1] != '\t')
		return 0;
	for (p += 2; p[0] != '\t' && p[0] && p[0] != '\n'; p += 3, n++)
		if (p[0] == ' ')
			break;
	*text = strchr(p, '\t');
	return *text ? n : 0;
}

/* What objdump itself calls no instruction; data stands between functions by hand. */
static bool is_code(const struct file *f, uint64_t at, const char *text)
{
	return rule_at(f, at) != RINGPROF_CFA_GAP && !strstr(text, "(bad)");
}

static void decode_all(const char *path, uint32_t min)
{
	uint32_t all = 0, wrong = 0, data = 0;
	char cmd[256], line[512];
	struct file f;
	FILE *p;

	if (!open_file(&f, path))
		SKIP("not installed");
	snprintf(cmd, sizeof(cmd), "objdump -dw -j .text %s", path);
	p = popen(cmd, "r");
	CHECK(p);
	while (fgets(line, sizeof(line), p)) {
		const char *text;
		struct code_insn i;
		uint64_t at, left = 0;
		uint32_t n = objdump_line(line, &at, &text);
		const uint8_t *code = n ? code_at(&f, at, &left) : NULL;

		if (!code)
			continue;
		all++;
		if (code_decode(code, left, &i) == n)
			continue;
		if (!is_code(&f, at, text)) {
			data++;
			continue;
		}
		if (wrong++ < 10)
			printf("# %d bytes here, by objdump %u: %s", i.len, n, line);
	}
	pclose(p);
	close_file(&f);
	printf("# %s: %u instructions, %u differ, %u more in what is no code\n", path, all, wrong,
	       data);
	CHECK(all >= min);
	CHECK_EQ(wrong, 0);
}

TEST(libc_decodes_as_by_objdump)
{
	decode_all(LIB "libc.so.6", 200000);
}

TEST(libcrypto_decodes_as_by_objdump)
{
	decode_all("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 400000);
}

struct compared {
	struct file f;
	uint32_t *rules; /* per byte of the function at hand */
	uint32_t at, last;
	uint64_t functions, left_out, pcs, claimed, wrong, no_bp;
};

static int put(void *arg, uint32_t off, uint32_t rule)
{
	struct compared *c = arg;

	while (c->at < off)
		c->rules[c->at++] = c->last;
	c->last = rule;
	return 0;
}

/* In terms of the kind and the offsets; what only another register could tell is not compared. */
static bool is_wrong(struct compared *c, uint32_t mine, uint32_t want)
{
	uint32_t kind = ringprof_rule_cfa(mine), wanted = ringprof_rule_cfa(want);
	uint32_t bp = ringprof_rule_bp(mine), bp_wanted = ringprof_rule_bp(want);

	/* by rbp where .eh_frame goes by rsp is right; the other way round rsp was lost there */
	if (kind != wanted)
		return kind == RINGPROF_CFA_SP && wanted == RINGPROF_CFA_BP;
	if (ringprof_rule_off(mine) != ringprof_rule_off(want))
		return true;
	if (kind == RINGPROF_CFA_REG)
		return ringprof_rule_bpoff_raw(mine) != ringprof_rule_bpoff_raw(want);
	c->no_bp += bp == RINGPROF_BP_UNKNOWN && bp_wanted != RINGPROF_BP_UNKNOWN;
	/* compilers do not tell of rbp's pop in an epilogue: SAME there is as good */
	return bp == bp_wanted && ringprof_rule_bpoff(mine) != ringprof_rule_bpoff(want);
}

static void compare_function(struct compared *c, struct code_flow *w, uint64_t start, uint32_t len)
{
	struct code_function fn = { .len = len, .sized = true, .put = put, .arg = c };
	struct code_result result;
	uint64_t left = 0;
	uint32_t off = 0;

	fn.code = code_at(&c->f, start, &left);
	/* parts of functions begin anywhere: they need the other part */
	if (!fn.code || len > left ||
	    rule_at(&c->f, start) != ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_SAME, 0))
		return;
	c->functions++;
	c->at = c->last = 0;
	c->rules = calloc(len, sizeof(*c->rules));
	CHECK(c->rules);
	if (code_function(w, &fn, &result))
		c->left_out++;
	put(c, len, 0);
	while (off < len) {
		struct code_insn i;
		size_t n = code_decode(fn.code + off, len - off, &i);
		bool padding = n && code_is_padding(&i, fn.code + off);

		c->pcs += !padding;
		if (!padding && c->rules[off] != RINGPROF_CFA_GAP) {
			c->claimed++;
			c->wrong += is_wrong(c, c->rules[off], rule_at(&c->f, start + off));
		}
		off += n ? (uint32_t)n : 1;
	}
	free(c->rules);
}

/* Of every FDE its function, by the table that .eh_frame_hdr has; as linkers write it. */
static void compare_functions(struct compared *c, const Elf64_Phdr *hdr)
{
	const uint8_t *table = c->f.data + hdr->p_offset;
	struct code_flow *w = code_flow_new();
	uint32_t n;

	CHECK(w && hdr->p_filesz > 12 && table[3] == (DW_EH_PE_datarel | DW_EH_PE_sdata4));
	memcpy(&n, table + 8, sizeof(n));
	CHECK(n <= (hdr->p_filesz - 12) / 8);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t fde, off;
		int32_t pair[2];
		uint32_t len;

		memcpy(pair, table + 12 + 8 * i, sizeof(pair));
		/* the same segment: .eh_frame lies as far away in the file */
		fde = hdr->p_vaddr + (uint64_t)(int64_t)pair[1];
		off = fde - hdr->p_vaddr + hdr->p_offset;
		CHECK(off + 16 <= c->f.size);
		memcpy(&len, c->f.data + off + 12, sizeof(len));
		compare_function(c, w, hdr->p_vaddr + (uint64_t)(int64_t)pair[0], len);
	}
	code_flow_free(w);
}

static const Elf64_Phdr *eh_frame_hdr(const struct file *f)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)f->data;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(f->data + eh->e_phoff);

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_GNU_EH_FRAME)
			return &ph[i];
	return NULL;
}

/* Per mille of the instructions that must be claimed: what is measured, with a little room. */
static void compare(const char *path, uint32_t least)
{
	struct compared c = { .functions = 0 };
	const Elf64_Phdr *hdr;

	if (!open_file(&c.f, path))
		SKIP("not installed");
	hdr = eh_frame_hdr(&c.f);
	CHECK(hdr);
	compare_functions(&c, hdr);
	close_file(&c.f);
	printf("# %s: %llu functions, %llu left out; of %llu instructions %.2f %% claimed, "
	       "%llu of these wrong (%.4f %%), %llu without rbp\n",
	       path, (unsigned long long)c.functions, (unsigned long long)c.left_out,
	       (unsigned long long)c.pcs, 100.0 * (double)c.claimed / (double)c.pcs,
	       (unsigned long long)c.wrong, 100.0 * (double)c.wrong / (double)c.claimed,
	       (unsigned long long)c.no_bp);
	CHECK(c.functions > 100);
	CHECK(c.claimed * 1000 >= c.pcs * least);
	CHECK(c.wrong * 1000 < c.claimed);
}

TEST(libc_by_its_code)
{
	compare(LIB "libc.so.6", 990);
}

TEST(libcrypto_by_its_code)
{
	compare("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 900);
}

TEST(libstdcxx_by_its_code)
{
	/* landing pads are reached by the unwinder alone */
	compare("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 900);
}

TEST(cpython_by_its_code)
{
	compare("/usr/bin/python3", 990);
}

TEST(rust_by_its_code)
{
	if (sh("rustc --version"))
		SKIP("Rust: no rustc here");
	CHECK_EQ(sh("rustc -O -C panic=abort -C force-unwind-tables=yes -o rust '%s'",
		    realpath("tests/corpus/packaged/rust.rs", (char[4096]){ 0 })),
		 0);
	compare(built("rust"), 950);
}

int main(void)
{
	build_init();
	return tap_main();
}
