/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of user ids from /etc/passwd, read again when it changed. Not by
 * getpwuid(3): name services may ask the network, and the collector must not
 * wait. Ids without a line there are their number. One thread.
 */
#ifndef RINGPROF_PROC_USERS_H
#define RINGPROF_PROC_USERS_H

#include <stddef.h>
#include <sys/types.h>

#define USERS_MAX     65536
#define USER_NAME_MAX 64

struct users;

struct users *users_new(const char *passwd); /* NULL: /etc/passwd; gives NULL: no memory */
void users_free(struct users *u);
/* The name into out; out itself. */
const char *users_name(struct users *u, uid_t uid, char out[USER_NAME_MAX]);
size_t users_bytes(const struct users *u);

#endif
