// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of Go programs, made of the runtime's tables, against what the same
 * compiler writes into .debug_frame: the CFA at every change of either.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ringprof/row_check.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/rows.h"

static const char source[] = "package main\n"
			     "import \"os\"\n"
			     "type T struct { a [300]int }\n"
			     "//go:noinline\nfunc big(n int) int { var t T; for i := range t.a { "
			     "t.a[i] = n }; "
			     "return t.a[n] }\n"
			     "//go:noinline\nfunc deep(n int) int { if n == 0 { return big(1) }; "
			     "defer func() { "
			     "recover() }(); return deep(n-1) + 1 }\n"
			     "func main() { c := make(chan int); go func() { c <- deep(10) }(); "
			     "if <-c == 0 { os.Exit(3) } }\n";

static bool build(const char *flags, const char *out)
{
	write_text("main.go", source);
	return !sh("export GOFLAGS= GO111MODULE=off CGO_ENABLED=0 HOME=${HOME:-/tmp}; "
		   "go build %s -o %s main.go",
		   flags, out);
}

static bool have_go(void)
{
	return !system("command -v go >/dev/null 2>&1");
}

static struct rows rows_of(const char *name)
{
	cleanup_close int fd = open(built(name), O_RDONLY | O_CLOEXEC);
	struct rows r;

	CHECK(fd >= 0);
	CHECK_EQ(rows_of_fd(&r, fd, NULL), 0);
	CHECK_STR(r.origin, "gopclntab");
	CHECK_EQ(ringprof_rows_ok(r.rows, r.n, 0), r.n);
	CHECK_EQ(r.n_bad_fdes, 0);
	CHECK(r.n > 1000);
	CHECK(r.n_opaque < r.n / 100);
	return r;
}

/* The rule in force at a vaddr. */
static uint32_t rule_at(const struct rows *r, uint64_t vaddr)
{
	uint32_t rule = RINGPROF_CFA_GAP;

	for (uint32_t i = 0; i < r->n && r->base + r->rows[i].pc <= vaddr; i++)
		rule = r->rows[i].rule;
	return rule;
}

/* CFA - rsp by .debug_frame; false: nothing there, or not from rsp. */
static bool cfa_by_libdw(Dwarf_CFI *cfi, uint64_t pc, int64_t *off, uint64_t *end)
{
	Dwarf_Frame *f;
	Dwarf_Op *ops;
	Dwarf_Addr from;
	bool ok, signal;
	size_t n;

	if (dwarf_cfi_addrframe(cfi, pc, &f))
		return false;
	dwarf_frame_info(f, &from, end, &signal);
	ok = !dwarf_frame_cfa(f, &ops, &n) && n == 1 && ops[0].atom == DW_OP_bregx &&
	     ops[0].number == 7;
	if (!ok && n == 1 && ops[0].atom == DW_OP_breg7) {
		ok = true;
		*off = (int64_t)ops[0].number;
	} else if (ok) {
		*off = (int64_t)ops[0].number2;
	}
	free(f);
	return ok;
}

TEST(cfa_is_as_debug_frame_says)
{
	uint32_t compared = 0, wrong = 0, with_bp = 0;
	Dwarf_CFI *cfi;
	struct rows r;
	Dwarf *dw;
	int fd;

	if (!have_go())
		SKIP("no go");
	CHECK(build("-ldflags=-compressdwarf=false", "plain"));
	r = rows_of("plain");
	fd = open(built("plain"), O_RDONLY | O_CLOEXEC);
	dw = dwarf_begin(fd, DWARF_C_READ);
	CHECK(dw);
	cfi = dwarf_getcfi(dw);
	CHECK(cfi);
	for (uint32_t i = 0; i + 1 < r.n; i++) {
		uint64_t pc = r.base + r.rows[i].pc, end = r.base + r.rows[i + 1].pc, next;
		uint32_t rule = r.rows[i].rule;
		int64_t off;

		with_bp += ringprof_rule_bp(rule) == RINGPROF_BP_AT_CFA;
		for (; ringprof_rule_cfa(rule) == RINGPROF_CFA_SP && pc < end; pc = next) {
			next = end;
			if (!cfa_by_libdw(cfi, pc, &off, &next))
				break;
			compared++;
			if (ringprof_rule_off(rule) != off && wrong++ < 10)
				printf("# %#llx: sp + %d, .debug_frame says %lld\n",
				       (unsigned long long)pc, ringprof_rule_off(rule),
				       (long long)off);
			if (next <= pc)
				break;
		}
	}
	printf("# %u rows, %u places compared, %u with rbp, %u wrong\n", r.n, compared, with_bp,
	       wrong);
	CHECK_EQ(wrong, 0);
	CHECK(compared > r.n * 3 / 4);
	dwarf_end(dw);
	close(fd);
	rows_free(&r);
}

