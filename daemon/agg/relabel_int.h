/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of relabel: relabel_rules.c reads and checks rules, relabel.c applies them. */
#ifndef RINGPROF_AGG_RELABEL_INT_H
#define RINGPROF_AGG_RELABEL_INT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "agg/relabel.h"

#define RELABEL_ROOM (256U << 10) /* texts made for one label set */

enum relabel_action {
	RELABEL_REPLACE,
	RELABEL_KEEP,
	RELABEL_DROP,
	RELABEL_LABELMAP,
	RELABEL_LABELDROP,
	RELABEL_LABELKEEP,
	RELABEL_LOWERCASE,
	RELABEL_UPPERCASE,
};

struct relabel_rule {
	char *name, *where;
	enum relabel_action action;
	char *sources; /* cut into n_sources texts, one behind the other */
	uint32_t n_sources;
	char *separator, *regex, *target, *replacement; /* NULL: as by default */
	pcre2_code *re;
};

struct relabel {
	int refs; /* atomic */
	struct relabel_rule *rules;
	size_t n, cap;
	pcre2_match_context *limits;
	pcre2_match_data *match;
	uint32_t groups; /* of the last match, that took part in it */
	pcre2_code *any; /* the default expression */
	char *room;
	size_t used;
	uint64_t failures;
};

pcre2_code *relabel_compile(const char *pattern, char *err, size_t errlen);

#endif
