// SPDX-License-Identifier: GPL-2.0
#include "base/readonly.h"

#include <errno.h>

const char *readonly_hint(int err)
{
	return err == -EROFS ? " (for the service: make the directory, owned by ringprof, and name "
			       "it by `systemctl edit ringprofd`: [Service] ReadWritePaths=DIR)"
			     : "";
}
