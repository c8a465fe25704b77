/* SPDX-License-Identifier: GPL-2.0 */
/* The rules for categories that ringprof comes with; category_rules.c says what they mean. */
#ifndef RINGPROF_QUERY_CATEGORY_RULES_H
#define RINGPROF_QUERY_CATEGORY_RULES_H

extern const char category_rules[];

#endif
