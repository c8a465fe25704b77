// SPDX-License-Identifier: GPL-2.0
#include "base/disabled.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int disabled_check(char *err, size_t errlen)
{
	/* what cannot be asked about (no right to search the directory) does not count as there */
	if (access(DISABLED_FILE, F_OK))
		return 0;
	snprintf(err, errlen,
		 "switched off: " DISABLED_FILE " is there; to profile again: "
		 "rm " DISABLED_FILE " && systemctl start ringprofd");
	return -ECANCELED;
}
