// SPDX-License-Identifier: GPL-2.0
#include "sym/table_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/elf_image.h"
#include "sym/gosym.h"

/* ---- reading ---- */

/* 1 it has one, 0 it has none, -ENOMEM */
static int add_debug_symtab(const struct table_input *in, struct symtab_builder *b)
{
	cleanup_close int fd = -1;
	struct elf_image e;
	uint64_t size;
	int r;

	fd = in->open ? in->open(in->arg, "", "", &size) : -ENOENT;
	if (fd < 0)
		return 0;
	r = elf_open_fd(&e, fd, size);
	if (!r) {
		r = elf_add_symtab(&e, b);
		elf_close(&e);
	}
	return r == -ENOMEM ? r : r > 0;
}

/* Parts that cannot be read are left out: a file may be damaged in one and good in another. */
static int add_all(const struct table_input *in, struct elf_image *e, struct symtab_builder *b,
		   bool *ret_bare)
{
	int own = elf_add_symtab(e, b), r = own;

	if (own <= 0 && own != -ENOMEM)
		r = add_debug_symtab(in, b);
	*ret_bare = r <= 0;
	if (r <= 0 && r != -ENOMEM)
		r = elf_add_debugdata(e, b);
	if (r <= 0 && r != -ENOMEM)
		r = elf_add_gopclntab(e, b);
	if (r != -ENOMEM)
		r = elf_add_dynsym(e, b);
	if (r != -ENOMEM)
		r = elf_add_plt(e, b);
	if (r != -ENOMEM)
		r = elf_add_entry(e, b);
	return r == -ENOMEM ? r : 0;
}

int table_read(const struct table_input *in, struct symtab *ret, bool *ret_bare)
{
	struct symtab_builder b = { .max_names = in->max_names };
	struct elf_image e;
	int r = elf_open_fd(&e, in->fd, in->size);

	if (r)
		return r;
	r = add_all(in, &e, &b, ret_bare);
	elf_close(&e);
	if (r) {
		symtab_builder_free(&b);
		return r;
	}
	return symtab_finish(&b, ret);
}

/* ---- by a reader ---- */

struct question {
	uint64_t size, max_names;
};

struct answer {
	uint64_t n, names_len;
	uint32_t bare, reserved;
};

_Static_assert(sizeof(struct answer) % 8 == 0, "the symbols stand aligned");

#define MAX_ANSWER \
	(sizeof(struct answer) + SYMTAB_MAX_SYMBOLS * sizeof(struct sym) + (size_t)SYMTAB_MAX_NAMES)

int table_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct table_input in = { .fd = q->fds[0], .open = reader_open, .arg = c };
	struct answer a = { 0 };
	struct question x;
	struct symtab t;
	bool bare;
	int r;

	if (q->len != sizeof(x) || in.fd < 0)
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	in.size = x.size;
	in.max_names = x.max_names;
	r = table_read(&in, &t, &bare);
	if (r)
		return r;
	a.n = t.n;
	a.names_len = t.names_len;
	a.bare = bare;
	buf_reserve(ret, sizeof(a) + t.n * sizeof(*t.syms) + t.names_len);
	buf_append(ret, &a, sizeof(a));
	buf_append(ret, t.syms, t.n * sizeof(*t.syms));
	buf_append(ret, t.names, t.names_len);
	symtab_free(&t);
	return 0;
}

int table_parse(const void *data, size_t len, struct symtab *ret, bool *ret_bare)
{
	const char *at = (const char *)data + sizeof(struct answer);
	struct symtab t = { 0 };
	struct answer a;

	if (len < sizeof(a))
		return -EINVAL;
	memcpy(&a, data, sizeof(a));
	if (a.n > SYMTAB_MAX_SYMBOLS || a.names_len > SYMTAB_MAX_NAMES || a.bare > 1 ||
	    len != sizeof(a) + a.n * sizeof(*t.syms) + a.names_len)
		return -EINVAL;
	t.n = a.n;
	t.names_len = a.names_len;
	t.syms = malloc((t.n ? t.n : 1) * sizeof(*t.syms));
	t.names = malloc(t.names_len ? t.names_len : 1);
	if (!t.syms || !t.names) {
		symtab_free(&t);
		return -ENOMEM;
	}
	memcpy(t.syms, at, t.n * sizeof(*t.syms));
	memcpy(t.names, at + t.n * sizeof(*t.syms), t.names_len);
	if (!symtab_ok(&t)) {
		symtab_free(&t);
		return -EINVAL;
	}
	symtab_index(&t);
	*ret = t;
	*ret_bare = a.bare;
	return 0;
}

int table_read_by(struct reader *r, struct file *file, const struct table_input *in,
		  struct symtab *ret, bool *ret_bare)
{
	const struct question x = { in->size, in->max_names };
	const struct reader_question q = { .op = READER_TABLE,
					   .file = file,
					   .args = &x,
					   .len = sizeof(x),
					   .fds = { in->fd },
					   .n_fds = 1,
					   .open = in->open,
					   .arg = in->arg,
					   .max_answer = MAX_ANSWER };
	struct reader_answer a;
	int err;

	if (!r)
		return table_read(in, ret, ret_bare);
	err = reader_ask(r, &q, &a);
	if (err >= 0)
		err = table_parse(a.data, a.len, ret, ret_bare);
	free(a.data);
	return err;
}
