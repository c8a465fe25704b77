/* SPDX-License-Identifier: GPL-2.0 */
/* The page's files, built into the program by scripts/embed. */
#ifndef RINGPROF_UI_ASSETS_H
#define RINGPROF_UI_ASSETS_H

#include <stddef.h>

struct ui_asset {
	const char *name; /* "index.html", "flame.js", ...; NULL ends the table */
	const char *type; /* Content-Type */
	const unsigned char *plain;
	size_t plain_len;
	const unsigned char *gz;
	size_t gz_len;
};

extern const struct ui_asset ui_assets[];

#endif
