/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernels with a reported bug that lies on a way we would go, by name. The
 * module's own ways have none that is known: what differs there is found by
 * probes (kmod/compat), and no address is read that a kernel was seen to trip on.
 */
#ifndef RINGPROF_SOURCE_KNOWN_BAD_H
#define RINGPROF_SOURCE_KNOWN_BAD_H

/*
 * Why perf must not walk user stacks by frame pointers on the kernel that
 * uname(2) tells of by these two, as a clause behind its name; NULL: nothing
 * is known against it.
 */
const char *known_bad_user_chains(const char *release, const char *version);

#endif
