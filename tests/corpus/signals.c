// SPDX-License-Identifier: GPL-2.0
/*
 * Signal handlers that are busy: interrupting code anywhere in prologues and
 * libc, and a handler in a handler. With ALTSTACK on an alternate stack: a
 * source that copies one stack cannot see what was interrupted.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "corpus.h"

#ifdef ALTSTACK
#define FLAGS SA_ONSTACK
#else
#define FLAGS 0
#endif

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

static void handler(int sig)
{
	seen += in_handler(sig);
	raise(SIGUSR1);
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

int main(int argc, char **argv)
{
	static char room[8192];
	stack_t alt = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction busy_one = { .sa_handler = handler, .sa_flags = SA_RESTART | FLAGS };
	struct sigaction info = { .sa_sigaction = nested, .sa_flags = SA_SIGINFO };
	struct itimerval timer = { { 0, 3100 }, { 0, 3100 } };

	corpus_begin(argc, argv);
	if (sigaltstack(&alt, NULL) || sigaction(SIGALRM, &busy_one, NULL) ||
	    sigaction(SIGUSR1, &info, NULL) || setitimer(ITIMER_REAL, &timer, NULL))
		return 1;
	while (corpus_running())
		for (int i = 0; i < 20; i++) {
			long r = interrupted(room, sizeof(room) - 1);

			KEEP(r);
		}
	return 0;
}
