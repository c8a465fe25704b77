// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of the files that are here against libdw's reader, at every address
 * where either changes its mind: made-up registers and memory are given to
 * both, and the numbers that come out must be the same.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ringprof/row_check.h"
#include "tap.h"
#include "unwind/rows.h"

#define STACK 64

/* Some word for every address, and some value for every register: all different. */
static uint64_t word_at(uint64_t addr)
{
	return (addr + 0x1234567) * 0x9e3779b97f4a7c15ULL >> 8 & ~7ULL;
}

static uint64_t reg_value(uint64_t reg, uint64_t pc)
{
	return reg == 16 ? pc : 0x7f0000000000ULL + reg * 0x10000000;
}

struct frame {
	bool root, signal, has_bp, bp_kept, odd, deep;
	uint64_t cfa, ra_at, bp_at;
};

struct file {
	int fd;
	Elf *elf;
	Dwarf_CFI *cfi;
	struct rows rows;
	struct ringprof_table table;
	uint32_t *index;
	uint32_t compared, opaque, no_bp;
};

/* The expressions that libdw makes of rules, and those in files. false: an operation not known. */
static bool evaluate(const Dwarf_Op *op, size_t n, uint64_t pc, uint64_t cfa, uint64_t *ret)
{
	uint64_t s[STACK];
	int top = -1;

	for (; n--; op++) {
		if (top > STACK - 3)
			return false;
		if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
			s[++top] = reg_value(op->atom - DW_OP_breg0, pc) + op->number;
		else if (op->atom == DW_OP_bregx)
			s[++top] = reg_value(op->number, pc) + op->number2;
		else if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
			s[++top] = op->atom - DW_OP_lit0;
		else if (op->atom == DW_OP_call_frame_cfa)
			s[++top] = cfa;
		else if (top < 0)
			return false;
		else if (op->atom == DW_OP_plus_uconst)
			s[top] += op->number;
		else if (op->atom == DW_OP_deref)
			s[top] = word_at(s[top]);
		else if (top < 1)
			return false;
		else if (op->atom == DW_OP_and)
			top--, s[top] &= s[top + 1];
		else if (op->atom == DW_OP_plus)
			top--, s[top] += s[top + 1];
		else if (op->atom == DW_OP_shl)
			top--, s[top] <<= s[top + 1];
		else if (op->atom == DW_OP_ge)
			top--, s[top] = (int64_t)s[top] >= (int64_t)s[top + 1];
		else
			return false;
	}
	*ret = top >= 0 ? s[top] : 0;
	return top >= 0;
}

/* A register's place by libdw: 1 at *ret, 0 in the register, -1 undefined, -2 something else. */
static int place(Dwarf_Frame *f, int reg, uint64_t pc, uint64_t cfa, uint64_t *ret)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(f, reg, mem, &ops, &n))
		return -2;
	if (!n)
		return ops == mem ? -1 : 0; /* as libdw.h says */
	if (ops[n - 1].atom == DW_OP_stack_value || ops[0].atom == DW_OP_regx ||
	    (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31))
		return -2;
	return evaluate(ops, n, pc, cfa, ret) ? 1 : -2;
}

/* A CFA loaded from memory in another way than the two that rows have. */
static bool is_deep(const Dwarf_Op *op, size_t n)
{
	bool deref = false;

	for (size_t i = 0; i < n; i++)
		deref |= op[i].atom == DW_OP_deref;
	if (n == 2 && op[0].atom == DW_OP_breg6)
		return false;
	return deref && !(n == 3 && op[0].atom == DW_OP_breg7 && op[2].number == 8);
}

static bool by_libdw(struct file *f, uint64_t pc, struct frame *ret, uint64_t *from, uint64_t *to)
{
	Dwarf_Frame *frame;
	Dwarf_Op *ops;
	size_t n;
	int r;

	if (dwarf_cfi_addrframe(f->cfi, pc, &frame))
		return false;
	memset(ret, 0, sizeof(*ret));
	dwarf_frame_info(frame, from, to, &ret->signal);
	ret->odd = dwarf_frame_cfa(frame, &ops, &n) || !evaluate(ops, n, pc, 0, &ret->cfa);
	ret->deep = is_deep(ops, n);
	r = place(frame, 16, pc, ret->cfa, &ret->ra_at);
	ret->root = r == -1;
	ret->odd |= r == 0 || r == -2;
	r = place(frame, 6, pc, ret->cfa, &ret->bp_at);
	ret->bp_kept = r == 0;
	ret->has_bp = r == 1;
	free(frame);
	return true;
}

