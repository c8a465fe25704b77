// SPDX-License-Identifier: GPL-2.0
#include "source/absent.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DKMS_TREE "/var/lib/dkms/ringprof"

/* The first path that the pattern finds. */
static bool find(const char *pattern, char *path, size_t len)
{
	glob_t g;
	bool found = !glob(pattern, 0, NULL, &g);

	if (found) {
		snprintf(path, len, "%s", g.gl_pathv[0]);
		globfree(&g);
	}
	return found;
}

/*
 * dkms (3.0) keeps DKMS_TREE/VERSION/KERNEL/ARCH/module once it has built, and
 * DKMS_TREE/VERSION/build/make.log only when it failed.
 */
void absent_explain(struct absent *ret)
{
	char pattern[256], path[120];
	struct utsname u;

	uname(&u);
	if (access("/proc/modules", F_OK)) {
		snprintf(ret->why, sizeof(ret->why), "this kernel loads no modules");
		ret->fix = "";
		return;
	}
	snprintf(pattern, sizeof(pattern), DKMS_TREE "/*/%s", u.release);
	if (find(pattern, path, sizeof(path))) {
		snprintf(ret->why, sizeof(ret->why),
			 "dkms has built it for this kernel; if modprobe ringprof fails, dmesg "
			 "says "
			 "why");
		ret->fix = "modprobe ringprof";
	} else if (find(DKMS_TREE "/*/build/make.log", path, sizeof(path))) {
		snprintf(ret->why, sizeof(ret->why), "dkms could not build it, see %s", path);
		ret->fix = "dpkg-reconfigure ringprof-dkms";
	} else if (!access(DKMS_TREE, F_OK)) {
		snprintf(ret->why, sizeof(ret->why),
			 "dkms has not built it for %.64s: headers missing, or no "
			 "CONFIG_PERF_EVENTS",
			 u.release);
		ret->fix = "apt-get install linux-headers-$(uname -r)";
	} else {
		snprintf(ret->why, sizeof(ret->why), "not installed (package ringprof-dkms)");
		ret->fix = "apt-get install ringprof-dkms, or make dkms-install";
	}
}
