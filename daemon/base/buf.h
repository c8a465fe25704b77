/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A growable byte buffer. Failure to grow is remembered (err) and later
 * appends do nothing, so that writers check once at the end.
 */
#ifndef RINGPROF_BASE_BUF_H
#define RINGPROF_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NUL-terminated whenever not NULL */
	size_t len;
	size_t cap;
	int err; /* 0 or -ENOMEM */
};

void buf_free(struct buf *b);
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}
/* Makes room for n more bytes; 0 or -ENOMEM (also in b->err). */
int buf_reserve(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends s as the inside of a JSON string; bytes that are not UTF-8 become U+FFFD. */
void buf_json_escape(struct buf *b, const char *s);
/* Appends "s" with its quotes, escaped. */
void buf_json_string(struct buf *b, const char *s);
/* Appends s with bytes that are not valid UTF-8 replaced by U+FFFD. */
void buf_utf8(struct buf *b, const char *s);
/* Reads the whole file (procfs too) into b, at most max bytes; 0 or -errno (-EFBIG past max). */
int buf_read_file(struct buf *b, const char *path, size_t max);
int buf_read_fd(struct buf *b, int fd, size_t max);

/* Length of the valid UTF-8 sequence at s (NUL-terminated), 0 if there is none. */
size_t utf8_seq(const char *s);

#endif
