// SPDX-License-Identifier: GPL-2.0
/*
 * What the daemon keeps and why:
 *
 *   PERFMON             the device, netlink control, perf events of new CPUs
 *   SYS_PTRACE          /proc/PID/{maps,exe,root} of other users' processes
 *   DAC_READ_SEARCH     binaries and debug files that only their owner reads
 *   SYSLOG              addresses in /proc/kallsyms, where it is not standard
 *                       input (service_kallsyms)
 *   CHECKPOINT_RESTORE  /proc/PID/map_files (deleted and overlaid files)
 *   SETUID, SETGID      readers of files (sym/reader.h) get a user of their own,
 *                       also those that are started again; not where the
 *                       daemon itself has one (user): that is theirs, too
 *   SYS_ADMIN           where the kernel knows no PERFMON (before 5.8); and, never in
 *                       force but while an event is opened (perf_open_cpu), where
 *                       perf_event_paranoid is over 2: Debian's kernels then ask for
 *                       it, and events are opened anew for a CPU that comes on line,
 *                       a reload, an idle host, a module that was loaded again
 */
#include "service.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/perf_open.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

static const unsigned int kept[] = { CAP_PERFMON, CAP_SYS_PTRACE,	  CAP_DAC_READ_SEARCH,
				     CAP_SYSLOG,  CAP_CHECKPOINT_RESTORE, CAP_SETUID,
				     CAP_SETGID };

/* Narrows libcap-ng's picture of this process to what it keeps of what it has. */
static void choose(bool root)
{
	bool admin = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN);
	bool have[ARRAY_SIZE(kept)];

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (have[i] && (root || (kept[i] != CAP_SETUID && kept[i] != CAP_SETGID)))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	if (admin && !have[0])
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN);
	else if (admin && perf_sysctl("perf_event_paranoid", 2) > 2)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED, CAP_SYS_ADMIN);
}

int service_drop_rights(const char *user, char *err, size_t errlen)
{
	struct passwd *pw = *user ? getpwnam(user) : NULL;
	capng_select_t set;
	int r;

	if (*user && !pw) {
		snprintf(err, errlen,
			 "user: '%s' does not exist; make it (useradd --system %s) or leave user "
			 "empty",
			 user, user);
		return -ENOENT;
	}
	capng_get_caps_process();
	/* else the bounding set is not ours to change */
	set = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_BOTH
								  : CAPNG_SELECT_CAPS;
	choose(!pw);
	if (pw)
		r = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
				    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	else
		r = capng_apply(set);
	if (r && pw) {
		snprintf(err, errlen,
			 "user: cannot become '%s' (libcap-ng error %d): that takes a daemon that "
			 "root starts by hand; leave user empty, of the service it is User= of the "
			 "unit",
			 user, r);
		return -EPERM;
	}
	if (r) {
		snprintf(err, errlen, "cannot give up rights (libcap-ng error %d)", r);
		return -EPERM;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		snprintf(err, errlen, "no_new_privs: %s", strerror(errno));
		return -errno;
	}
	return 0;
}
