/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Categories of frames (kernel, syscall, gc, lock, ...) by rules. A rule is a
 * line "CATEGORY FIELD EXPRESSION": FIELD is function, binary or kind (kernel,
 * user, jit, vdso, unknown), EXPRESSION an unanchored regular expression (PCRE2,
 * match limits). The first rule that matches decides; without one the built-in
 * rules are asked, and then the category is "business": a last rule
 * "business function ." leaves them out. '#' begins a comment line.
 */
#ifndef RINGPROF_QUERY_CATEGORY_H
#define RINGPROF_QUERY_CATEGORY_H

#include "query/query.h"

/*
 * Rules out of a text; where: what it is called in errors. 0; -ENOMEM; -EINVAL
 * with "WHERE:LINE: cause" in err. Immutable then, any thread. The reference is
 * the caller's.
 */
int categories_parse(struct categories **ret, const char *text, const char *where, char *err,
		     size_t errlen);
struct categories *categories_ref(struct categories *c); /* gives c; NULL is fine */
void categories_unref(struct categories *c);		 /* NULL is fine */
/* The rules ringprof comes with; NULL: no memory at the first call. Never freed. */
const struct categories *categories_builtin(void);
#define CATEGORY_NONE "business"

/*
 * What the rules say of a function; c NULL: the built-in ones alone. 1, *ret
 * lives as long as c; 0: no rule knows it; -ELOOP (match limit), -ENOMEM.
 */
int category_of(const struct categories *c, enum frame_kind kind, const char *binary,
		const char *function, const char **ret);

#endif