/* Does the row give what libdw does? */
static bool agree(struct file *f, uint64_t pc, uint32_t rule, const struct frame *want)
{
	uint64_t sp = reg_value(7, pc), bp = reg_value(6, pc), cfa = 0, bp_at = 0;
	uint32_t raw = (uint32_t)ringprof_rule_bpoff_raw(rule);
	int32_t off = ringprof_rule_off(rule);

	f->compared++;
	switch (ringprof_rule_cfa(rule)) {
	case RINGPROF_CFA_ROOT:
		return want->root;
	case RINGPROF_CFA_SIGNAL:
		return want->signal && want->cfa == word_at(sp + 160) && want->ra_at == sp + 168;
	case RINGPROF_CFA_OPAQUE:
		f->opaque++;
		return want->odd || want->ra_at != want->cfa - 8 || (want->cfa & 7) ||
		       want->signal || want->deep;
	case RINGPROF_CFA_SP:
		cfa = sp + (uint64_t)(int64_t)off;
		break;
	case RINGPROF_CFA_BP:
		cfa = bp + (uint64_t)(int64_t)off;
		break;
	case RINGPROF_CFA_BP_DEREF:
		cfa = word_at(bp + (uint64_t)(int64_t)off);
		break;
	case RINGPROF_CFA_SP_DEREF:
		cfa = word_at(sp + (uint64_t)(int64_t)off) + 8;
		break;
	case RINGPROF_CFA_PLT:
		cfa = sp + 8 + ((pc & 15) >= (uint64_t)off ? 8 : 0);
		break;
	case RINGPROF_CFA_REG:
		cfa = reg_value(raw, pc) + (uint64_t)(int64_t)off;
		break;
	default:
		return false;
	}
	if (want->odd || want->root || want->signal || cfa != want->cfa || want->ra_at != cfa - 8)
		return false;
	if (ringprof_rule_bp(rule) == RINGPROF_BP_UNKNOWN) {
		f->no_bp++;
		return !want->bp_kept;
	}
	if (ringprof_rule_bp(rule) == RINGPROF_BP_SAME)
		return want->bp_kept;
	bp_at = (ringprof_rule_bp(rule) == RINGPROF_BP_AT_CFA ? cfa : bp) +
		(uint64_t)(int64_t)ringprof_rule_bpoff(rule);
	return want->has_bp && bp_at == want->bp_at;
}

static void close_file(struct file *f)
{
	dwarf_cfi_end(f->cfi);
	elf_end(f->elf);
	free(f->index);
	rows_free(&f->rows);
	close(f->fd);
}

static bool open_file(struct file *f, const char *path)
{
	/* of what no FDE covers libdw has nothing to say */
	static const struct rows_limits lim = { .without = 1U << ROWS_CODE };
	uint32_t last;

	memset(f, 0, sizeof(*f));
	elf_version(EV_CURRENT);
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return false;
	CHECK_EQ(rows_of_fd(&f->rows, f->fd, &lim), 0);
	CHECK_STR(f->rows.origin, "eh_frame");
	CHECK(f->rows.n > 0);
	CHECK_EQ(ringprof_rows_ok(f->rows.rows, f->rows.n, 0), f->rows.n);
	CHECK_EQ(f->rows.rows[f->rows.n - 1].rule, RINGPROF_CFA_GAP);
	last = f->rows.rows[f->rows.n - 1].pc;
	f->table = (struct ringprof_table){ .rows = f->rows.rows,
					    .base = f->rows.base,
					    .n_rows = f->rows.n };
	f->table.shift = ringprof_index_shift(f->rows.n, last);
	f->table.n_index = (uint32_t)ringprof_index_size(last, f->table.shift);
	f->index = calloc(f->table.n_index, sizeof(*f->index));
	CHECK(f->index);
	ringprof_index_fill(f->index, f->rows.rows, f->rows.n, f->table.shift);
	f->table.index = f->index;
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	f->cfi = dwarf_getcfi_elf(f->elf);
	CHECK(f->cfi);
	return true;
}

/* Behind a function that ends at a syscall instruction, as clone does: its rule goes on. */
static bool after_syscall(struct file *f, uint64_t pc)
{
	const struct ringprof_segment *s = f->rows.segments;
	uint64_t from, to, at = pc;
	struct frame frame;
	uint8_t code[2];

	while (at > pc - 16 && !by_libdw(f, at - 1, &frame, &from, &to))
		at--;
	return pread(f->fd, code, 2, (off_t)(at - s->vaddr + s->offset)) == 2 && code[0] == 0x0f &&
	       code[1] == 0x05;
}

