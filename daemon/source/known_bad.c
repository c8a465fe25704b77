// SPDX-License-Identifier: GPL-2.0
#include "source/known_bad.h"

#include <stddef.h>
#include <string.h>

/* a release is the name up to the flavour; what distribution built it is in the version */
static const struct {
	const char *release, *version, *why;
} user_chains[] = {
	/* github.com/coroot/coroot-node-agent issue 275 */
	{ "6.11.0-19-", "Ubuntu",
	  "its perf_callchain_user() was seen to crash the host under load" },
};

const char *known_bad_user_chains(const char *release, const char *version)
{
	for (size_t i = 0; i < sizeof(user_chains) / sizeof(user_chains[0]); i++)
		if (!strncmp(release, user_chains[i].release, strlen(user_chains[i].release)) &&
		    strstr(version, user_chains[i].version))
			return user_chains[i].why;
	return NULL;
}
