// SPDX-License-Identifier: GPL-2.0
/* Calls through the PLT so many that some samples hit the stubs; libraries, TLS, callbacks. */
#include "corpus.h"
#include "libwork.h"

NOINLINE static long called_back(long n)
{
	spin(SPIN / 5);
	KEEP(n);
	return lib_work(n) + 1;
}

NOINLINE static void stubs(int n)
{
	while (n--)
		lib_nothing();
}

NOINLINE static long through_library(long n)
{
	static char room[512];
	long r = lib_outer(n) + lib_tail(n) + lib_tls(n);

	r += lib_callback(called_back, r) + (long)lib_text(room, sizeof(room));
	KEEP(r);
	return r + 1;
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running()) {
		long r = 0;

		stubs(20000);
		for (long i = 0; i < 50; i++) {
			r += through_library(i);
			KEEP(r);
		}
	}
	return 0;
}