/* The C library's __start_context, an ordinary frame by its CFI: the outermost of a coroutine. */
static bool starts_context(struct file *f, uint64_t pc)
{
	static const uint8_t code[] = { 0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24 };
	const struct ringprof_segment *s = f->rows.segments;
	uint64_t at = (pc + 1) & ~15ULL;
	uint8_t here[sizeof(code)];

	return pread(f->fd, here, sizeof(here), (off_t)(at - s->vaddr + s->offset)) ==
		       sizeof(here) &&
	       !memcmp(here, code, sizeof(code));
}

static uint32_t compare_at(struct file *f, uint64_t pc, uint64_t *next)
{
	uint32_t rule = ringprof_row_find(&f->table, pc);
	struct frame want;
	uint64_t from;

	*next = 0;
	if (!by_libdw(f, pc, &want, &from, next)) {
		uint64_t at = (pc + 15) & ~15ULL;

		*next = 0;
		/* padding up to a function may carry the last one's rule; the entry is a root */
		if (ringprof_rule_cfa(rule) == RINGPROF_CFA_GAP ||
		    ringprof_rule_cfa(rule) == RINGPROF_CFA_ROOT ||
		    ringprof_rule_cfa(ringprof_row_find(&f->table, at)) == RINGPROF_CFA_ROOT ||
		    by_libdw(f, at, &want, &from, &(uint64_t){ 0 }) || after_syscall(f, pc))
			return 0;
		printf("# %#llx: row %#x, libdw has nothing\n", (unsigned long long)pc, rule);
		return 1;
	}
	if (agree(f, pc, rule, &want) ||
	    (ringprof_rule_cfa(rule) == RINGPROF_CFA_ROOT && starts_context(f, pc)))
		return 0;
	printf("# %#llx: row %#x; libdw: cfa %#llx ra at %#llx bp at %#llx%s%s%s%s\n",
	       (unsigned long long)pc, rule, (unsigned long long)want.cfa,
	       (unsigned long long)want.ra_at, (unsigned long long)want.bp_at,
	       want.root ? " root" : "", want.signal ? " signal" : "", want.odd ? " odd" : "",
	       want.bp_kept ? " bp kept" : "");
	return 1;
}

/* All addresses where libdw's frames begin and end, walking from FDE to FDE by our rows. */
static void compare(const char *path, uint32_t max_opaque)
{
	uint32_t wrong = 0;
	struct file f;

	if (!open_file(&f, path))
		SKIP("not installed");
	for (uint32_t i = 0; i + 1 < f.rows.n && wrong < 20; i++) {
		uint64_t pc = f.rows.base + f.rows.rows[i].pc, end, next;

		end = f.rows.base + f.rows.rows[i + 1].pc;
		for (; pc < end && wrong < 20; pc = next) {
			wrong += compare_at(&f, pc, &next);
			if (next > end || next <= pc)
				next = end;
			wrong += compare_at(&f, next - 1, &(uint64_t){ 0 });
		}
	}
	printf("# %s: %u rows, %u places compared, %u opaque, %u without rbp, %u wrong\n", path,
	       f.rows.n, f.compared, f.rows.n_opaque, f.no_bp, wrong);
	CHECK_EQ(wrong, 0);
	CHECK(f.compared >= f.rows.n / 2);
	CHECK(f.rows.n_opaque <= max_opaque);
	CHECK_EQ(f.rows.n_bad_fdes, 0);
	close_file(&f);
}

#define LIB "/lib/x86_64-linux-gnu/"

TEST(libc_is_as_libdw_reads_it)
{
	compare(LIB "libc.so.6", 8);
}

TEST(ld_so_is_as_libdw_reads_it)
{
	compare(LIB "ld-linux-x86-64.so.2", 8);
}

TEST(bash_is_as_libdw_reads_it)
{
	compare("/bin/bash", 0);
}

TEST(libstdcxx_is_as_libdw_reads_it)
{
	compare("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 8);
}

TEST(libcrypto_is_as_libdw_reads_it)
{
	compare("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 32);
}

TEST(cpython_is_as_libdw_reads_it)
{
	compare("/usr/bin/python3", 8);
}

int main(void)
{
	return tap_main();
}
