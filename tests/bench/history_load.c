// SPDX-License-Identifier: GPL-2.0
/*
 * Samples are drawn one by one, by Walker's table: a draw is one random number
 * and one look, whatever the number of stacks.
 */
#include "tests/bench/history_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tests/unit/test_random.h"

#define PERIOD	   10101010 /* ns: 99 Hz */
#define RESTARTS   0.3	    /* of a service in a day */
#define DEPLOYS	   3	    /* every so many of them bring a new version */
#define MAX_COUNT  65536    /* above it the logarithm of the factorial is worked out */
#define MAX_DIGITS 64
#define HOURS	   (366 * 24)

struct program { /* its stacks in the model, each once */
	uint32_t n, *stack;
	double *share;
};

struct tally {		 /* of a service in the window of a tier */
	uint32_t *count; /* by stack of its program */
	uint64_t *seen;	 /* bits of those that are not 0 */
	double mass;	 /* samples that were to be expected */
};

struct service {
	const struct program *p;
	unsigned int number, version;
	double rate, phase;
	double *own, *swing, *weekend; /* logarithms: of its own, by the hour, by the day */
	/* of the moment */
	double *mix;
	float *log_mix;
	uint32_t *keep, *other; /* Walker's table */
	uint32_t thread, pid;
	struct tally tally[LOAD_TIERS];
};

static const uint64_t steps[LOAD_TIERS] = { WINDOW_NS, 6 * WINDOW_NS, 60 * WINDOW_NS, LOAD_HOUR };

struct load {
	struct model *model;
	struct program *programs;
	struct service *services;
	unsigned int n, n_programs;
	__u64 random;
	struct load_counters c;
	double *bits[LOAD_TIERS]; /* by hour */
	double *lgammas, *work;
};

static double uniform(struct load *l)
{
	return ((double)(next_random(&l->random) >> 11) + 0.5) / 9007199254740992.0;
}

static double gauss(struct load *l)
{
	return sqrt(-2 * log(uniform(l))) * cos(2 * M_PI * uniform(l));
}

/* ---- programs and services ---- */

static void add_program(struct load *l, struct program *p, const struct recorded *r)
{
	uint32_t *place = NULL, counts[6];

	p->stack = calloc(r->n, sizeof(*p->stack));
	p->share = calloc(r->n, sizeof(*p->share));
	for (uint32_t i = 0; i < r->n; i++)
		stacks_add(l->model, r, i);
	model_counts(l->model, counts);
	place = calloc(counts[2], sizeof(*place)); /* by stack: 1 + its place here */
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t s = stacks_add(l->model, r, i);

		if (!place[s]) {
			p->stack[p->n] = s;
			place[s] = ++p->n;
		}
		p->share[place[s] - 1] += r->samples[i];
	}
	free(place);
}

/* A process of the service, of its version. */
static void start(struct load *l, struct service *s)
{
	char text[MAX_DIGITS], version[MAX_DIGITS];
	struct model_series labels = { .n = 3,
				       .labels = { { "host", "bench" },
						   { "service_name", text },
						   { "service_version", version } } };
	struct model_proc p = { .pid = (int)++s->pid, .comm = "bench", .exe = "/usr/bin/bench" };

	snprintf(text, sizeof(text), "service-%u", s->number);
	snprintf(version, sizeof(version), "1.%u", s->version);
	p.series = model_add_series(l->model, &labels);
	s->thread = model_add_thread(l->model, model_add_proc(l->model, &p), p.pid);
}

static void enter(struct load *l, struct service *s, unsigned int number, double rate)
{
	uint32_t n;

	s->number = number;
	s->p = &l->programs[number % l->n_programs];
	n = s->p->n;
	/* some are busy, most are not; e^(0.8 g) is 1.38 on average */
	s->rate = rate * exp(0.8 * gauss(l) - 0.32);
	s->phase = uniform(l);
	s->pid = 1000 * (number + 1);
	s->own = calloc(n, sizeof(double));
	s->swing = calloc(n, sizeof(double));
	s->weekend = calloc(n, sizeof(double));
	s->mix = calloc(n, sizeof(double));
	s->log_mix = calloc(n, sizeof(float));
	s->keep = calloc(n, sizeof(uint32_t));
	s->other = calloc(n, sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++) {
		s->own[i] = 0.7 * gauss(l);
		s->swing[i] = 0.5 * gauss(l);
		s->weekend[i] = 0.3 * gauss(l);
	}
	for (unsigned int t = 0; t < LOAD_TIERS; t++) {
		s->tally[t].count = calloc(n, sizeof(uint32_t));
		s->tally[t].seen = calloc(n / 64 + 1, sizeof(uint64_t));
	}
	start(l, s);
}

