/* SPDX-License-Identifier: GPL-2.0 */
/* Text of strangers (names of files, processes, services) on its way to a line or a terminal. */
#ifndef RINGPROF_BASE_PLAIN_H
#define RINGPROF_BASE_PLAIN_H

/*
 * Blanks over what may end the line or drive a terminal: control characters, also
 * those that UTF-8 writes with two bytes. A tab stays. In place, any bytes.
 */
void plain_text(char *s);

#endif
