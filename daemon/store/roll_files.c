// SPDX-License-Identifier: GPL-2.0
/*
 * The files that a roll writes, side by side and by one dictionary: that of the
 * finest tier's last file of the day, if it can be written on, else a new one.
 * The others' last files are written on if they hold a beginning of it; else
 * they get new ones, whose first segment is all there is.
 */
#include <errno.h>

#include "store/history.h"
#include "store/roll_int.h"

/* A reference to the file's dictionary; NULL: it cannot be read, or the file is full. */
static struct dict *dict_of(struct history *h, struct hfile *f)
{
	const char *why = "";
	struct dict *d = NULL;
	int r;

	if (history_is_full(h, f->tier, f->bytes))
		return NULL;
	pthread_mutex_lock(&f->lock);
	r = hfile_load(f, &why);
	if (!r)
		d = dict_ref(f->dict);
	pthread_mutex_unlock(&f->lock);
	if (r == -EBADMSG)
		history_found_bad(h, f, why);
	return d;
}

static int make_writable(struct dict *d, unsigned int n_files)
{
	int r;

	/* readers of the file that it is from may look at it */
	pthread_mutex_lock(&d->lock);
	r = dict_make_writable(d, n_files);
	pthread_mutex_unlock(&d->lock);
	return r;
}

/* The last file of the first tier is written on, if that can be: its dictionary is the roll's. */
static void continue_first(struct roll *r, struct hfile *f)
{
	struct dict *d = dict_of(r->history, f);

	if (d && dict_bytes(d) <= ROLL_MAX_DICT && !make_writable(d, r->n) &&
	    !hfile_write_on(f, d, 0)) {
		r->tiers[0].file = f;
		r->dict = d;
		return;
	}
	dict_unref(d);
	history_release(r->history, f);
}

/* The file of that tier is, or will be, another one. 0 or -ENOMEM. */
static int begin_unwritten(struct roll *r, unsigned int i)
{
	int err;

	pthread_mutex_lock(&r->dict->lock);
	err = dict_unwritten(r->dict, i);
	pthread_mutex_unlock(&r->dict->lock);
	return err;
}

/* Has f a beginning of the dictionary? Then it is the tier's; else there is none. 0 or -ENOMEM. */
static int continue_other(struct roll *r, unsigned int i, struct hfile *f)
{
	struct dict *d = dict_of(r->history, f);
	bool ok = d;

	if (ok) {
		pthread_mutex_lock(&r->dict->lock);
		ok = dict_continues(r->dict, i, d);
		pthread_mutex_unlock(&r->dict->lock);
	}
	dict_unref(d);
	if (ok && !hfile_write_on(f, r->dict, i)) {
		r->tiers[i].file = f;
		return 0;
	}
	history_release(r->history, f);
	return ok ? begin_unwritten(r, i) : 0;
}

static int new_dict(struct roll *r)
{
	r->dict = dict_new();
	return r->dict ? make_writable(r->dict, r->n) : -ENOMEM;
}

static int close_file(struct roll *r, unsigned int i)
{
	struct roll_tier *t = &r->tiers[i];
	int err = t->file ? hfile_seal(t->file) : 0;

	if (!t->file)
		return 0;
	history_sized(r->history, t->file);
	history_release(r->history, t->file);
	t->file = NULL;
	return err;
}

static int close_all(struct roll *r)
{
	int err = 0;

	for (unsigned int i = 0; i < r->n; i++) {
		int one = close_file(r, i);

		roll_drop(r, i);
		err = err ? err : one;
	}
	roll_map_reset(&r->map);
	cells_reset(&r->cells);
	dict_unref(r->dict);
	r->dict = NULL;
	r->full = false;
	return err;
}

/* What there is of that day. 0 or -ENOMEM: then it is as if nothing was tried. */
static int begin(struct roll *r, uint64_t day)
{
	int err = 0;

	r->day = day;
	for (unsigned int i = 0; !err && i < r->n; i++) {
		struct hfile *f = history_last_file(r->history, r->tiers[i].tier, day);

		if (f && i)
			err = continue_other(r, i, f);
		else if (f)
			continue_first(r, f);
		if (!err && !r->dict)
			err = new_dict(r);
	}
	if (err)
		(void)close_all(r);
	return err;
}

void roll_end(struct roll *r, bool cut)
{
	for (unsigned int i = 0; i < r->n; i++) {
		(void)roll_write(r, i); /* counted there */
		if (r->tiers[i].file && cut)
			r->tiers[i].file->cut = true;
	}
	(void)close_all(r);
}

int roll_seal(struct roll *r)
{
	(void)roll_write(r, 0); /* counted there */
	return close_all(r);
}

void roll_cut(struct roll *r)
{
	roll_end(r, true);
}

/* Another file for what is open: the numbers are those of the dictionary, not of the file. */
static int leave_bad(struct roll *r, unsigned int i)
{
	(void)close_file(r, i);
	return begin_unwritten(r, i);
}

void roll_reopen(struct roll *r, unsigned int i, bool cut)
{
	struct hfile *f;
	int err;

	r->tiers[i].file->cut = r->tiers[i].file->cut || cut;
	(void)close_file(r, i);
	f = history_last_file(r->history, r->tiers[i].tier, r->day);
	err = begin_unwritten(r, i);
	if (f && !err)
		err = continue_other(r, i, f);
	else if (f)
		history_release(r->history, f);
	/* nobody knows what of it is where */
	r->full = r->full || err;
}

/* Is each file as it should be, and of that day? If not, and it matters to all, they end. */
static void check_files(struct roll *r, uint64_t day)
{
	if (r->dict && r->day != day)
		roll_end(r, false);
	for (unsigned int i = 0; r->dict && i < r->n; i++)
		if (r->tiers[i].file && history_is_bad(r->history, r->tiers[i].file) &&
		    leave_bad(r, i))
			roll_end(r, false);
}

unsigned int roll_files(struct roll *r, unsigned int tiers, uint64_t wall, int *err)
{
	int none = 0;

	*err = 0;
	if (r->whole)
		return tiers;
	check_files(r, wall / HISTORY_DAY);
	if (!r->dict)
		none = begin(r, wall / HISTORY_DAY);
	for (unsigned int i = 0; i < r->n; i++) {
		struct roll_tier *t = &r->tiers[i];
		int one = none;

		if (!(tiers >> i & 1) || t->file)
			continue;
		if (!one)
			one = history_new_file(r->history, t->tier, r->day, r->dict, i, &t->file);
		if (!one)
			continue;
		history_lost(r->history, t->tier, one);
		tiers &= ~(1U << i);
		*err = *err ? *err : one;
	}
	return tiers;
}
