// SPDX-License-Identifier: GPL-2.0
/*
 * The walker against the truth, at every instruction: a program built without
 * frame pointers is single-stepped from its first instruction to its exit. Its
 * calls and returns are followed on a shadow stack, and after each step the
 * walker must find exactly that: in prologues and epilogues, PLT slots, the
 * dynamic linker, libc's assembly, signal handlers and on their alternate
 * stack, with the rows that are compiled from the files' unwind information.
 */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "tap.h"
#include "test_sym_build.h"
#include "test_walk_case.h"
#include "unwind/rows.h"
#include "unwind/walk.h"

#define MAX_SPANS  64
#define MAX_TABLES 16
#define MAX_DEPTH  512
#define COPY	   4096 /* bytes of stack that each step copies; what is above is read by word */
#define MAX_STEPS  3000000
#define TOLD	   8 /* mistakes that are printed */

struct table {
	char path[256];
	struct rows rows;
	uint32_t *index;
	struct ringprof_table view;
};

/* a call that has not returned, or what a signal interrupted */
struct call {
	uint64_t slot; /* where the return address is */
	uint64_t ret;  /* as the chain has it */
	bool signal;
};

static struct {
	pid_t pid;
	struct user_regs_struct regs;
	struct walk_span span[MAX_SPANS];
	uint32_t n_spans;
	struct table table[MAX_TABLES];
	uint32_t n_tables;
	struct call call[MAX_DEPTH];
	uint32_t depth;
	uint8_t code[16], stack[COPY];
	size_t stack_len;
	uint64_t steps, frames, by_rows, roots, cut, gaps, wrong, deepest, signals;
} t;

static void index_rows(struct table *e)
{
	const struct rows *r = &e->rows;
	struct ringprof_table *v = &e->view;
	uint32_t row = 0;

	*v = (struct ringprof_table){ .rows = r->rows, .base = r->base, .n_rows = r->n, .shift = 6 };
	v->n_index = (r->n ? r->rows[r->n - 1].pc >> v->shift : 0) + 2;
	e->index = calloc(v->n_index, sizeof(*e->index));
	CHECK(e->index);
	for (uint32_t i = 0; i < v->n_index; i++) {
		while (row < r->n && r->rows[row].pc < (uint64_t)i << v->shift)
			row++;
		e->index[i] = row;
	}
	v->index = e->index;
}

static int vdso_rows(struct rows *r)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *eh = (const void *)image;

	return image ? rows_of_mem(r, image, eh->e_shoff + (size_t)eh->e_shentsize * eh->e_shnum,
				   NULL)
		     : -ENOENT;
}

/* Of a file that the program maps; compiled at its first sight. */
static struct table *table_of(const char *path)
{
	struct table *e;
	int fd, r;

	for (uint32_t i = 0; i < t.n_tables; i++) {
		if (!strcmp(t.table[i].path, path))
			return &t.table[i];
	}
	CHECK(t.n_tables < MAX_TABLES);
	e = &t.table[t.n_tables++];
	snprintf(e->path, sizeof(e->path), "%s", path);
	if (!strcmp(path, "[vdso]")) {
		r = vdso_rows(&e->rows);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : rows_of_fd(&e->rows, fd, NULL);
		if (fd >= 0)
			close(fd);
	}
	CHECK_EQ(r, 0);
	index_rows(e);
	return e;
}

static void read_maps(void)
{
	unsigned long long start, end, off;
	char name[64], line[512], path[256], perms[8];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", t.pid);
	f = fopen(name, "r");
	CHECK(f);
	t.n_spans = 0;
	while (fgets(line, sizeof(line), f)) {
		struct walk_span *s = &t.span[t.n_spans];
		struct table *e;

		*path = 0;
		if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %255s", &start, &end, perms, &off,
			   path) < 4 ||
		    perms[2] != 'x' || (*path != '/' && strcmp(path, "[vdso]")))
			continue;
		CHECK(t.n_spans < MAX_SPANS);
		e = table_of(path);
		*s = (struct walk_span){ .start = start, .end = end };
		for (uint64_t at = start; at < end && !s->table; at += 16) {
			if (walk_bias(e->rows.segments, e->rows.n_segments, at, at - start + off,
				      &s->bias))
				s->table = &e->view;
		}
		t.n_spans++;
	}
	fclose(f);
}

