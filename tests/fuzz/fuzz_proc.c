// SPDX-License-Identifier: GPL-2.0
/*
 * The other files of /proc/PID, whose text is partly the process's: stat,
 * status, cgroup (and the unit and the container in its path), and what OpenTelemetry
 * has processes say in their environment. The first byte says which.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proc/otel.h"
#include "proc/parse.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void see_cgroup(const char *text)
{
	char path[256], unit[128], container[65];

	if (!cgroup_path(text, path, sizeof(path)))
		return;
	must(*path == '/' && strlen(path) < sizeof(path));
	cgroup_unit(path, unit, sizeof(unit));
	must(strlen(unit) < sizeof(unit) && !strchr(unit, '/'));
	cgroup_container(path, container);
	must(!*container || (strlen(container) == 64 && strspn(container, "0123456789abcdefABCDE"
									  "F") == 64));
}

static void see_stat(const char *text)
{
	struct proc_stat s;

	if (stat_parse(text, &s))
		must(strlen(s.comm) < sizeof(s.comm));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct otel otel;
	char *text;
	uid_t uid;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'c')
		see_cgroup(text);
	else if (data[0] == 's')
		see_stat(text);
	else if (data[0] == 'o')
		otel_attributes(text, &otel);
	else
		status_uid(text, &uid);
	free(text);
	return 0;
}
