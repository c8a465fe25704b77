/* SPDX-License-Identifier: GPL-2.0 */
/* Who listens on a TCP port of this host: for error messages. */
#ifndef RINGPROF_HTTP_PORT_OWNER_H
#define RINGPROF_HTTP_PORT_OWNER_H

#include <stddef.h>
#include <stdint.h>

/* "name (pid N)" into ret; "" when it cannot be found out (another user's, another namespace). */
void port_owner(uint16_t port, char *ret, size_t len);

#endif
