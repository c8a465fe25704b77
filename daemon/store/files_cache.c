// SPDX-License-Identifier: GPL-2.0
/* Dictionaries of files that were read: in memory up to a limit. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "store/history.h"

/* The one not used for longest, a reference; *sum: bytes of all. */
static struct hfile *coldest(struct history *h, size_t *sum)
{
	cleanup_free struct hfile **files = NULL;
	struct hfile *cold = NULL;
	size_t n = 0;

	*sum = 0;
	pthread_mutex_lock(&h->lock);
	files = malloc((h->n_files + 1) * sizeof(struct hfile *));
	for (; files && n < h->n_files; n++)
		files[n] = hfile_ref(h->files[n]);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		size_t bytes = hfile_cached(files[i]);

		*sum += bytes;
		if (bytes && (!cold || __atomic_load_n(&files[i]->used, __ATOMIC_RELAXED) <
					       __atomic_load_n(&cold->used, __ATOMIC_RELAXED))) {
			hfile_unref(cold);
			cold = hfile_ref(files[i]);
		}
		hfile_unref(files[i]);
	}
	pthread_mutex_lock(&h->lock);
	h->c.cache_bytes = *sum;
	pthread_mutex_unlock(&h->lock);
	return cold;
}

void history_trim_cache(struct history *h)
{
	size_t sum, most = HISTORY_CACHE;

	pthread_mutex_lock(&h->lock);
	if (h->cfg.memory && h->cfg.memory < most)
		most = h->cfg.memory;
	pthread_mutex_unlock(&h->lock);
	for (int i = 0; i < 1000; i++) {
		struct hfile *cold = coldest(h, &sum);

		if (cold && sum > most)
			hfile_forget(cold);
		hfile_unref(cold);
		if (!cold || sum <= most)
			return;
	}
}
