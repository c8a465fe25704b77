// SPDX-License-Identifier: GPL-2.0
/* See demangle_read.h. */
#include "sym/demangle_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sym/symbols.h"
#include "sym/symtab.h"

int demangle_ask(struct reader *r, const char *name, char *out, size_t outlen, uint64_t *ret_ns)
{
	XXH128_hash_t hash = XXH3_128bits(name, strlen(name));
	/* who is to blame is known by key and size */
	struct file blamed = { .path = name, .size = strlen(name) };
	const struct reader_question q = { .op = READER_DEMANGLE,
					   .file = &blamed,
					   .args = name,
					   .len = strlen(name),
					   .max_answer = outlen - 1 };
	struct reader_answer a;
	int ret;

	memcpy(blamed.key, &hash, sizeof(hash));
	ret = reader_ask(r, &q, &a);
	*ret_ns = a.ns;
	if (ret < 0)
		return ret;
	ret = ret == 1 && a.len && a.len < outlen && !memchr(a.data, '\0', a.len);
	if (ret) {
		memcpy(out, a.data, a.len);
		out[a.len] = '\0';
	}
	free(a.data);
	return ret;
}

int demangle_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	char out[SYM_READABLE_MAX];

	/* there is a NUL behind what comes */
	if (!q->len || q->len >= SYM_NAME_MAX || memchr(q->data, '\0', q->len))
		return -EINVAL;
	if (sym_demangle(q->data, out, sizeof(out)) != out)
		return 0;
	buf_append(ret, out, strlen(out));
	return 1;
}