TEST(stacks_end_where_go_says)
{
	static const char *const roots[] = { "runtime.goexit",	"runtime.mstart",
					     "runtime.mcall",	"runtime.systemstack",
					     "runtime.rt0_go",	"runtime.morestack",
					     "_rt0_amd64_linux" };
	struct rows r;
	uint64_t at;

	if (!have_go())
		SKIP("no go");
	CHECK(build("", "plain"));
	r = rows_of("plain");
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s(.abi0)?", roots[i]);
		at = nm("plain", name);
		CHECK(at);
		CHECK_EQ(rule_at(&r, at), RINGPROF_CFA_ROOT);
	}
	at = nm("plain", "main.deep");
	CHECK_EQ(ringprof_rule_cfa(rule_at(&r, at)), RINGPROF_CFA_SP);
	/* looked up a byte before: the return address of a signal handler is its first byte */
	at = nm("plain", "runtime.sigreturn(__sigaction)?(.abi0)?");
	CHECK(at);
	CHECK_EQ(rule_at(&r, at - 1), RINGPROF_CFA_SIGNAL);
	CHECK_EQ(rule_at(&r, at), RINGPROF_CFA_SIGNAL);
	/* a handler stands on the signal's frame */
	at = nm("plain", "runtime.sigtramp(.abi0)?");
	CHECK_EQ(ringprof_rule_cfa(rule_at(&r, at)), RINGPROF_CFA_SP);
	rows_free(&r);
}

/* on the thread's stack, and back before it returns */
TEST(clocks_are_left_by_rbp)
{
	static const char *const clocks[] = { "runtime.nanotime1", "time.now" };
	const uint32_t rule = ringprof_rule(RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_BP, 0);
	struct rows r;

	if (!have_go())
		SKIP("no go");
	CHECK(build("", "plain"));
	r = rows_of("plain");
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		char name[64];
		uint64_t at, end;

		snprintf(name, sizeof(name), "%s(.abi0|.abiinternal)?", clocks[i]);
		at = nm("plain", name);
		CHECK(at);
		CHECK_EQ(ringprof_rule_off(rule_at(&r, at)), 8);
		CHECK_EQ(ringprof_rule_off(rule_at(&r, at + 1)), 16);
		CHECK_EQ(ringprof_rule_bp(rule_at(&r, at + 1)), RINGPROF_BP_AT_CFA);
		/* push, mov, sub $16 */
		CHECK_EQ(rule_at(&r, at + 8), rule);
		CHECK_EQ(rule_at(&r, at + 90), rule);
		for (end = at + 90; rule_at(&r, end) == rule; end++)
			CHECK(end < at + 400);
		/* pop %rbp; ret */
		CHECK_EQ(ringprof_rule_off(rule_at(&r, end)), 16);
		CHECK_EQ(ringprof_rule_off(rule_at(&r, end + 1)), 8);
	}
	rows_free(&r);
}

TEST(stripped_and_pie_have_the_same_rows)
{
	struct rows a, b, c;

	if (!have_go())
		SKIP("no go");
	CHECK(build("", "plain"));
	CHECK(build("-ldflags='-s -w'", "stripped"));
	CHECK(build("-buildmode=pie", "pie"));
	a = rows_of("plain");
	b = rows_of("stripped");
	c = rows_of("pie");
	CHECK_EQ(a.n, b.n);
	CHECK(!memcmp(a.rows, b.rows, a.n * sizeof(*a.rows)));
	CHECK(c.n > a.n / 2);
	rows_free(&a);
	rows_free(&b);
	rows_free(&c);
}

int main(void)
{
	build_init();
	return tap_main();
}
