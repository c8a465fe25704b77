// SPDX-License-Identifier: GPL-2.0
/*
 * Rows by code alone, of assembly without any CFI: each way in which compilers
 * move the stack, each in which a function could be misread, and functions of
 * stripped files. A label at_X marks the address whose rule the test knows.
 */
#include <fcntl.h>

#include "base/cleanup.h"
#include "ringprof/row_check.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/rows.h"

#define FUNC(name, body)                                                                        \
	".p2align 4\n.globl " name "\n.type " name ",@function\n" name ":\n" body ".size " name \
	",.-" name "\n"
#define AT(name) ".globl at_" name "\nat_" name ":\n"

/* assembly, a function a paragraph */
/* clang-format off */
static const char source[] =
	".text\n"
	FUNC("plain",
	     AT("entry") "push %rbx\n"
	     AT("pushed") "sub $40,%rsp\n"
	     AT("body") "call plain\n"
	     AT("called") "add $40,%rsp\n"
	     AT("popping") "pop %rbx\n"
	     AT("popped") "ret\n")
	FUNC("framed",
	     "push %rbp\n"
	     AT("bp_saved") "mov %rsp,%rbp\n"
	     AT("by_bp") "sub $64,%rsp\nand $-64,%rsp\n"
	     AT("realigned") "sub %rax,%rsp\n"
	     AT("alloca") "lea -8(%rbp),%rsp\npop %r12\n"
	     AT("lea_sp") "leave\n"
	     AT("left") "ret\n")
	/* rbp is saved and used for anything */
	FUNC("bp_used",
	     "push %r14\npush %rbp\nmov %rdi,%rbp\n"
	     AT("bp_slot") "call plain\npop %rbp\n"
	     AT("bp_back") "pop %r14\nret\n")
	FUNC("bp_stored",
	     "sub $24,%rsp\nmov %rbp,8(%rsp)\nxor %ebp,%ebp\n"
	     AT("bp_stored") "mov 8(%rsp),%rbp\nadd $24,%rsp\n"
	     AT("bp_loaded") "ret\n")
	FUNC("bp_gone", "mov %rdi,%rbp\n" AT("bp_gone") "hlt\n")
	FUNC("branches",
	     "push %rbx\ntest %edi,%edi\nje 1f\nsub $16,%rsp\n"
	     AT("deeper") "call plain\nadd $16,%rsp\n"
	     "1:\n" AT("joined") "pop %rbx\njmp plain\n")
	FUNC("contradicts", "test %edi,%edi\nje 1f\npush %rbx\n1:\n" AT("unknown") "hlt\n")
	/* what is behind a call that does not return belongs to who jumps there */
	FUNC("noreturn",
	     "push %rbx\ntest %edi,%edi\nje 2f\ntest %esi,%esi\nje 1f\npop %rbx\nret\n"
	     "1: push %rax\n"
	     "call abort_like\n"
	     "2:\n" AT("after_noreturn") "pop %rbx\nret\n")
	/* large frames, page by page; r11 is where rsp will be */
	FUNC("probes",
	     "lea -0x8000(%rsp),%r11\n"
	     "1: sub $0x1000,%rsp\n"
	     AT("probing") "orq $0,(%rsp)\ncmp %r11,%rsp\njne 1b\n"
	     AT("probed") "add $0x8000,%rsp\nret\n")
	FUNC("switches",
	     "push %rbx\nsub $16,%rsp\nnotrack jmp *%rax\n"
	     AT("case_1") "call plain\njmp 1f\n"
	     AT("case_2") "nop\n"
	     "1: add $16,%rsp\npop %rbx\nret\n"
	     "ud2\n")
	/* a tail call by a pointer is no table: nothing tells what follows it */
	FUNC("tail",
	     "push %rbx\ncall plain\npop %rbx\n"
	     AT("before_tail") "jmp *%rax\n"
	     AT("behind_tail") "call plain\nret\n")
	/* no function: it returns from another depth than it was called at */
	FUNC("lies", "add $8,%rsp\n" AT("lies") "sub $16,%rsp\nret\n")
	FUNC("lies_more", AT("lies_more") "push %rbx\nret\n")
	FUNC("sp_from_memory",
	     "push %rbx\n" AT("still_known") "mov (%rdi),%rsp\n" AT("lost") "pop %rbx\nret\n")
	FUNC("copies", "mov %rsp,%r12\nand $-32,%rsp\n" AT("by_r12") "mov %r12,%rsp\n"
	     AT("copied_back") "ret\n")
	/* as gcc aligns a stack for good: by r10, then by the CFA kept in the frame */
	FUNC("aligned",
	     "lea 8(%rsp),%r10\nand $-64,%rsp\n"
	     AT("by_r10") "push -8(%r10)\npush %rbp\nmov %rsp,%rbp\n"
	     AT("r10_still") "push %r10\n"
	     AT("in_frame") "sub $72,%rsp\nsub %rax,%rsp\ncall plain\n"
	     AT("in_frame_alloca") "mov -8(%rbp),%r10\nleave\n"
	     AT("frame_left") "lea -8(%r10),%rsp\n"
	     AT("aligned_back") "ret\n")
	/* no GPR is written here, whatever the numbers look like */
	FUNC("vectors",
	     "push %rbp\nmov %rsp,%rbp\n"
	     "movaps %xmm1,%xmm4\nmovd %eax,%xmm5\nvpaddd %ymm1,%ymm2,%ymm4\n"
	     "vpaddd %zmm1,%zmm2,%zmm5\nmov $1,%ah\nmov $1,%ch\ncmp %rax,%rbp\ntest %esp,%esp\n"
	     "bt $1,%ebp\nmov %rsp,(%rdi)\npush %rsp\n"
	     AT("vectors") "leave\nret\n")
	/* and here one is */
	FUNC("writes",
	     "push %rbp\nmov %rsp,%rbp\nsub %rdi,%rsp\nmovmskps %xmm0,%ebp\n"
	     AT("written") "hlt\n")
	FUNC("reads_ssp",
	     "push %rbp\nmov %rsp,%rbp\nsub %rdi,%rsp\n"
	     AT("before_ssp") "endbr64\nrdsspq %rbp\n"
	     AT("behind_ssp") "hlt\n")
	/* cmpoxadd %rax,%rbp,(%rdi) */
	FUNC("compares",
	     "push %rbp\nmov %rsp,%rbp\nsub %rdi,%rsp\n.byte 0xc4,0xe2,0xf9,0xe0,0x2f\n"
	     AT("compared") "hlt\n")
	/* the part of branches_2 that is rarely run: known by the jump there */
	FUNC("branches_2", "push %rbx\npush %rcx\njmp rare.cold\nnop\n")
	".type rare.cold,@function\nrare.cold:\n"
	AT("cold") "call plain\nhlt\n" AT("cold_case") "call plain\nhlt\n.p2align 4\nnop\nhlt\n"
	".size rare.cold,.-rare.cold\n"
	/* nobody jumps there; so small it could be padding */
	".type lonely.cold,@function\nlonely.cold:\n" AT("lonely") "call plain\n.size lonely.cold,.-lonely.cold\n"
	/* the first is a table's by what was added, at another depth than the second */
	FUNC("switches_early",
	     "test %edi,%edi\nje 1f\nmovslq (%rdx,%rax,4),%rax\nadd %rdx,%rax\n"
	     AT("early_jump") "jmp *%rax\n"
	     AT("early_case") "mov %rdi,%rax\nhlt\n"
	     "1: push %rbx\nsub $16,%rsp\n"
	     AT("late_jump") "notrack jmp *%rcx\n"
	     AT("late_case") "mov %rdi,%rax\nhlt\n")
	/* bytes behind a table's jump that are no instruction */
	FUNC("switches_data",
	     "push %rbx\nsub $16,%rsp\n"
	     AT("before_data") "notrack jmp *%rax\n"
	     ".byte 0x06,0x06\nadd $16,%rsp\npop %rbx\nret\n")
	FUNC("converts", "push %rbx\n.byte 0x62,0xf1,0xff,0x08,0x7b,0xc0\n" AT("converted") "pop %rbx\nret\n")
	/* sub $8,%rsp as APX has it */
	FUNC("apx", "push %rbx\n.byte 0x62,0xf4,0xdc,0x18,0x83,0xec,0x08\n" AT("behind_apx") "hlt\n")
	/* one function comes to another's first byte with more on the stack than a call puts there */
	FUNC("comes_oddly", "push %rbx\njmp odd\n")
	".type odd,@function\nodd:\n" AT("odd") "mov %rdi,%rax\nhlt\n.size odd,.-odd\n"
	/* but what is no function says nothing */
	FUNC("comes_wrongly", "push %rbx\ntest %edi,%edi\nje even\nret\n")
	".type even,@function\neven:\n" AT("even") "mov %rdi,%rax\nhlt\n.size even,.-even\n"
	FUNC("abort_like", "push %rbx\n1: jmp 1b\n")
	/* data between functions is none */
	"data: .fill 64,1,0x06\n"
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
	CHECK_STR(all.origin, "code");
	CHECK_EQ(all.n_bad_fdes, 0);
	CHECK(all.n_by[ROWS_CODE] > 20);
	CHECK_EQ(all.n_by[ROWS_EH_FRAME], 0);
}

