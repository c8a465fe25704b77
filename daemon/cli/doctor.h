/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of doctor share: one finding, and how it is written down. */
#ifndef RINGPROF_CLI_DOCTOR_H
#define RINGPROF_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

struct finding {
	const char *state; /* "ok", "warning", "bad" */
	char text[512];
	char fix[256]; /* command, "" none */
};

void found(struct finding *f, const char *state, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* First line of a small file into out; false: not there. */
bool read_line(const char *path, char *out, size_t len);

/* Who may load a module that is signed by whom. */
void check_lockdown(struct finding *f);
void check_secure_boot(struct finding *f);

#endif
