// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of rule, as assembly with known CFI, and CFI that lies. A label
 * at_X marks the address whose rule the test knows.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ringprof/row_check.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/rows.h"

#define FUNC(name, body)                           \
	".p2align 4\n.globl " name "\n" name ":\n" \
	".cfi_startproc\n" body ".cfi_endproc\n"
#define AT(name) ".globl at_" name "\nat_" name ": nop\n"

/* assembly, a function a paragraph */
/* clang-format off */
static const char source[] =
	".text\n"
	/* what a compiler writes with and without a frame pointer */
	FUNC("plain",
	     AT("entry") "push %rbx\n.cfi_adjust_cfa_offset 8\n"
	     AT("pushed") "pop %rbx\n.cfi_adjust_cfa_offset -8\n"
	     AT("popped") "ret\n")
	FUNC("framed",
	     "push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6,-16\n"
	     AT("bp_saved") "mov %rsp,%rbp\n.cfi_def_cfa_register 6\n"
	     AT("by_bp") ".cfi_remember_state\nleave\n.cfi_def_cfa 7,8\n.cfi_restore 6\n"
	     AT("left") "ret\n.cfi_restore_state\n"
	     AT("state_again") "hlt\n")
	/* a stack realigned at run time: CFA = *(rbp - 8), rbp saved at *rbp */
	FUNC("realigned",
	     "lea 8(%rsp),%r10\n.cfi_def_cfa 10,0\n"
	     AT("by_r10") ".cfi_escape 0x10,6,2,0x76,0\n"
	     AT("bp_at_bp_by_r10") ".cfi_escape 0x0f,3,0x76,0x78,6\n"
	     AT("bp_deref") ".cfi_def_cfa 7,8\n"
	     AT("bp_back") "ret\n")
	/* openssl: CFA = *(rsp + 152) + 8, rbp at CFA - 16 */
	FUNC("openssl",
	     ".cfi_escape 0x0f,6,0x77,0x98,1,6,0x23,8\n.cfi_offset 6,-16\n"
	     AT("sp_deref") "ret\n")
	FUNC("openssl_by_bp",
	     ".cfi_escape 0x0f,5,0x76,0x78,6,0x23,8\n"
	     AT("bp_deref8") "ret\n")
	/* a lazy PLT slot as ld writes it, and what only looks like one */
	FUNC("slot",
	     ".cfi_escape 0x0f,11,0x77,8,0x80,0,0x3f,0x1a,0x3b,0x2a,0x33,0x24,0x22\n"
	     AT("plt") "ret\n")
	FUNC("no_slot",
	     ".cfi_escape 0x0f,11,0x77,16,0x80,0,0x3f,0x1a,0x3b,0x2a,0x33,0x24,0x22\n"
	     AT("no_plt") "ret\n")
	FUNC("root", ".cfi_undefined 16\n" AT("root") "hlt\n")
	FUNC("vfork", ".cfi_register 16,5\n" AT("ra_in_reg") "ret\n")
	FUNC("ra_elsewhere", ".cfi_offset 16,-24\n" AT("ra_elsewhere") "ret\n")
	FUNC("sp_elsewhere", ".cfi_offset 7,-24\n" AT("sp_elsewhere") "ret\n")
	FUNC("odd",
	     ".cfi_def_cfa_offset 12\n"
	     AT("odd") ".cfi_def_cfa_offset 262144\n"
	     AT("far") ".cfi_def_cfa_offset 262136\n"
	     AT("not_too_far") "ret\n")
	/* last: rbp at rsp + 0 with the CFA at rsp + 8 */
	FUNC("bp_lost",
	     ".cfi_undefined 6\n"
	     AT("bp_undefined") ".cfi_register 6,3\n"
	     AT("bp_in_reg") ".cfi_val_offset 6,-16\n"
	     AT("bp_value") ".cfi_offset 6,-8192\n"
	     AT("bp_far") ".cfi_same_value 6\n"
	     AT("bp_same") ".cfi_escape 0x10,6,2,0x77,0\n"
	     AT("bp_by_sp") "ret\n")
	FUNC("other_reg",
	     ".cfi_def_cfa 3,16\n"
	     AT("by_rbx") ".cfi_def_cfa 20,16\n"
	     AT("by_xmm") "ret\n")
	FUNC("restorer",
	     ".cfi_signal_frame\n.cfi_escape 0x0f,4,0x77,0xa0,1,6\n"
	     AT("signal") "ret\n")
	FUNC("odd_restorer", ".cfi_signal_frame\n" AT("odd_signal") "ret\n")
	/* 32 bytes that nothing is known of, and a gap that is no padding */
	".p2align 4\n.globl gap\ngap: .fill 32,1,0x90\n"
	FUNC("after_gap", AT("after_gap") "ret\n")
	".globl tight\ntight: ret\n"
	".cfi_startproc\n" AT("close_by") "ret\n.cfi_endproc\n"
	/* clone: behind the syscall the parent is in the frame that called it, the child in none */
	FUNC("clone_like", "nop\n")
	".globl at_syscall\nat_syscall: syscall\n" AT("both") "test %rax,%rax\n" "jz 1f\n" AT("parent") "ret\n1:\n"
	".cfi_startproc\n.cfi_undefined 16\n" AT("child") "hlt\n.cfi_endproc\n"
	".section .note.GNU-stack,\"\"\n";
