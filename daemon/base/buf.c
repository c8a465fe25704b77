// SPDX-License-Identifier: GPL-2.0
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void buf_free(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

int buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *p;

	if (b->err)
		return b->err;
	if (n > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		return b->err = -ENOMEM;
	if (b->data && b->len + n + 1 <= b->cap)
		return 0;
	while (cap < b->len + n + 1)
		cap *= 2;
	p = realloc(b->data, cap);
	if (!p)
		return b->err = -ENOMEM;
	b->data = p;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

void buf_append(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && !buf_reserve(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

static int is_cont(const unsigned char *s, size_t i)
{
	return (s[i] & 0xc0) == 0x80;
}

size_t utf8_seq(const char *str)
{
	const unsigned char *s = (const unsigned char *)str;

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return is_cont(s, 1) ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if (!is_cont(s, 1) || !is_cont(s, 2))
			return 0;
		/* overlong forms and surrogates */
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if (!is_cont(s, 1) || !is_cont(s, 2) || !is_cont(s, 3))
			return 0;
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

void buf_utf8(struct buf *b, const char *s)
{
	while (*s) {
		size_t n = utf8_seq(s);

		buf_append(b, n ? s : "\xef\xbf\xbd", n ? n : 3);
		s += n ? n : 1;
	}
}

static void json_ascii(struct buf *b, char c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_putc(b, '\\');
		buf_putc(b, c);
		break;
	case '\n':
		buf_puts(b, "\\n");
		break;
	case '\t':
		buf_puts(b, "\\t");
		break;
	default:
		/* < is escaped so that the text is safe inside HTML too */
		if ((unsigned char)c < 0x20 || c == 0x7f || c == '<')
			buf_printf(b, "\\u%04x", (unsigned int)c);
		else
			buf_putc(b, c);
	}
}

void buf_json_escape(struct buf *b, const char *s)
{
	while (*s) {
		size_t n = utf8_seq(s);

		if (n == 1)
			json_ascii(b, *s);
		else
			buf_append(b, n ? s : "\xef\xbf\xbd", n ? n : 3);
		s += n ? n : 1;
	}
}

void buf_json_string(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	buf_json_escape(b, s);
	buf_putc(b, '"');
}

int buf_read_fd(struct buf *b, int fd, size_t max)
{
	size_t start = b->len;

	for (;;) {
		ssize_t n;

		if (buf_reserve(b, 4096))
			return b->err;
		n = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (b->len - start > max)
			return -EFBIG;
	}
}

int buf_read_file(struct buf *b, const char *path, size_t max)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return buf_read_fd(b, fd, max);
}
