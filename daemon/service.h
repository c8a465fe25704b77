/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a service manager and the file system want of the daemon: readiness
 * and watchdog messages, passed sockets, the lock against a second daemon,
 * the credential, giving up rights. Main thread only.
 */
#ifndef RINGPROF_SERVICE_H
#define RINGPROF_SERVICE_H

#include <stddef.h>
#include <stdint.h>

/* Sends "READY=1" or the like to $NOTIFY_SOCKET; nothing happens without one. */
void service_notify(const char *state);
/* How often a watchdog wants a sign, ns (half of WATCHDOG_USEC); 0: no watchdog. */
uint64_t service_watchdog_interval(void);
/* Number of sockets the service manager passed, from fd 3 on; clears the environment. */
int service_listen_fds(void);

/*
 * Connections, one event a CPU and side band, open files to be named: the soft
 * limit is too low. Up to 65536, or what the hard one allows.
 */
void service_raise_file_limit(void);

/*
 * /proc/kallsyms, where the service manager opened it as standard input
 * (StandardInput=file:): since Linux 4.15 it shows addresses to whoever opened
 * it with the right to them, whoever reads. A descriptor of its own, or 0: it
 * is something else.
 */
int service_kallsyms(void);

/*
 * Takes DIR/ringprofd.lock (made if missing) for this process's life. The fd,
 * or -errno with a sentence; -EBUSY names the process that holds it.
 */
int service_lock(const char *dir, char *err, size_t errlen);

/*
 * Reads the credential, one line of 16 to 512 printable characters, or makes
 * one (32 random bytes in hex, 0640 root:ringprof, root:root without that
 * group). The text is malloc'ed. 0 or -errno with a sentence.
 */
int service_token(const char *path, char **ret, char *err, size_t errlen);

/*
 * Keeps the capabilities that sampling and reading other processes need,
 * drops the rest for good, forbids new ones; user: change to it ("" stays).
 * 0 or -errno with a sentence.
 */
int service_drop_rights(const char *user, char *err, size_t errlen);

#endif
