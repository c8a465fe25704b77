// SPDX-License-Identifier: GPL-2.0
/* See kmod_stats.h. */
#include "source/kmod_stats.h"

#include <string.h>

/*
 * The module works `missed` out anew each time, from two clocks, so that it may
 * be a little less than before; and who adds up what comes takes no fall. Its
 * counters begin at zero once, when it is loaded: stop and start go on with them.
 */
static void raise_to(uint64_t *n, uint64_t now, uint64_t base)
{
	if (now > base && now - base > *n)
		*n = now - base;
}

void kmod_stats_take(struct kmod_stats *s, const struct control_stats *now)
{
	_Static_assert(sizeof(s->unwind) <= sizeof(now->unwind), "all of them are there");
	if (!s->has_base) {
		s->missed_base = now->missed;
		memcpy(s->unwind_base, now->unwind, sizeof(s->unwind_base));
		s->has_base = true;
	}
	raise_to(&s->missed, now->missed, s->missed_base);
	for (size_t i = 0; i < sizeof(s->unwind) / sizeof(s->unwind[0]) && i < now->n_unwind; i++)
		raise_to(&s->unwind[i], now->unwind[i], s->unwind_base[i]);
}