static bool known_span(uint64_t addr, struct walk_span *ret)
{
	for (uint32_t i = 0; i < t.n_spans; i++) {
		if (addr - t.span[i].start < t.span[i].end - t.span[i].start) {
			*ret = t.span[i];
			return true;
		}
	}
	return false;
}

static bool span(void *arg, uint64_t addr, struct walk_span *ret)
{
	if (known_span(addr, ret))
		return true;
	read_maps();
	return known_span(addr, ret);
}

static bool read_word(void *arg, uint64_t addr, uint64_t *ret)
{
	struct iovec to = { ret, 8 }, from = { (void *)(uintptr_t)addr, 8 };

	return process_vm_readv(t.pid, &to, 1, &from, 1, 0) == 8;
}

/* Registers, the instruction and the top of the stack, as they are now. */
static void take_state(void)
{
	struct iovec to, from;
	ssize_t n;

	CHECK_EQ(ptrace(PTRACE_GETREGS, t.pid, NULL, &t.regs), 0);
	to = (struct iovec){ t.code, sizeof(t.code) };
	from = (struct iovec){ (void *)(uintptr_t)t.regs.rip, sizeof(t.code) };
	memset(t.code, 0, sizeof(t.code));
	process_vm_readv(t.pid, &to, 1, &from, 1, 0);
	to = (struct iovec){ t.stack, sizeof(t.stack) };
	from = (struct iovec){ (void *)(uintptr_t)t.regs.rsp, sizeof(t.stack) };
	n = process_vm_readv(t.pid, &to, 1, &from, 1, 0);
	t.stack_len = n < 0 ? 0 : (size_t)n;
}

/* Is the instruction a call? Prefixes, then E8, or FF /2. */
static bool is_call(const uint8_t *p)
{
	while (*p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3 || *p == 0x2e || *p == 0x3e)
		p++;
	if ((*p & 0xf0) == 0x40)
		p++;
	return *p == 0xe8 || (*p == 0xff && (p[1] >> 3 & 7) == 2);
}

static bool is_syscall(const uint8_t *p)
{
	return p[0] == 0x0f && p[1] == 0x05;
}

static void push(struct call c)
{
	CHECK(t.depth < MAX_DEPTH);
	t.call[t.depth++] = c;
	if (t.depth > t.deepest)
		t.deepest = t.depth;
}

/* Whatever lies below the stack pointer has returned or was jumped over. */
static void drop_returned(void)
{
	while (t.depth && !t.call[t.depth - 1].signal && t.call[t.depth - 1].slot < t.regs.rsp)
		t.depth--;
}

static void drop_signal(void)
{
	while (t.depth && !t.call[t.depth - 1].signal)
		t.depth--;
	CHECK(t.depth);
	t.depth--;
}

static void tell(const uint64_t *chain, uint32_t n, enum ringprof_end why)
{
	struct walk_span s = { 0 };
	const char *path = "?";

	if (++t.wrong > TOLD)
		return;
	known_span(t.regs.rip, &s);
	for (uint32_t i = 0; i < t.n_tables; i++)
		path = s.table == &t.table[i].view ? t.table[i].path : path;
	printf("# step %llu: at %s+0x%llx, sp %llx, end %d\n", (unsigned long long)t.steps, path,
	       (unsigned long long)(t.regs.rip - s.bias), t.regs.rsp, why);
	for (uint32_t i = 0; i < n || i < t.depth; i++)
		printf("#   found %llx, is %llx\n", i < n ? (unsigned long long)chain[i] : 0ULL,
		       i < t.depth ? (unsigned long long)t.call[t.depth - 1 - i].ret : 0ULL);
}

static bool leaf_has_row(void)
{
	struct walk_span s = { 0 };

	return span(NULL, t.regs.rip, &s) && s.table &&
	       ringprof_rule_cfa(ringprof_row_find(s.table, t.regs.rip - s.bias));
}

