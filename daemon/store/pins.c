// SPDX-License-Identifier: GPL-2.0
/* Pins need files: without a history on disk there is nothing that would go. */
#include <errno.h>
#include <stdio.h>

#include "store/store_int.h"

static int no_disk(char *err, size_t errlen)
{
	snprintf(err, errlen, "no history on disk: history-dir is empty or cannot be used");
	return -ENOTSUP;
}

int store_pin(struct store *s, uint64_t from, uint64_t to, const char *name, uint64_t *ret_id,
	      char *err, size_t errlen)
{
	return no_disk(err, errlen);
}

int store_unpin(struct store *s, uint64_t id)
{
	return -ENOENT;
}

int store_pins(struct store *s, int (*fn)(void *arg, const struct store_pin *p), void *arg)
{
	return 0;
}

int store_export(struct store *s, uint64_t from, uint64_t to, int fd, char *err, size_t errlen)
{
	return no_disk(err, errlen);
}

int store_import(struct store *s, int fd, uint64_t *ret_id, char *err, size_t errlen)
{
	return no_disk(err, errlen);
}