struct load *load_new(struct recorded *const *programs, unsigned int n_programs,
		      unsigned int services, double rate)
{
	struct load *l = calloc(1, sizeof(*l));
	uint32_t most = 0;

	l->random = 88172645463325252;
	l->model = model_new();
	l->programs = calloc(n_programs, sizeof(*l->programs));
	l->services = calloc(services, sizeof(*l->services));
	l->n_programs = n_programs;
	l->n = services;
	for (unsigned int i = 0; i < n_programs; i++) {
		add_program(l, &l->programs[i], programs[i]);
		most = l->programs[i].n > most ? l->programs[i].n : most;
	}
	for (unsigned int i = 0; i < services; i++)
		enter(l, &l->services[i], i, rate);
	l->work = calloc(2U * most, sizeof(*l->work));
	for (unsigned int i = 0; i < LOAD_TIERS; i++)
		l->bits[i] = calloc(HOURS, sizeof(double));
	l->lgammas = calloc(MAX_COUNT, sizeof(*l->lgammas));
	for (unsigned int i = 0; i < MAX_COUNT; i++)
		l->lgammas[i] = lgamma(i + 1.0);
	return l;
}

static void leave(struct service *s)
{
	free(s->own);
	free(s->swing);
	free(s->weekend);
	free(s->mix);
	free(s->log_mix);
	free(s->keep);
	free(s->other);
	for (unsigned int t = 0; t < LOAD_TIERS; t++) {
		free(s->tally[t].count);
		free(s->tally[t].seen);
	}
}

void load_free(struct load *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		leave(&l->services[i]);
	for (unsigned int i = 0; i < LOAD_TIERS; i++)
		free(l->bits[i]);
	for (unsigned int i = 0; i < l->n_programs; i++) {
		free(l->programs[i].stack);
		free(l->programs[i].share);
	}
	free(l->services);
	free(l->programs);
	free(l->lgammas);
	free(l->work);
	model_unref(l->model);
	free(l);
}

/* ---- the mix of the moment ---- */

static bool is_weekend(uint64_t t)
{
	return t / LOAD_DAY % 7 > 4;
}

/* Share i is drawn below keep[i] of its column, else other[i] is. */
static void make_table(struct load *l, struct service *s)
{
	uint32_t n = s->p->n, small = 0, large = n;
	double *left = l->work;
	uint32_t *stack = (uint32_t *)(l->work + n);

	for (uint32_t i = 0; i < n; i++) {
		left[i] = s->mix[i] * n;
		s->keep[i] = UINT32_MAX;
		s->other[i] = i;
		if (left[i] < 1)
			stack[small++] = i;
		else
			stack[--large] = i;
	}
	while (small && large < n) {
		uint32_t a = stack[--small], b = stack[large];

		s->keep[a] = (uint32_t)(left[a] * UINT32_MAX);
		s->other[a] = b;
		left[b] -= 1 - left[a];
		if (left[b] < 1) {
			large++;
			stack[small++] = b;
		}
	}
}

static void remix(struct load *l, struct service *s, uint64_t t)
{
	double hour = (double)(t % LOAD_DAY) / (double)LOAD_DAY, sum = 0;
	double wave = sin(2 * M_PI * (hour + s->phase)), free_day = is_weekend(t);

	for (uint32_t i = 0; i < s->p->n; i++) {
		s->mix[i] = s->p->share[i] *
			    exp(s->own[i] + s->swing[i] * wave + s->weekend[i] * free_day);
		sum += s->mix[i];
	}
	for (uint32_t i = 0; i < s->p->n; i++) {
		s->mix[i] /= sum;
		s->log_mix[i] = (float)log(s->mix[i]);
	}
	make_table(l, s);
}

/* A new process; with a new version some of what it does is more, some is less. */
static void restart(struct load *l, struct service *s)
{
	l->c.restarts++;
	if (l->c.restarts % DEPLOYS == 0) {
		l->c.deploys++;
		s->version++;
		for (uint32_t i = 0; i < s->p->n; i++)
			if (uniform(l) < 0.1)
				s->own[i] += 0.4 * gauss(l);
	}
	start(l, s);
}

/* ---- windows ---- */