/* Does the walker find the shadow stack? */
static void compare(void)
{
	const struct user_regs_struct *r = &t.regs;
	struct walk_input in = { .regs = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp,
					   r->rsp, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13,
					   r->r14, r->r15, r->rip },
				 .stack = t.stack,
				 .stack_len = t.stack_len };
	struct walk_space space = { span, read_word, NULL };
	uint32_t n = MAX_DEPTH, flags = 0;
	struct walk_counters c = { 0 };
	uint64_t chain[MAX_DEPTH];
	enum ringprof_end why = walk_space(&space, &in, chain, &n, &flags, &c);
	bool whole = why == RINGPROF_END_ROOT || why == RINGPROF_END_FP_ZERO, ok;

	/* cut is not wrong: what was found must be the truth, and be called cut */
	ok = whole ? n == t.depth : n < t.depth && why == RINGPROF_END_OPAQUE;
	t.cut += ok && !whole;
	for (uint32_t i = 0; ok && i < n; i++)
		ok = chain[i] == t.call[t.depth - 1 - i].ret;
	/* crt1's and the linker's own few instructions tell nothing about their frames */
	if (!ok && !leaf_has_row()) {
		t.gaps++;
		return;
	}
	t.frames += n;
	t.by_rows += c.row_frames;
	t.roots += why == RINGPROF_END_ROOT;
	if (ok)
		case_keep(&space, &in, chain, n);
	else
		tell(chain, n, why);
}

/* Steps once; false: the program is gone. A signal on its way is let through. */
static bool step(int *sig, int *ret_status)
{
	CHECK_EQ(ptrace(PTRACE_SINGLESTEP, t.pid, NULL, (void *)(intptr_t)*sig), 0);
	CHECK_EQ(waitpid(t.pid, ret_status, 0), t.pid);
	if (!WIFSTOPPED(*ret_status))
		return false;
	*sig = WSTOPSIG(*ret_status) == SIGTRAP ? 0 : WSTOPSIG(*ret_status);
	return true;
}

/* The shadow stack over the step that was made from `before`. */
static void follow(const struct user_regs_struct *before, bool call, bool sigreturn, int delivered)
{
	uint64_t top = 0;

	if (t.stack_len >= 8)
		memcpy(&top, t.stack, 8);
	if (delivered) {
		t.signals++;
		push((struct call){ .ret = before->rip + 1, .signal = true });
		push((struct call){ .slot = t.regs.rsp, .ret = top });
		return;
	}
	if (sigreturn)
		drop_signal();
	drop_returned();
	if (call && t.regs.rsp == before->rsp - 8)
		push((struct call){ .slot = t.regs.rsp, .ret = top });
}

static int run_to_exit(void)
{
	int sig = 0, status = 0;

	for (t.steps = 0; t.steps < MAX_STEPS; t.steps++) {
		struct user_regs_struct before = t.regs;
		bool call = is_call(t.code), sigreturn = is_syscall(t.code) && before.rax == 15;
		int delivered = sig;

		if (!step(&sig, &status))
			return status;
		take_state();
		/* stopped before a signal is delivered: no instruction has run */
		if (!sig || delivered || t.regs.rip != before.rip)
			follow(&before, call, sigreturn, delivered);
		compare();
	}
	TAP_FAIL("no end after %d steps", MAX_STEPS);
}

static void forget(void)
{
	for (uint32_t i = 0; i < t.n_tables; i++) {
		rows_free(&t.table[i].rows);
		free(t.table[i].index);
	}
	memset(&t, 0, sizeof(t));
}

/* Every instruction of the program; what was found is in t. */
static void trace(const char *path)
{
	int status;

	forget();
	t.pid = fork();
	CHECK(t.pid >= 0);
	if (!t.pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execle(path, path, (char *)NULL, (char *[]){ NULL });
		_exit(127);
	}
	CHECK_EQ(waitpid(t.pid, &status, 0), t.pid);
	CHECK(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, t.pid, NULL, (void *)PTRACE_O_EXITKILL);
	take_state();
	read_maps();
	status = run_to_exit();
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
	printf("# %llu instructions, %llu frames (%llu by rows), deepest %llu: %llu to a root, "
	       "%llu "
	       "cut, %llu without rows, %llu wrong\n",
	       (unsigned long long)t.steps, (unsigned long long)t.frames,
	       (unsigned long long)t.by_rows, (unsigned long long)t.deepest,
	       (unsigned long long)t.roots, (unsigned long long)t.cut, (unsigned long long)t.gaps,
	       (unsigned long long)t.wrong);
}

