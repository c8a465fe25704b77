// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/stat and status. The name in stat stands in parentheses and may
 * hold parentheses, spaces and newlines itself: it ends at the last ')'.
 */
#include <stdio.h>
#include <string.h>

#include "proc/parse.h"

/* include/linux/sched.h, the same since 2.6.27 */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

bool stat_parse(const char *text, struct proc_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;
	unsigned int flags;
	long threads;
	size_t n;
	int ppid;

	if (!open || !close || close < open)
		return false;
	if (sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
		   &ret->state, &ppid, &flags, &threads, &start) != 5)
		return false;
	n = (size_t)(close - open - 1);
	if (n >= sizeof(ret->comm))
		n = sizeof(ret->comm) - 1;
	memcpy(ret->comm, open + 1, n);
	ret->comm[n] = '\0';
	ret->ppid = ppid;
	ret->kthread = flags & PF_KTHREAD;
	ret->ending = flags & PF_EXITING || ret->state == 'Z' || ret->state == 'X';
	ret->threads = threads > 0 ? (uint32_t)threads : 1;
	ret->start_time = start;
	return true;
}

bool status_uid(const char *text, uid_t *ret)
{
	const char *line = strstr(text, "\nUid:");
	unsigned int euid;

	if (!line || sscanf(line + 5, " %*u %u", &euid) != 1)
		return false;
	*ret = euid;
	return true;
}
