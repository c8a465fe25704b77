/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Host header, against DNS rebinding: a page of any site can make the
 * browser ask us under that site's own name, and would be read as same-origin.
 * So a name must be one that only we can have. Pure functions.
 */
#ifndef RINGPROF_HTTP_HOSTCHECK_H
#define RINGPROF_HTTP_HOSTCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum host_policy {
	HOST_ANY,      /* Unix socket: no browser comes this way */
	HOST_LOOPBACK, /* localhost, 127.0.0.0/8, [::1], and the allowed ones */
	HOST_OPEN,     /* any IP literal, localhost, the machine's name, and the allowed ones */
};

/*
 * Is this Host header ("name", "name:port", "[v6]:port") ours? allowed: comma
 * list; ".example.org" allows what is below, "*" everything. machine: the
 * node name, may be "".
 */
bool host_allowed(const char *host, enum host_policy policy, const char *allowed,
		  const char *machine);

/* The policy for an address that is listened on. */
enum host_policy host_policy_of(const struct sockaddr *sa);

#endif
