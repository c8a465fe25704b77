/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readable names from a reader of their own (sym/reader.h): a mangled name is a program
 * that strangers wrote, and the demanglers that run it are old and large. One question a
 * name, 11 us, where names are kept; symbol tables with readable names beside the others
 * were 55 to 75 % larger.
 *
 * A name that ended the reader is refused like a file that did.
 */
#ifndef RINGPROF_SYM_DEMANGLE_READ_H
#define RINGPROF_SYM_DEMANGLE_READ_H

#include "sym/reader.h"

/*
 * The readable form of a name shorter than SYM_NAME_MAX into out[outlen]: 1; 0: it has
 * none; or -errno as reader_ask. ret_ns: how long it took to answer. Any thread.
 */
int demangle_ask(struct reader *r, const char *name, char *out, size_t outlen, uint64_t *ret_ns);
/* The reader's side of it, see reader_serve_fn. */
int demangle_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret);

#endif
