// SPDX-License-Identifier: GPL-2.0
/* The daemon's side: what is asked of the reader, and how its answers are taken apart. */
#include "sym/lines_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sym/lines_msg.h"

/* A text of that many bytes and a NUL at *at, which is moved behind it; NULL: it is not there. */
static const char *take_text(const char **at, const char *end, uint32_t len)
{
	const char *s = *at;

	if (len >= (size_t)(end - s) || s[len] || memchr(s, '\0', len))
		return NULL;
	*at = s + len + 1;
	return s;
}

static const char *take_frame(const char *at, const char *end, struct dwarf_frame *ret)
{
	struct lines_frame f;

	if ((size_t)(end - at) < sizeof(f))
		return NULL;
	memcpy(&f, at, sizeof(f));
	at += sizeof(f);
	if (f.inlined > 1 || f.name_len > LINES_MAX_TEXT || f.file_len > LINES_MAX_TEXT)
		return NULL;
	ret->name = take_text(&at, end, f.name_len);
	ret->file = ret->name ? take_text(&at, end, f.file_len) : NULL;
	ret->line = f.line;
	ret->decl_line = f.decl_line;
	ret->inlined = f.inlined;
	return ret->file ? at : NULL;
}

int lines_parse(const void *data, size_t len, dwarf_emit emit, void *arg)
{
	const char *at = data, *end = at + len;
	struct dwarf_frame frames[DWARF_MAX_FRAMES];
	int n = 0;

	/* all of them before any is told */
	for (; at < end; n++) {
		if (n == DWARF_MAX_FRAMES)
			return -EINVAL;
		at = take_frame(at, end, &frames[n]);
		if (!at)
			return -EINVAL;
	}
	for (int i = 0; i < n; i++)
		emit(arg, &frames[i]);
	return n;
}

int lines_open(struct lines_open *o, struct reader *reader, struct file *file,
	       const struct dwarf_input *in)
{
	const struct lines_open_args x = { in->size, in->alt_size, in->max_bytes };
	struct reader_question q = { .op = READER_LINES_OPEN,
				     .file = file,
				     .args = &x,
				     .len = sizeof(x),
				     .fds = { in->fd, in->alt_fd },
				     .n_fds = in->alt_fd < 0 ? 1 : 2,
				     .open = in->open_split,
				     .arg = in->arg,
				     .max_answer = sizeof(struct lines_opened) };
	struct lines_opened done;
	struct reader_answer a;
	int err;

	*o = (struct lines_open){ .open_split = in->open_split, .arg = in->arg };
	if (!reader)
		return dwarf_open(&o->here, in);
	err = reader_ask(reader, &q, &a);
	if (err >= 0 && a.len != sizeof(done))
		err = -EINVAL;
	if (err >= 0) {
		memcpy(&done, a.data, sizeof(done));
		o->reader = reader;
		o->process = a.process;
		o->handle = done.handle;
		o->bytes = done.bytes;
	}
	free(a.data);
	return err;
}

bool lines_is_open(const struct lines_open *o)
{
	return o->here || o->reader;
}

void lines_shut(struct lines_open *o)
{
	const struct reader_question q = { .op = READER_LINES_CLOSE,
					   .args = &o->handle,
					   .len = sizeof(o->handle),
					   .process = o->process };
	struct reader_answer a;

	dwarf_close(o->here);
	/* one that has ended has closed it as well */
	if (o->reader && reader_ask(o->reader, &q, &a) >= 0)
		free(a.data);
	*o = (struct lines_open){ .here = NULL };
}

uint64_t lines_bytes(const struct lines_open *o)
{
	return o->here ? dwarf_bytes(o->here) : o->bytes;
}

int lines_at(struct lines_open *o, struct file *file, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	const struct lines_at_args x = { o->handle, vaddr };
	const struct reader_question q = { .op = READER_LINES_LOOKUP,
					   .file = file,
					   .args = &x,
					   .len = sizeof(x),
					   .open = o->open_split,
					   .arg = o->arg,
					   .max_answer = LINES_MAX_ANSWER,
					   .process = o->process };
	struct reader_answer a;
	struct lines_found f;
	int err;

	if (o->here)
		return dwarf_lookup(o->here, vaddr, emit, arg);
	err = reader_ask(o->reader, &q, &a);
	if (err >= 0 && a.len < sizeof(f))
		err = -EINVAL;
	if (err >= 0) {
		memcpy(&f, a.data, sizeof(f));
		o->bytes = f.bytes;
		err = f.status < 0 && f.status >= -4095 ? f.status
							: lines_parse((char *)a.data + sizeof(f),
								      a.len - sizeof(f), emit, arg);
	}
	free(a.data);
	return err;
}

int lines_go_by(struct reader *r, struct file *file, int fd, uint64_t vaddr, dwarf_emit emit,
		void *arg)
{
	const struct lines_at_args x = { file->size, vaddr };
	const struct reader_question q = { .op = READER_GO,
					   .file = file,
					   .args = &x,
					   .len = sizeof(x),
					   .fds = { fd },
					   .n_fds = 1,
					   .max_answer = LINES_MAX_ANSWER };
	struct reader_answer a;
	int err;

	if (!r)
		return lines_go(fd, file->size, vaddr, emit, arg);
	err = reader_ask(r, &q, &a);
	if (err >= 0)
		err = lines_parse(a.data, a.len, emit, arg);
	free(a.data);
	return err;
}