static uint32_t find(const struct rows *r, uint64_t vaddr)
{
	uint32_t rule = RINGPROF_CFA_GAP;

	for (uint32_t i = 0; i < r->n && r->base + r->rows[i].pc <= vaddr; i++)
		rule = r->rows[i].rule;
	return rule;
}

static uint32_t at(const char *symbol)
{
	uint64_t vaddr;

	make();
	vaddr = nm("rules", symbol);
	CHECK(vaddr);
	return find(&all, vaddr);
}

#define SP(off)	      ringprof_rule(RINGPROF_CFA_SP, (off) / 8, RINGPROF_BP_SAME, 0)
#define IS(name, ...) CHECK_EQ(at("at_" name), ringprof_rule(__VA_ARGS__))

TEST(pushes_and_pops)
{
	CHECK_EQ(at("at_entry"), SP(8));
	CHECK_EQ(at("at_pushed"), SP(16));
	CHECK_EQ(at("at_body"), SP(56));
	CHECK_EQ(at("at_called"), SP(56));
	CHECK_EQ(at("at_popping"), SP(16));
	CHECK_EQ(at("at_popped"), SP(8));
}

TEST(frame_pointers)
{
	IS("bp_saved", RINGPROF_CFA_SP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("by_bp", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("realigned", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("alloca", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	IS("lea_sp", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	CHECK_EQ(at("at_left"), SP(8));
}

TEST(rbp_as_any_register)
{
	IS("bp_slot", RINGPROF_CFA_SP, 3, RINGPROF_BP_AT_CFA, -3);
	CHECK_EQ(at("at_bp_back"), SP(16));
	IS("bp_stored", RINGPROF_CFA_SP, 4, RINGPROF_BP_AT_CFA, -3);
	CHECK_EQ(at("at_bp_loaded"), SP(8));
	IS("bp_gone", RINGPROF_CFA_SP, 1, RINGPROF_BP_UNKNOWN, 0);
}

TEST(ways_that_meet)
{
	CHECK_EQ(at("at_deeper"), SP(32));
	CHECK_EQ(at("at_joined"), SP(16));
	CHECK_EQ(at("at_unknown"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_after_noreturn"), SP(16));
	CHECK_EQ(at("at_cold"), SP(24));
	CHECK_EQ(at("at_cold_case"), SP(24));
	CHECK_EQ(at("at_lonely"), RINGPROF_CFA_GAP);
}

TEST(aligned_stacks)
{
	IS("by_r10", RINGPROF_CFA_REG, 0, RINGPROF_BP_SAME, 10);
	IS("r10_still", RINGPROF_CFA_REG, 0, RINGPROF_BP_UNKNOWN, 10);
	IS("in_frame", RINGPROF_CFA_BP_DEREF, -1, RINGPROF_BP_AT_BP, 0);
	IS("in_frame_alloca", RINGPROF_CFA_BP_DEREF, -1, RINGPROF_BP_AT_BP, 0);
	IS("frame_left", RINGPROF_CFA_REG, 0, RINGPROF_BP_SAME, 10);
	CHECK_EQ(at("at_aligned_back"), SP(8));
}

TEST(stack_probes)
{
	IS("probing", RINGPROF_CFA_REG, 0x8008 / 8, RINGPROF_BP_SAME, 11);
	CHECK_EQ(at("at_probed"), SP(0x8008));
}

TEST(jumps_by_table)
{
	CHECK_EQ(at("at_case_1"), SP(32));
	CHECK_EQ(at("at_case_2"), SP(32));
	CHECK_EQ(at("at_before_tail"), SP(8));
	CHECK_EQ(at("at_behind_tail"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_early_jump"), SP(8));
	CHECK_EQ(at("at_late_jump"), SP(32));
	/* nobody knows whose they are */
	CHECK_EQ(at("at_early_case"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_late_case"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_before_data"), SP(32));
}

TEST(first_bytes_that_others_jump_to)
{
	CHECK_EQ(at("at_odd"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_even"), SP(8));
}

TEST(what_is_no_function)
{
	CHECK_EQ(at("at_lies"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_lies_more"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_still_known"), SP(16));
	CHECK_EQ(at("at_lost"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("data"), RINGPROF_CFA_GAP);
}

TEST(registers_that_are_written)
{
	IS("by_r12", RINGPROF_CFA_REG, 1, RINGPROF_BP_SAME, 12);
	CHECK_EQ(at("at_copied_back"), SP(8));
	IS("vectors", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	CHECK_EQ(at("at_written"), RINGPROF_CFA_GAP);
	IS("before_ssp", RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2);
	CHECK_EQ(at("at_behind_ssp"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_compared"), RINGPROF_CFA_GAP);
	CHECK_EQ(at("at_converted"), SP(16));
	CHECK_EQ(at("at_behind_apx"), RINGPROF_CFA_GAP);
}

/* The rule at so many bytes behind a symbol */
struct expected {
	const char *symbol;
	uint32_t off, rule;
};

/* Makes a library of assembly, takes its symbols away and looks at where they were. */
static void compare_stripped(const char *name, const char *text, const struct expected *want,
			     size_t n)
{
	uint64_t at[8];
	struct rows r;

	CHECK(n <= 8);
	write_text("stripped.s", text);
	CHECK_EQ(sh("cc -shared -nostdlib -o %s stripped.s", name), 0);
	for (size_t i = 0; i < n; i++)
		at[i] = nm(name, want[i].symbol) + want[i].off;
	CHECK_EQ(sh("strip %s", name), 0);
	load(name, &r);
	for (size_t i = 0; i < n; i++)
		if (find(&r, at[i]) != want[i].rule)
			printf("# at %s + %u\n", want[i].symbol, want[i].off);
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(find(&r, at[i]), want[i].rule);
	rows_free(&r);
}

/*
 * A stripped library: `one` is called, `two` is pointed to, `three` both
 * aligned and pointed to but in the middle of `one`. Room makes it worth it.
 */
/* clang-format off */
static const char stripped[] =
	".text\n.p2align 4\n"
	"user: call one\nlea two(%rip),%rax\nlea three(%rip),%rax\nret\n"
	".p2align 4\none: push %rbx\nsub $64,%rsp\n"
	".p2align 4\nthree: call user\nadd $64,%rsp\npop %rbx\nret\n"
	".p2align 4\ntwo: push %rbx\ncall user\npop %rbx\nret\n"
	".p2align 4\nnobody: push %rbx\ncall user\npop %rbx\nret\n"
	".fill 8192,1,0x90\n"
	".section .note.GNU-stack,\"\"\n";
/* clang-format on */

TEST(functions_of_stripped_files)
{
	const struct expected want[] = {
		{ "one", 0, SP(8) },
		{ "one", 1, SP(16) },
		{ "three", 0, SP(80) },
		{ "two", 1, SP(16) }, /* nothing says that it is one: */
		{ "nobody", 1, RINGPROF_CFA_GAP },
	};

	compare_stripped("stripped", stripped, want, sizeof(want) / sizeof(want[0]));
}

/*
 * Aligned pointers into the middle of functions, behind a tail call: one whose only way out is a
 * jump back, one that takes more off the stack than it was called with. And a call that does not
 * return before a function that nobody named.
 */
/* clang-format off */
static const char labels[] =
	".text\n.p2align 4\n"
	"user: call one\ncall two\ncall three\nlea back(%rip),%rax\nlea pops(%rip),%rax\n"
	"call four\nlea tails(%rip),%rax\nlea inside(%rip),%rax\nret\n"
	".p2align 4\none: push %rbx\nsub $64,%rsp\n"
	"1: call user\nadd $64,%rsp\npop %rbx\njmp *%rax\n"
	".p2align 4\nback: inc %rax\njmp 1b\n"
	".p2align 4\ntwo: push %rbx\nsub $32,%rsp\ncall user\nadd $32,%rsp\npop %rbx\njmp *%rax\n"
	".p2align 4\npops: test %eax,%eax\nje 2f\nadd $32,%rsp\npop %rbx\n2: ret\n"
	/* this is a function: its tail call leads to one */
	".p2align 4\ntails: inc %rdi\njmp user\n"
	".p2align 4\nthree: push %rbx\ncall user\n"
	".p2align 4\nhidden: mov %rdi,%rax\n1: jmp 1b\n"
	/* what is known of it begins anew behind a part that is not: that is no function's beginning */
	".p2align 4\nfour: sub $24,%rsp\ncall user\njmp 2f\n"
	".p2align 4\ninside: inc %eax\njmp 2f\n"
	".p2align 4\n2: call user\nadd $24,%rsp\nret\n"
	".fill 8192,1,0x90\n"
	".section .note.GNU-stack,\"\"\n";
/* clang-format on */

TEST(labels_are_no_functions)
{
	const struct expected want[] = {
		{ "back", 0, RINGPROF_CFA_GAP },
		{ "pops", 0, RINGPROF_CFA_GAP },
		{ "tails", 0, SP(8) },
		{ "three", 1, SP(16) },
		{ "hidden", 0, RINGPROF_CFA_GAP },
		{ "inside", 0, RINGPROF_CFA_GAP },
	};

	compare_stripped("labels", labels, want, sizeof(want) / sizeof(want[0]));
}

/*
 * A function that is called, thirty that are pointed to, and the last one of .eh_frame: whatever
 * there is room for, the last is there.
 */
/* clang-format off */
static const char crowd[] =
	".text\n.p2align 4\n"
	"user: call one\n.irp k,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n"
	"lea many+16*\\k(%rip),%rax\n.endr\nret\n"
	".p2align 4\none: push %rbx\ncall user\npop %rbx\nret\n"
	".p2align 4\nmany: .rept 30\npush %rbx\ncall user\npop %rbx\nret\n.p2align 4\n.endr\n"
	"last: .cfi_startproc\n.cfi_def_cfa_offset 24\nnop\nhlt\n.cfi_endproc\n"
	".fill 8192,1,0x90\n"
	".section .note.GNU-stack,\"\"\n";
/* clang-format on */

TEST(room_for_a_part_of_the_code)
{
	struct rows_limits lim = { .max_rows = 8 };
	uint64_t last, many;
	int short_of = 0;

	write_text("crowd.s", crowd);
	CHECK_EQ(sh("cc -shared -nostdlib -o crowd crowd.s"), 0);
	last = nm("crowd", "last");
	many = nm("crowd", "many");
	CHECK_EQ(sh("strip crowd"), 0);
	for (; lim.max_rows < 400; lim.max_rows += 8) {
		cleanup_close int fd = open(built("crowd"), O_RDONLY | O_CLOEXEC);
		struct rows r;

		CHECK_EQ(rows_of_fd(&r, fd, &lim), 0);
		CHECK_EQ(ringprof_rows_ok(r.rows, r.n, 0), r.n);
		CHECK_EQ(find(&r, last), SP(24));
		short_of += find(&r, many + 1) == RINGPROF_CFA_GAP;
		rows_free(&r);
	}
	CHECK(short_of > 0 && short_of < 40);
}

/* What .eh_frame says is not looked at again. */
TEST(code_fills_gaps_alone)
{
	static const char text[] = ".text\n.type a,@function\na:\n.cfi_startproc\n"
				   ".cfi_def_cfa_offset 24\npush %rbx\nnop\npop "
				   "%rbx\nret\n.cfi_endproc\n.size a,.-a\n"
				   ".p2align 4\n.type b,@function\nb: push %rbx\nnop\npop "
				   "%rbx\nret\n.size b,.-b\n"
				   ".section .note.GNU-stack,\"\"\n";
	struct rows_limits lim = { .without = 1U << ROWS_CODE };
	cleanup_close int fd = -1;
	struct rows r;

	write_text("mixed.s", text);
	CHECK_EQ(sh("cc -shared -nostdlib -o mixed mixed.s"), 0);
	load("mixed", &r);
	CHECK_EQ(find(&r, nm("mixed", "a") + 1), SP(24));
	CHECK_EQ(find(&r, nm("mixed", "b") + 1), SP(16));
	CHECK_EQ(r.n_by[ROWS_EH_FRAME], 1);
	CHECK_EQ(r.n_by[ROWS_CODE], 3);
	rows_free(&r);
	fd = open(built("mixed"), O_RDONLY | O_CLOEXEC);
	CHECK_EQ(rows_of_fd(&r, fd, &lim), 0);
	CHECK_EQ(find(&r, nm("mixed", "b") + 1), RINGPROF_CFA_GAP);
	rows_free(&r);
}

int main(void)
{
	int r;

	build_init();
	r = tap_main();
	rows_free(&all);
	return r;
}
