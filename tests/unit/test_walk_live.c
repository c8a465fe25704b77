// SPDX-License-Identifier: GPL-2.0
/*
 * walk_user() from end to end: this process's own registers and stack, taken
 * in a signal handler as perf takes them, walked by what the process table and
 * the tables of its files say. Every frame of a recursion notes its return
 * address: these must be found, in order, and behind them a root.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"
#include "test_proc_world.h"
#include "unwind/walk.h"

#define FRAMES 40
#define COPY   65536
#define ROOM   512

static struct {
	struct walk_input in;
	char stack[COPY];
	uint64_t ret[FRAMES];  /* of the recursion, innermost first */
	uint64_t slot[FRAMES]; /* where they stand */
	struct files *files;
	struct ptable *pt;
	struct tables *tables;
	uint64_t chain[ROOM];
	uint32_t n, flags;
	struct walk_counters c;
} w;

/* Through the kernel, so that no sanitizer looks at what is copied. */
static void copy_stack(uint64_t sp, size_t len)
{
	struct iovec to = { w.stack, len }, from = { (void *)(uintptr_t)sp, len };
	ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

	w.in.stack = w.stack;
	w.in.stack_len = n < 0 ? 0 : (size_t)n;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	static const int from[WALK_REGS] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
					     REG_RBP, REG_RSP, REG_R8,	REG_R9,	 REG_R10, REG_R11,
					     REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };
	const ucontext_t *uc = context;

	for (int i = 0; i < WALK_REGS; i++)
		w.in.regs[i] = (uint64_t)uc->uc_mcontext.gregs[from[i]];
	copy_stack(w.in.regs[WALK_SP], COPY);
}

__attribute__((noinline)) static int recurse(int n)
{
	int r = 0;

	w.ret[n] = (uint64_t)(uintptr_t)__builtin_return_address(0);
	w.slot[n] = (uint64_t)(uintptr_t)__builtin_dwarf_cfa() - 8;
	if (n)
		r = recurse(n - 1);
	else
		raise(SIGUSR1);
	__asm__ volatile("" : "+r"(r));
	return r + 1;
}

static void *in_thread(void *arg)
{
	recurse(FRAMES - 1);
	return NULL;
}

static void take_here(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	memset(&w.in, 0, sizeof(w.in));
	sigaction(SIGUSR1, &sa, NULL);
	recurse(FRAMES - 1);
	signal(SIGUSR1, SIG_DFL);
}

static void take_in_thread(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	pthread_t t;

	memset(&w.in, 0, sizeof(w.in));
	sigaction(SIGUSR1, &sa, NULL);
	CHECK_EQ(pthread_create(&t, NULL, in_thread, NULL), 0);
	pthread_join(t, NULL);
	signal(SIGUSR1, SIG_DFL);
}

static enum ringprof_end walk(struct process *p)
{
	w.n = ROOM;
	w.flags = 0;
	w.c = (struct walk_counters){ 0 };
	return walk_user(w.tables, w.pt, p, &w.in, w.chain, &w.n, &w.flags, &w.c);
}

/* The process as the table has it, with the tables of all that the stack runs through. */
static struct process *ourselves(void)
{
	struct ptable_config cfg = { 0 };
	struct tables_config tables = { 0 };
	struct process *p;

	w.files = files_new(1 << 20);
	w.pt = ptable_new(&cfg, w.files);
	w.tables = tables_new(&tables, w.files);
	CHECK(w.files && w.pt && w.tables);
	p = sample(w.pt, getpid());
	CHECK(p);
	/* each walk asks for the tables that it lacks */
	for (int i = 0; i < 4; i++) {
		walk(p);
		CHECK_EQ(tables_wait(w.tables, 60000000000ULL), 0);
	}
	return p;
}

static void forget(void)
{
	tables_free(w.tables);
	ptable_free(w.pt);
	files_free(w.files);
}

/* Where in the chain the recursion begins; w.n: nowhere. */
static uint32_t find_recursion(void)
{
	for (uint32_t i = 0; i + FRAMES <= w.n; i++) {
		if (!memcmp(w.chain + i, w.ret, sizeof(w.ret)))
			return i;
	}
	return w.n;
}

static void check_whole(enum ringprof_end why)
{
	printf("# %u frames, %d by rows, end %d\n", w.n, (int)w.c.row_frames, why);
	CHECK_EQ(why, RINGPROF_END_ROOT);
	CHECK(find_recursion() < w.n);
	CHECK_EQ(w.flags, RINGPROF_SAMPLE_ROWS);
	CHECK_EQ(w.c.row_frames, w.n);
	CHECK_EQ(w.c.fp_frames, 0);
}

TEST(the_main_thread_to_its_root)
{
	enum ringprof_end why;
	struct process *p;

	take_here();
	CHECK(w.in.stack_len > 0);
	p = ourselves();
	why = walk(p);
	check_whole(why);
	forget();
}

TEST(a_thread_to_its_root)
{
	enum ringprof_end why;
	struct process *p;

	take_in_thread();
	CHECK(w.in.stack_len > 0);
	p = ourselves();
	why = walk(p);
	check_whole(why);
	forget();
}

TEST(a_short_copy_is_cut_and_says_so)
{
	uint32_t whole, at;
	struct process *p;

	take_here();
	p = ourselves();
	walk(p);
	whole = w.n;
	at = find_recursion();
	CHECK(at < whole);
	/* in the middle of the recursion */
	w.in.stack_cut = true;
	w.in.stack_len = (size_t)(w.slot[FRAMES / 2] - w.in.regs[WALK_SP]) + 7;
	CHECK_EQ(walk(p), RINGPROF_END_STACK_CUT);
	CHECK_EQ(w.n, at + FRAMES / 2);
	CHECK(!memcmp(w.chain + at, w.ret, FRAMES / 2 * sizeof(*w.ret)));
	w.in.stack_cut = false;
	CHECK_EQ(walk(p), RINGPROF_END_FAULT);
	forget();
}

int main(void)
{
	return tap_main();
}
