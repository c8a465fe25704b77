// SPDX-License-Identifier: GPL-2.0
/* The reader's side of lines_read.c. It has one thread: what is open stands here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sym/lines_msg.h"
#include "sym/lines_read.h"

static struct dwarf_info **opened;
static size_t n_opened, cap_opened;

static void put_frame(void *arg, const struct dwarf_frame *f)
{
	struct lines_frame x = { .line = f->line,
				 .decl_line = f->decl_line,
				 .name_len = (uint32_t)strnlen(f->name, LINES_MAX_TEXT),
				 .file_len = (uint32_t)strnlen(f->file, LINES_MAX_TEXT),
				 .inlined = f->inlined };

	buf_append(arg, &x, sizeof(x));
	buf_append(arg, f->name, x.name_len);
	buf_putc(arg, '\0');
	buf_append(arg, f->file, x.file_len);
	buf_putc(arg, '\0');
}

static int keep(struct dwarf_info *d, uint64_t *ret_handle)
{
	struct dwarf_info **room;
	size_t i = 0;

	while (i < n_opened && opened[i])
		i++;
	room = array_room(opened, &cap_opened, i + 1, sizeof(*room));
	if (!room)
		return -ENOMEM;
	opened = room;
	opened[i] = d;
	if (i == n_opened)
		n_opened++;
	*ret_handle = i;
	return 0;
}

int lines_serve_open(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct dwarf_input in = {
		.fd = q->fds[0], .alt_fd = q->fds[1], .open_split = reader_open, .arg = c
	};
	struct lines_open_args x;
	struct lines_opened done;
	struct dwarf_info *d;
	int r;

	if (q->len != sizeof(x) || in.fd < 0)
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	in.size = x.size;
	in.alt_size = x.alt_size;
	in.max_bytes = x.max_bytes;
	r = dwarf_open(&d, &in);
	if (r)
		return r;
	r = keep(d, &done.handle);
	if (r) {
		dwarf_close(d);
		return r;
	}
	done.bytes = dwarf_bytes(d);
	buf_append(ret, &done, sizeof(done));
	return 0;
}

int lines_serve_at(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct lines_found f = { 0 };
	struct lines_at_args x;

	if (q->len != sizeof(x))
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	if (x.handle >= n_opened || !opened[x.handle])
		return -ESTALE;
	buf_append(ret, &f, sizeof(f));
	f.status = dwarf_lookup(opened[x.handle], x.vaddr, put_frame, ret);
	f.bytes = dwarf_bytes(opened[x.handle]);
	if (ret->err)
		return ret->err;
	memcpy(ret->data, &f, sizeof(f));
	return 0;
}

int lines_serve_shut(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	uint64_t handle;

	if (q->len != sizeof(handle))
		return -EINVAL;
	memcpy(&handle, q->data, sizeof(handle));
	if (handle >= n_opened || !opened[handle])
		return -ESTALE;
	dwarf_close(opened[handle]);
	opened[handle] = NULL;
	return 0;
}

int lines_serve_go(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct lines_at_args x;

	if (q->len != sizeof(x) || q->fds[0] < 0)
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	return lines_go(q->fds[0], x.handle, x.vaddr, put_frame, ret);
}
