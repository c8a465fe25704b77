// SPDX-License-Identifier: GPL-2.0
/* Label sets: few and sorted by key, so that equal sets are equal rows. */
#include <string.h>

#include "agg/relabel.h"

bool series_put(struct model_series *s, const char *key, const char *value, bool keep)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		int r = strcmp(key, s->labels[i].key);

		if (!r && !keep)
			s->labels[i].value = value;
		if (!r)
			return true;
		if (r < 0)
			break;
	}
	if (s->n == MODEL_MAX_LABELS)
		return false;
	memmove(&s->labels[i + 1], &s->labels[i], (s->n - i) * sizeof(s->labels[0]));
	s->labels[i].key = key;
	s->labels[i].value = value;
	s->n++;
	return true;
}

const char *series_get(const struct model_series *s, const char *key)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!strcmp(s->labels[i].key, key))
			return s->labels[i].value;
	return NULL;
}

void series_remove(struct model_series *s, uint32_t i)
{
	s->n--;
	memmove(&s->labels[i], &s->labels[i + 1], (s->n - i) * sizeof(s->labels[0]));
	/* rows are compared as bytes: no rest may stay behind */
	memset(&s->labels[s->n], 0, sizeof(s->labels[0]));
}
