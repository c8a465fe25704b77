// SPDX-License-Identifier: GPL-2.0
/*
 * A package's header as rpm's database holds it. The first byte is the number
 * of the file that is asked for, the next two the room for the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proc/packages_rpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t idx;
	size_t room;
	char *text;
	int r;

	if (size < 3)
		return 0;
	idx = data[0] == 255 ? UINT32_MAX : data[0];
	room = data[1] + ((size_t)data[2] << 8) + 1;
	text = malloc(room);
	if (!text)
		return 0;
	r = rpm_header_version(data + 3, size - 3, idx, "/usr/bin/worker", text, room);
	/* there is a '-' between version and release, if there was room for it */
	if (r ? r != -EINVAL && r != -ENOENT : strnlen(text, room) == room)
		abort();
	free(text);
	return 0;
}
