/* SPDX-License-Identifier: GPL-2.0 */
/* The credential in an Authorization header. Pure functions. */
#ifndef RINGPROF_HTTP_AUTH_H
#define RINGPROF_HTTP_AUTH_H

#include <stdbool.h>

/*
 * Is the token in this header (may be NULL)? "Bearer TOKEN", or "Basic" with
 * any user and the token as password. Takes the same time for every wrong
 * token of one length.
 */
bool auth_ok(const char *header, const char *token);

#endif
