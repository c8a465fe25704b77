/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reader of profile.proto, anyone's: bytes, gzip or plain, -> the merged tree
 * of one of its sample types. Pure function over a buffer; any thread.
 *
 * The file is hostile. What it unpacks to, what decoding it takes and what the
 * tree takes are limited each, and so is the time; every index and id is
 * checked. What is merely missing (functions, mappings, a stack) is told by
 * address or stands at the root; what contradicts itself is refused.
 */
#ifndef RINGPROF_EXPORT_PPROF_READ_H
#define RINGPROF_EXPORT_PPROF_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "query/query.h"

struct pprof_read_options {
	/* "alloc_space" or "alloc_space/bytes"; NULL: the file's default type, else its last */
	const char *sample_type;
	size_t max_raw;	  /* bytes after unzipping, 0: 512 MiB */
	size_t max_bytes; /* memory for decoding, and again for the tree, 0: 2 GiB */
	uint64_t max_ns;  /* run time of building the tree, 0: 30 s */
};

/* where the number of samples behind a value comes from */
enum pprof_counts {
	PPROF_COUNTED, /* a column of the file says */
	PPROF_PERIOD,  /* value / period */
	PPROF_ROWS,    /* not known: a row of the file counts as one */
};

struct pprof_info {
	char type[64], unit[32]; /* unit: "nanoseconds" and "bytes" whatever power the file has */
	enum pprof_counts counts;
};

/*
 * Values stand in the tree's self and total in info->unit, samples beside
 * them. duration, period (if of that unit), wall_from and wall_to are the
 * file's; windows and cpus are 0. Marks that ringprof wrote ("[lost: ...]",
 * "[truncated: ...]") count as they do in query_tree.
 *
 * 0; -EINVAL: no such sample type, or a diff (negative values); -EBADMSG: not
 * a profile, or it contradicts itself; -EFBIG, -ENOMEM, -ETIMEDOUT: a limit.
 * err tells people. Free with tree_free.
 */
int pprof_read(const void *data, size_t n, const struct pprof_read_options *opt, struct tree **ret,
	       struct pprof_info *info, char *err, size_t errlen);

/*
 * Appends what data holds when it is gzip (any number of members), or a copy,
 * to out: at most max bytes. 0; -EFBIG; -EBADMSG: broken or cut off; -ENOMEM.
 */
int pprof_unzip(const void *data, size_t n, size_t max, struct buf *out);

#endif
