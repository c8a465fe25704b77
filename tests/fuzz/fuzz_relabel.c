// SPDX-License-Identifier: GPL-2.0
/*
 * Rules for labels, one line each: RULE KEY VALUE. Whatever they do to a label
 * set, it stays sorted, within its bounds, and every text ends.
 */
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "fuzz.h"

static void must(int good)
{
	if (!good)
		abort();
}

static bool set_line(struct relabel *r, char *line)
{
	char *key = strchr(line, ' '), *value = key ? strchr(key + 1, ' ') : NULL;
	char err[256] = "";
	int ret;

	if (!value)
		return true;
	*key++ = '\0';
	*value++ = '\0';
	ret = relabel_set(r, line, key, value, "f:1", err, sizeof(err));
	must(!ret || *err);
	return !ret;
}

static void apply(struct relabel *r)
{
	struct model_series s = { .n = 4,
				  .labels = { { "comm", "postgres" },
					      { "exe", "/usr/lib/postgresql/15/bin/postgres" },
					      { "service_name", "db;a b" },
					      { "user", "\xc3\xa4" } } };
	uint64_t full = 0;

	if (!relabel_apply(r, &s, &full))
		return;
	must(s.n <= MODEL_MAX_LABELS);
	for (uint32_t i = 0; i < s.n; i++) {
		must(!i || strcmp(s.labels[i - 1].key, s.labels[i].key) < 0);
		must(*s.labels[i].key && strlen(s.labels[i].value) <= RELABEL_MAX_VALUE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relabel *r = relabel_new();
	char *text = malloc(size + 1), *rest, *line;
	char err[256] = "";
	bool good = true;

	if (!r || !text) {
		free(text);
		relabel_unref(r);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	for (line = strtok_r(text, "\n", &rest); line && good; line = strtok_r(NULL, "\n", &rest))
		good = set_line(r, line);
	if (good && !relabel_check(r, err, sizeof(err))) {
		apply(r);
		apply(r);
	}
	free(text);
	relabel_unref(r);
	return 0;
}
