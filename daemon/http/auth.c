// SPDX-License-Identifier: GPL-2.0
/*
 * One credential, two dresses: bearer for programs that can set a header,
 * basic for those that only know user:password@host (pprof, browsers). Any
 * thread.
 */
#include "http/auth.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define MAX_BASIC 1024 /* decoded user:password */

/* No early end: the time says nothing about where they differ. */
static bool same(const char *a, size_t n, const char *token)
{
	size_t len = strlen(token);
	unsigned char diff = n != len;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a[i] ^ token[len ? i % len : 0]);
	return !diff && len;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678"
				     "9+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decodes up to max bytes; their number, or -1: no base64, or too long. */
static int base64_decode(const char *s, char *out, size_t max)
{
	uint32_t acc = 0;
	size_t n = 0, digits = 0;

	for (; *s && *s != '='; s++, digits++) {
		int d = base64_digit(*s);

		if (d < 0)
			return -1;
		acc = acc << 6 | (uint32_t)d;
		if (digits % 4 == 0)
			continue;
		if (n == max)
			return -1;
		out[n++] = (char)(acc >> (6 - 2 * (digits % 4)));
	}
	/* a single left-over digit is no byte; padding is optional but nothing may follow it */
	if (digits % 4 == 1 || s[strspn(s, "=")] || strlen(s) > 2)
		return -1;
	return (int)n;
}

static bool basic_ok(const char *text, const char *token)
{
	char plain[MAX_BASIC];
	int n = base64_decode(text, plain, sizeof(plain));
	const char *colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;

	return colon && same(colon + 1, (size_t)(plain + n - colon - 1), token);
}

bool auth_ok(const char *header, const char *token)
{
	if (!header)
		return false;
	if (!strncasecmp(header, "Bearer ", 7)) {
		header += 7 + strspn(header + 7, " ");
		return same(header, strlen(header), token);
	}
	if (!strncasecmp(header, "Basic ", 6))
		return basic_ok(header + 6 + strspn(header + 6, " "), token);
	return false;
}