/* clang-format on */

static struct rows all;

static void load(const char *name, struct rows *r)
{
	cleanup_close int fd = open(built(name), O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(rows_of_fd(r, fd, NULL), 0);
	CHECK_EQ(ringprof_rows_ok(r->rows, r->n, 0), r->n);
}

static void make(void)
{
	if (all.n)
		return;
	write_text("rules.s", source);
	CHECK_EQ(sh("cc -shared -nostdlib -o rules rules.s"), 0);
	load("rules", &all);
	CHECK_STR(all.origin, "eh_frame");
	CHECK_EQ(all.n_bad_fdes, 0);
}

static uint32_t at(const char *symbol)
{
	uint32_t rule = RINGPROF_CFA_GAP;
	uint64_t vaddr;

	make();
	vaddr = nm("rules", symbol);
	CHECK(vaddr);
	for (uint32_t i = 0; i < all.n && all.base + all.rows[i].pc <= vaddr; i++)
		rule = all.rows[i].rule;
	return rule;
}

#define SP(off)	      ringprof_rule(RINGPROF_CFA_SP, (off) / 8, RINGPROF_BP_SAME, 0)
#define IS(name, ...) CHECK_EQ(at("at_" name), ringprof_rule(__VA_ARGS__))

TEST(compilers)
{
	CHECK_EQ(at("at_entry"), SP(8));
	CHECK_EQ(at("at_pushed"), SP(16));
	CHECK_EQ(at("at_popped"), SP(8));
	IS("bp_saved", RINGPROF_CFA_SP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("by_bp", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	CHECK_EQ(at("at_left"), SP(8));
	IS("state_again", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("by_r10", RINGPROF_CFA_REG, 0, RINGPROF_BP_SAME, 10);
	/* the register's number has the place of the offset */
	IS("bp_at_bp_by_r10", RINGPROF_CFA_REG, 0, RINGPROF_BP_UNKNOWN, 10);
	IS("bp_deref", RINGPROF_CFA_BP_DEREF, -1, RINGPROF_BP_AT_BP, 0);
	CHECK_EQ(at("at_bp_back"), SP(8));
}

TEST(assembly_and_linkers)
{
	IS("sp_deref", RINGPROF_CFA_SP_DEREF, 152 / 8, RINGPROF_BP_AT_CFA, -2);
	CHECK_EQ(at("at_bp_deref8"), RINGPROF_CFA_OPAQUE);
	IS("plt", RINGPROF_CFA_PLT, 11, RINGPROF_BP_SAME, 0);
	CHECK_EQ(at("at_no_plt"), RINGPROF_CFA_OPAQUE);
	IS("by_rbx", RINGPROF_CFA_REG, 2, RINGPROF_BP_SAME, 3);
	CHECK_EQ(at("at_by_xmm"), RINGPROF_CFA_OPAQUE);
}

TEST(ends_and_signals)
{
	CHECK_EQ(at("at_root"), RINGPROF_CFA_ROOT);
	CHECK_EQ(at("at_signal"), RINGPROF_CFA_SIGNAL);
	CHECK_EQ(at("at_odd_signal"), RINGPROF_CFA_OPAQUE);
}

TEST(what_does_not_fit_is_opaque)
{
	CHECK_EQ(at("at_ra_in_reg"), RINGPROF_CFA_OPAQUE);
	CHECK_EQ(at("at_ra_elsewhere"), RINGPROF_CFA_OPAQUE);
	CHECK_EQ(at("at_sp_elsewhere"), RINGPROF_CFA_OPAQUE);
	CHECK_EQ(at("at_odd"), RINGPROF_CFA_OPAQUE);
	CHECK_EQ(at("at_far"), RINGPROF_CFA_OPAQUE);
	CHECK_EQ(at("at_not_too_far"), SP(262136));
}

TEST(bp_that_cannot_be_had_is_unknown)
{
	static const char *const lost[] = { "at_bp_undefined", "at_bp_in_reg", "at_bp_value",
					    "at_bp_far" };

	for (size_t i = 0; i < ARRAY_SIZE(lost); i++)
		CHECK_EQ(at(lost[i]), ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_UNKNOWN, 0));
	CHECK_EQ(at("at_bp_same"), SP(8));
	IS("bp_by_sp", RINGPROF_CFA_SP, 1, RINGPROF_BP_AT_CFA, -1);
}

TEST(gaps_are_rows_and_padding_is_not)
{
	CHECK_EQ(at("gap"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_after_gap"), SP(8));
	/* not aligned: code, however short */
	CHECK_EQ(at("tight"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_close_by"), SP(8));
	/* plain ends in SP(8), framed begins so: the padding between takes no rows */
	for (uint32_t i = 1; i < all.n; i++)
		CHECK(all.base + all.rows[i].pc != nm("rules", "framed"));
}

TEST(a_parent_comes_back_from_clone)
{
	CHECK_EQ(at("at_syscall"), SP(8));
	IS("both", RINGPROF_CFA_CLONE, 1, RINGPROF_BP_SAME, 0);
	IS("parent", RINGPROF_CFA_CLONE, 1, RINGPROF_BP_SAME, 0);
	CHECK_EQ(at("at_child"), RINGPROF_CFA_ROOT);
}

TEST(debug_frame_fills_what_eh_frame_leaves)
{
	struct rows r;

	make();
	/* the same once as .debug_frame, alone */
	CHECK_EQ(sh("{ echo '.cfi_sections .debug_frame'; cat rules.s; } >debug.s && "
		    "cc -shared -nostdlib -o debug debug.s"),
		 0);
	load("debug", &r);
	CHECK_STR(r.origin, "debug_frame");
	CHECK_EQ(r.n, all.n);
	for (uint32_t i = 0; i < r.n; i++)
		CHECK_EQ(r.rows[i].rule, all.rows[i].rule);
	rows_free(&r);
	/* compressed */
	CHECK_EQ(sh("objcopy --compress-debug-sections=zlib-gabi debug packed"), 0);
	load("packed", &r);
	CHECK_EQ(r.n, all.n);
	rows_free(&r);
	/* one function here, one there */
	CHECK_EQ(sh("printf '%%s\\n' '.cfi_sections .debug_frame' .text 'a: .cfi_startproc' "
		    "'.fill 32,1,0x90' .cfi_endproc >a.s && "
		    "printf '%%s\\n' .text .p2align\\ 4 '.globl b' 'b: .cfi_startproc' "
		    "'.cfi_undefined 16' '.fill 32,1,0x90' .cfi_endproc >b.s && "
		    "cc -shared -nostdlib -o both a.s b.s"),
		 0);
	load("both", &r);
	CHECK_EQ(r.n, 3);
	CHECK_EQ(r.rows[0].rule, SP(8));
	CHECK_EQ(r.rows[1].rule, RINGPROF_CFA_ROOT);
	CHECK_EQ(r.rows[2].rule, RINGPROF_CFA_GAP);
	rows_free(&r);
}

TEST(without_section_headers_the_program_header_leads_there)
{
	cleanup_free char *p = NULL;
	struct rows r;
	size_t len;

	make();
	p = slurp("rules", &len);
	memset(p + 40, 0, 8); /* e_shoff */
	CHECK_EQ(rows_of_mem(&r, p, len, NULL), 0);
	CHECK_EQ(r.n, all.n);
	CHECK(!memcmp(r.rows, all.rows, r.n * sizeof(*r.rows)));
	rows_free(&r);
}

#define FDE(start, len, offset)                                           \
	".long 5f-4f\n4: .long .-cie\n.long " start "-.\n.long " len "\n" \
	".byte 0,0xe," offset ",0\n.p2align 2\n5:\n"

static const char overlapping[] =
	".text\na: .fill 64,1,0x90\n.section .eh_frame,\"a\",@progbits\n"
	"cie: .long 3f-2f\n2: .long 0\n.byte 1\n.asciz \"zR\"\n"
	".byte 1,0x78,16,1,0x1b,0xc,7,8,0x90,1\n.p2align 2\n3:\n" FDE("a", "64", "8")
		FDE("a+16", "16", "16") FDE("a", "64", "24");

TEST(overlapping_functions)
{
	struct rows r;

	make();
	/* b lies within a, c is a's twin: the later begins, the first of twins stays */
	write_text("o.s", overlapping);
	CHECK_EQ(sh("cc -shared -nostdlib -Wl,--no-eh-frame-hdr -o overlap o.s"), 0);
	load("overlap", &r);
	CHECK_EQ(r.n_fdes, 3);
	CHECK_EQ(r.n_bad_fdes, 2);
	CHECK_EQ(r.n, 3);
	CHECK_EQ(r.rows[0].rule, SP(8));
	CHECK_EQ(r.rows[1].pc, r.rows[0].pc + 16);
	CHECK_EQ(r.rows[1].rule, SP(16));
	CHECK_EQ(r.rows[2].pc, r.rows[1].pc + 16);
	CHECK_EQ(r.rows[2].rule, RINGPROF_CFA_GAP);
	rows_free(&r);
}

TEST(limits_hold)
{
	struct rows_limits lim = { .max_rows = 10 };
	cleanup_free char *p = NULL;
	struct rows r;
	size_t len;

	make();
	p = slurp("rules", &len);
	CHECK_EQ(rows_of_mem(&r, p, len, &lim), -E2BIG);
	CHECK(!r.rows);
	lim = (struct rows_limits){ .max_bytes = 64 };
	CHECK_EQ(rows_of_mem(&r, p, len, &lim), -E2BIG);
	CHECK_EQ(rows_of_mem(&r, "no ELF", 6, NULL), -ENOEXEC);
	CHECK_EQ(rows_of_mem(&r, p, 20, NULL), -ENOEXEC);
}

/* Cut anywhere, and any byte changed: never more than a refusal or fewer rows, and soon. */
TEST(hostile_bytes)
{
	uint64_t start = mono_now();
	cleanup_free char *p = NULL;
	struct rows r;
	size_t len;

	make();
	p = slurp("rules", &len);
	for (size_t n = 0; n < len; n += 97) {
		char *cut = malloc(n ? n : 1); /* exactly n, for ASan */

		CHECK(cut);
		memcpy(cut, p, n);
		if (!rows_of_mem(&r, cut, n, NULL))
			rows_free(&r);
		free(cut);
	}
	for (size_t i = 0; i < len; i++) {
		static const char values[] = { '\xff', '\x7f', 1, 0 };
		char was = p[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			p[i] = values[v];
			if (rows_of_mem(&r, p, len, NULL))
				continue;
			CHECK_EQ(ringprof_rows_ok(r.rows, r.n, 0), r.n);
			rows_free(&r);
		}
		p[i] = was;
	}
	CHECK(mono_now() - start < 60 * NSEC_PER_SEC);
}

/* One function whose program changes the CFA at every byte: linear, where it used to be square. */
TEST(a_function_of_many_rows_is_read_once)
{
	uint64_t start;
	struct rows r;

	make();
	CHECK_EQ(sh("{ printf '.text\\n.globl f\\nf: .cfi_startproc\\n'; for i in $(seq 50000); do "
		    "printf ' nop\\n .cfi_def_cfa_offset %%d\\n' $((16 + i %% 7 * 8)); done; "
		    "echo .cfi_endproc; } >many.s && cc -shared -nostdlib -o many many.s"),
		 0);
	start = mono_now();
	load("many", &r);
	CHECK(mono_now() - start < NSEC_PER_SEC);
	CHECK(r.n > 50000);
	rows_free(&r);
}

/* first: what stands before the function's own code */
static void begin_of_coroutine(const char *first)
{
	struct rows r;

	make();
	CHECK_EQ(sh("printf '%%s\n' .text 'f: .cfi_startproc' ret .cfi_endproc "
		    "'.p2align 4,0x90' '.globl start' 'start: .cfi_startproc' %s "
		    "'mov %%rbx,%%rsp; mov (%%rsp),%%rdi; test %%rdi,%%rdi; je 1f; call f' "
		    "'1: hlt' .cfi_endproc >ctx.s && cc -shared -nostdlib -o other ctx.s && "
		    "printf '.globl makecontext\nmakecontext: ret\n' >>ctx.s && "
		    "cc -shared -nostdlib -o ctx ctx.s",
		    first),
		 0);
	load("ctx", &r);
	CHECK_EQ(r.rows[0].rule, SP(8));
	CHECK_EQ(r.rows[1].rule, RINGPROF_CFA_GAP);
	CHECK_EQ(r.rows[2].rule, RINGPROF_CFA_ROOT);
	/* the return address is the function itself: looked up one byte before it */
	CHECK_EQ(r.rows[2].pc, nm("ctx", "start") - 1 - r.base);
	CHECK_EQ(r.rows[3].rule, SP(8));
	rows_free(&r);
	/* only where the function that puts it there is */
	load("other", &r);
	CHECK_EQ(r.rows[0].rule, SP(8));
	CHECK_EQ(r.rows[1].rule, RINGPROF_CFA_GAP);
	rows_free(&r);
}

TEST(the_begin_of_a_coroutine_is_a_root)
{
	begin_of_coroutine("");
	begin_of_coroutine("endbr64");
}

TEST(the_entry_of_a_program_is_a_root)
{
	struct rows r;
	uint64_t entry;

	make();
	CHECK_EQ(sh("printf '%%s\\n' .text '.globl _start' '_start: call f' hlt '.fill 100,1,0x90' "
		    "'f: .cfi_startproc' ret .cfi_endproc >start.s && "
		    "cc -static -nostdlib -o start start.s && cc -shared -nostdlib -o lib start.s"),
		 0);
	load("start", &r);
	entry = nm("start", "_start") - r.base;
	CHECK_EQ(r.rows[0].pc, entry);
	CHECK_EQ(r.rows[0].rule, RINGPROF_CFA_ROOT);
	CHECK_EQ(r.rows[1].pc, entry + 64);
	CHECK_EQ(r.rows[1].rule, RINGPROF_CFA_GAP);
	rows_free(&r);
	/* a library's entry is what its linker made up */
	load("lib", &r);
	CHECK_EQ(r.rows[0].rule, SP(8));
	rows_free(&r);
}

static uint32_t rule_in(const char *file, const char *symbol_re, int64_t add)
{
	char cmd[256];
	uint32_t rule = RINGPROF_CFA_GAP;
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct rows r;
	uint64_t vaddr;

	CHECK(fd >= 0);
	CHECK_EQ(rows_of_fd(&r, fd, NULL), 0);
	snprintf(cmd, sizeof(cmd), "nm -D --defined-only %s | grep -E ' %s$'", file, symbol_re);
	vaddr = address_from(cmd);
	CHECK(vaddr);
	vaddr += (uint64_t)add;
	for (uint32_t i = 0; i < r.n && r.base + r.rows[i].pc <= vaddr; i++)
		rule = r.rows[i].rule;
	rows_free(&r);
	return rule;
}

/* glibc says itself where a thread's stack ends; its return from signals lies before sigaction. */
TEST(libc_ends_threads_and_signals)
{
	static const char libc[] = "/lib/x86_64-linux-gnu/libc.so.6";
	uint32_t roots = 0, signals = 0, n_rows;
	struct rows r;
	int fd = open(libc, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		SKIP("no glibc there");
	CHECK_EQ(rows_of_fd(&r, fd, NULL), 0);
	close(fd);
	n_rows = r.n;
	for (uint32_t i = 0; i < r.n; i++) {
		roots += r.rows[i].rule == RINGPROF_CFA_ROOT;
		signals += r.rows[i].rule == RINGPROF_CFA_SIGNAL;
	}
	rows_free(&r);
	CHECK(n_rows > 10000);
	CHECK(roots >= 2); /* clone, clone3, __start_context */
	CHECK_EQ(signals, 1);
	CHECK_EQ(ringprof_rule_cfa(rule_in(libc, "clone@@.*", 0)), RINGPROF_CFA_SP);
}

int main(void)
{
	int r;

	build_init();
	r = tap_main();
	rows_free(&all);
	return r;
}
