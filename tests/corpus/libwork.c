// SPDX-License-Identifier: GPL-2.0
/* The shared library of plt.c and load.c: small functions, some calling others by the PLT. */
#include <string.h>

#include "corpus.h"
#include "libwork.h"

static __thread long mine;

/* load.c loads two of these to the same addresses: not with the same code there */
#ifdef VARIANT_load1
long lib_padding(long n)
{
	char room[300];

	memset(room, (int)n, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");
	return room[n & 63] * n;
}
#endif

void lib_nothing(void)
{
	__asm__ volatile("");
}

long lib_work(long n)
{
	spin(SPIN / 10);
	KEEP(n);
	return n + 1;
}

long lib_outer(long n)
{
	long r = lib_work(n) + lib_work(n + 1);

	KEEP(r);
	return r + 1;
}

long lib_callback(long (*fn)(long), long n)
{
	long r = fn(n);

	KEEP(r);
	return r + lib_outer(r);
}

long lib_tail(long n)
{
	return lib_outer(n + 1);
}

/* general dynamic TLS: a call of __tls_get_addr in the middle */
long lib_tls(long n)
{
	mine += lib_work(n);
	return mine;
}

size_t lib_text(char *room, size_t size)
{
	memset(room, 'x', size - 1);
	room[size - 1] = '\0';
	return strlen(room);
}
