// SPDX-License-Identifier: GPL-2.0
/*
 * A program's file, for the version that its builder wrote into it: package
 * notes and Go's build information. What is taken is a plain word.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "proc/exe.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void see(const struct exe_facts *f)
{
	size_t n = strnlen(f->version, sizeof(f->version));

	must(n < sizeof(f->version) && memchr(f->build_id, 0, sizeof(f->build_id)) != NULL);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)f->version[i] > 0x20 && f->version[i] != 0x7f);
	must(strspn(f->build_id, "0123456789abcdef") == strlen(f->build_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("exe", MFD_CLOEXEC);
	struct exe_facts f;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	exe_read(fd, size, &f);
	see(&f);
	/* it was longer when it was looked at */
	exe_read(fd, size + 4096, &f);
	see(&f);
	close(fd);
	return 0;
}
