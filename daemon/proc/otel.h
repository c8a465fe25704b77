/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process says of itself in the environment it was started with, by
 * OpenTelemetry's convention: OTEL_SERVICE_NAME and three attributes of
 * OTEL_RESOURCE_ATTRIBUTES. An environment also holds passwords: nothing else
 * of it is kept, not even for the time of reading more than one entry.
 *
 * No state, any thread.
 */
#ifndef RINGPROF_PROC_OTEL_H
#define RINGPROF_PROC_OTEL_H

#include <stdbool.h>
#include <stddef.h>

#define OTEL_VALUE_MAX	 256	    /* longer values are cut */
#define OTEL_ENTRY_MAX	 8192	    /* longer entries are left out */
#define OTEL_ENVIRON_MAX (1U << 20) /* so much of an environment is looked at */

struct otel { /* "" where nothing is said */
	char service_name[OTEL_VALUE_MAX];
	char service_version[OTEL_VALUE_MAX];
	char environment[OTEL_VALUE_MAX];
};

/*
 * From an open /proc/PID/environ. 0 (also when nothing of it is there) or
 * -errno, then *ret is empty. The kernel refuses to read it through a file or
 * a userfaultfd that the process put in its place, so this does not wait.
 */
int otel_read_fd(int fd, struct otel *ret);
/*
 * The text of OTEL_RESOURCE_ATTRIBUTES ("key=value,key=value", both
 * percent-encoded). One that is malformed says nothing at all, as the
 * specification has it: false, *ret is empty.
 */
bool otel_attributes(const char *text, struct otel *ret);

#endif
