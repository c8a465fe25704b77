// SPDX-License-Identifier: GPL-2.0
/*
 * Signal handlers that are busy: interrupting code anywhere in prologues and
 * libc, on the same stack, on an alternate one, and a handler in a handler.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "corpus.h"

static char altstack[1 << 16];
static volatile long seen;

NOINLINE static long busy(long n)
{
	spin((uint64_t)n);
	KEEP(n);
	return n + 1;
}

NOINLINE static long in_handler(long n)
{
	long r = busy(300 * SPIN) + busy(n);

	KEEP(r);
	return r + 1;
}

static void on_own_stack(int sig)
{
	seen += in_handler(sig);
	raise(SIGUSR1);
	seen++;
}

static void on_alternate(int sig)
{
	seen += in_handler(sig + 1);
	raise(SIGUSR2);
	seen++;
}

static void nested(int sig, siginfo_t *info, void *context)
{
	seen += in_handler(info->si_signo) + (context != NULL);
}

NOINLINE static long small_calls(long n)
{
	long r = 0;

	for (int i = 0; i < 50; i++) {
		r += busy(n & 15);
		KEEP(r);
	}
	return r;
}

NOINLINE static long interrupted(char *room, size_t size)
{
	long r;

	memset(room, 1, size);
	r = small_calls(room[0]) + (long)strlen(room);
	KEEP(r);
	return r;
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

int main(int argc, char **argv)
{
	static char room[8192];
	stack_t alt = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction info = { .sa_sigaction = nested, .sa_flags = SA_SIGINFO };
	struct itimerval own = { { 0, 3100 }, { 0, 3100 } }, other = { { 0, 4700 }, { 0, 4700 } };

	corpus_begin(argc, argv);
	sigaltstack(&alt, NULL);
	handle(SIGALRM, on_own_stack, SA_RESTART);
	handle(SIGPROF, on_alternate, SA_RESTART | SA_ONSTACK);
	sigaction(SIGUSR1, &info, NULL);
	sigaction(SIGUSR2, &info, NULL);
	setitimer(ITIMER_REAL, &own, NULL);
	setitimer(ITIMER_PROF, &other, NULL);
	while (corpus_running())
		for (int i = 0; i < 20; i++) {
			long r = interrupted(room, sizeof(room) - 1);

			KEEP(r);
		}
	return 0;
}