static const char *const program =
	"#define _GNU_SOURCE\n"
	"#include <alloca.h>\n"
	"#include <setjmp.h>\n"
	"#include <signal.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <string.h>\n"
	"#include <time.h>\n"
	"#define NOINLINE __attribute__((noinline, noclone))\n"
	"static volatile int sink;\n"
	"static jmp_buf jump;\n"
	"NOINLINE static int leaf(int n) { return n * 3 + sink; }\n"
	"NOINLINE static int tail(int n) { sink++; return leaf(n + 1); }\n"
	"NOINLINE static int deep(int n, int a, int b, int c, int d, int e, int f, int g)\n"
	"{\n"
	"	int r = n ? deep(n - 1, b, c, d, e, f, g, a + sink) : tail(g);\n"
	"	__asm__ volatile(\"\" : \"+r\"(r)); /* no loop of it */\n"
	"	return r + a * b + c;\n"
	"}\n"
	"NOINLINE static int dynamic(int n)\n"
	"{\n"
	"	char *p = alloca(n);\n"
	"	memset(p, sink, n);\n"
	"	return p[n / 2] + leaf(n);\n"
	"}\n"
	"NOINLINE static int realigned(int n)\n"
	"{\n"
	"	volatile char big[128] __attribute__((aligned(64)));\n"
	"	char *p = alloca(n);\n"
	"	memset(p, 1, n);\n"
	"	big[n & 7] = (char)n;\n"
	"	return big[1] + p[0] + leaf(n);\n"
	"}\n"
	"NOINLINE static int many(int a, int b, int c, int d, int e, int f, int g, int h, int i)\n"
	"{\n"
	"	return leaf(a) + leaf(b) + leaf(c) + d + e + f + leaf(g) + h + leaf(i);\n"
	"}\n"
	"NOINLINE static void leap(int n) { if (n) leap(n - 1); longjmp(jump, 1 + sink); }\n"
	"static int order(const void *a, const void *b) { return *(int *)a - *(int *)b + leaf(0) * "
	"0; }\n"
	"static void on_signal(int sig) { sink += deep(2, 1, 2, 3, 4, 5, 6, 7); }\n"
	"int main(void)\n"
	"{\n"
	"	static char other[65536] __attribute__((aligned(16)));\n"
	"	stack_t alt = { .ss_sp = other, .ss_size = sizeof(other) };\n"
	"	struct sigaction sa = { .sa_handler = on_signal };\n"
	"	int v[9] = { 5, 3, 9, 1, 7, 2, 8, 6, 4 };\n"
	"	struct timespec ts;\n"
	"	char text[100];\n"
	"	sink += deep(12, 1, 2, 3, 4, 5, 6, 7) + dynamic(100) + realigned(50);\n"
	"	sink += many(1, 2, 3, 4, 5, 6, 7, 8, 9);\n"
	"	qsort(v, 9, sizeof(*v), order);\n"
	"	if (!setjmp(jump)) leap(3);\n"
	"	snprintf(text, sizeof(text), \"%d %s %.3f\", sink, \"text\", 1.5);\n"
	"	clock_gettime(CLOCK_MONOTONIC, &ts);\n"
	"	sigaction(SIGUSR1, &sa, NULL);\n"
	"	raise(SIGUSR1);\n"
	"	sigaltstack(&alt, NULL);\n"
	"	sa.sa_flags = SA_ONSTACK;\n"
	"	sigaction(SIGUSR2, &sa, NULL);\n"
	"	raise(SIGUSR2);\n"
	"	free(malloc(strlen(text) + 1));\n"
	"	return v[0] != 1;\n"
	"}\n";

/* Builds the program this way and goes through all of it. */
static void every_instruction(const char *options)
{
	write_text("program.c", program);
	CHECK_EQ(sh("${CC:-cc} -fomit-frame-pointer -fno-stack-protector %s -o program program.c",
		    options),
		 0);
	trace(built("program"));
	CHECK_EQ(t.wrong, 0);
	CHECK_EQ(t.signals, 2);
	/* the resolver of lazy binding has its CFA in rbx: its callees' stacks are cut there */
	CHECK(t.cut < t.steps / 10);
	CHECK(t.gaps < t.steps / 100);
	CHECK(t.roots > t.steps / 100 * 89);
	CHECK(t.deepest >= 15);
	CHECK(t.by_rows > t.steps);
}

TEST(dynamic_program_from_the_linker_to_exit)
{
	every_instruction("-O2 -Wl,-z,lazy");
}

TEST(static_program)
{
	every_instruction("-O2 -static");
}

TEST(unoptimised_position_independent)
{
	every_instruction("-O0 -fPIE -pie -Wl,-z,now");
}

TEST(optimised_for_size)
{
	every_instruction("-Os -static-pie -fPIE");
}

int main(void)
{
	int r;

	build_init();
	r = tap_main();
	forget();
	return r;
}
