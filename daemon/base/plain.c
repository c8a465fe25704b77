// SPDX-License-Identifier: GPL-2.0
#include "base/plain.h"

#include <stddef.h>

/* Bytes of the control character that s begins with, 0: it begins with none. */
static size_t control(const char *s)
{
	unsigned char c = (unsigned char)s[0], next = c ? (unsigned char)s[1] : 0;

	/* U+0080 to U+009f: to a terminal U+009b is what ESC and [ are */
	if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
		return 2;
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

void plain_text(char *s)
{
	while (*s) {
		size_t n = control(s);

		for (size_t i = 0; i < n; i++)
			s[i] = ' ';
		s += n ? n : 1;
	}
}
