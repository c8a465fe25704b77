/* SPDX-License-Identifier: GPL-2.0 */
/* Places that the service may not write to, as its unit has it (ProtectSystem=strict). */
#ifndef RINGPROF_BASE_READONLY_H
#define RINGPROF_BASE_READONLY_H

/* The way out, to stand behind what errno says of a directory; "" unless err is -EROFS. */
const char *readonly_hint(int err);

#endif