static void count(struct tally *y, uint32_t i, uint32_t n)
{
	y->count[i] += n;
	y->seen[i / 64] |= 1ULL << i % 64;
}

static void draw_all(struct load *l, struct service *s, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		uint64_t x = next_random(&l->random);
		uint32_t i = (uint32_t)(((x >> 32) * s->p->n) >> 32);

		count(&s->tally[0], (uint32_t)x > s->keep[i] ? s->other[i] : i, 1);
	}
}

/* -ln of the probability of n, but for the mean itself: those of all stacks add up to the mass */
static double nats(const struct load *l, uint32_t n, double log_mean)
{
	return (n < MAX_COUNT ? l->lgammas[n] : lgamma(n + 1.0)) - n * log_mean;
}

static void add_entry(struct window *w, const struct service *s, uint32_t i, size_t *cap)
{
	uint32_t n = s->tally[0].count[i];

	w->entries = array_room(w->entries, cap, w->n_entries + 1UL, sizeof(*w->entries));
	w->entries[w->n_entries++] = (struct window_entry){
		.stack = s->p->stack[i], .thread = s->thread, .count = n, .weight = n * w->period
	};
}

/* The tier's window is over: its bits; its counts go into the next tier's. w: of the first one. */
static double close_tally(struct load *l, struct service *s, unsigned int tier, struct window *w,
			  size_t *cap)
{
	struct tally *y = &s->tally[tier], *up = tier + 1 < LOAD_TIERS ? y + 1 : NULL;
	double sum = y->mass, log_mass = log(y->mass);

	for (uint32_t k = 0; k <= s->p->n / 64; k++) {
		for (uint64_t bits = y->seen[k]; bits; bits &= bits - 1) {
			uint32_t i = k * 64 + (uint32_t)__builtin_ctzll(bits);

			sum += nats(l, y->count[i], log_mass + (double)s->log_mix[i]);
			if (!tier)
				add_entry(w, s, i, cap);
			if (up)
				count(up, i, y->count[i]);
			y->count[i] = 0;
		}
		y->seen[k] = 0;
	}
	if (up)
		up->mass += y->mass;
	y->mass = 0;
	return sum / M_LN2;
}

static void add_service(struct load *l, struct window *w, struct service *s, uint64_t t,
			size_t *cap)
{
	double hour = (double)(t % LOAD_DAY) / (double)LOAD_DAY;
	double mean = s->rate * (1 + 0.6 * sin(2 * M_PI * (hour + s->phase))) *
		      (is_weekend(t) ? 0.5 : 1.2);
	double drawn = mean + sqrt(mean) * gauss(l);
	uint32_t n = drawn < 0 ? 0 : (uint32_t)(drawn + 0.5);

	draw_all(l, s, n);
	s->tally[0].mass = mean;
	for (unsigned int i = 0; i < LOAD_TIERS && (t + WINDOW_NS) % steps[i] == 0; i++)
		l->bits[i][(t - LOAD_BASE) / LOAD_HOUR % HOURS] += close_tally(l, s, i, w, cap);
	w->samples += n;
	w->weight += n * w->period;
}

struct window *load_window(struct load *l, uint64_t t)
{
	struct window *w = calloc(1, sizeof(*w));
	size_t cap = 0;

	w->refs = 1;
	w->model = model_ref(l->model);
	w->start = t - LOAD_BASE + WINDOW_NS;
	w->end = w->start + WINDOW_NS;
	w->wall_start = t;
	w->period = PERIOD;
	w->cpus = 16;
	for (unsigned int i = 0; i < l->n; i++) {
		struct service *s = &l->services[i];

		if (t % LOAD_HOUR == 0) {
			if (t > LOAD_BASE && uniform(l) < RESTARTS / 24)
				restart(l, s);
			remix(l, s, t);
		}
		add_service(l, w, s, t, &cap);
	}
	l->c.samples += w->samples;
	l->c.entries += w->n_entries;
	return w;
}

void load_counters(const struct load *l, struct load_counters *ret)
{
	*ret = l->c;
}

double load_bits(const struct load *l, unsigned int tier, uint64_t from)
{
	double sum = 0;

	for (uint64_t i = (from - LOAD_BASE) / LOAD_HOUR; i < HOURS; i++)
		sum += l->bits[tier][i];
	return sum;
}

uint32_t load_stacks(const struct load *l)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < l->n_programs; i++)
		n += l->programs[i].n;
	return n;
}
