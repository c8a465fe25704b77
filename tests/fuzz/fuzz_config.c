// SPDX-License-Identifier: GPL-2.0
/*
 * A settings file of any bytes. What is taken is whole: each value can be
 * said again, and taken again as it was said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"
#include "fuzz.h"

static void see(struct config *c)
{
	char text[4096], err[512];

	config_check(c, err, sizeof(err));
	for (size_t i = 0; i < config_n_options; i++)
		if (strlen(config_value(c, i, text, sizeof(text))) >= sizeof(text))
			abort();
	if (c->n_external_labels > CONFIG_MAX_LABELS || c->n_relabel > CONFIG_MAX_RULES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], err[512] = "";
	struct config c;
	int fd, r;

	if (config_init(&c))
		return 0;
	fd = memfd_create("config", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = config_read_file(&c, path, err, sizeof(err));
	/* who is refused is told why */
	if (r && !*err)
		abort();
	if (!r)
		see(&c);
	config_free(&c);
	close(fd);
	return 0;
}
