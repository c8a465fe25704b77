// SPDX-License-Identifier: GPL-2.0
/*
 * Replays simulated time of many services into a history and says what it
 * costs: bytes a tier beside what a perfect code would take for the same
 * samples, time of queries, memory. Stacks are real ones (folded files, as
 * `ringprof record` writes them); each service has a mix of its own that moves
 * with day and week, and starts anew now and then.
 *
 *	history_of [-s SERVICES] [-H HOURS] [-r SAMPLES_A_WINDOW] DIR FILE...
 *
 * The perfect code knows each service's mix of the moment: -log2 of the
 * probability of the counts that were drawn (Poisson, multinomial). What the
 * dictionaries take (stacks, names) comes on top and is told apart.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strtab.h"
#include "query/query.h"
#include "store/store.h"

#define DAY	   (86400 * NSEC_PER_SEC)
#define BASE	   (20000 * DAY)
#define MAX_STACKS 4000

struct profile { /* a folded file */
	uint32_t n;
	uint32_t frames[MAX_STACKS][128]; /* numbers of names, root first */
	uint32_t depth[MAX_STACKS];
	double share[MAX_STACKS];
};

struct service {
	const struct profile *p;
	double mix[MAX_STACKS], cumulated[MAX_STACKS];
	double rate, phase;
	uint32_t thread, starts;
	uint32_t stack[MAX_STACKS];
};

static struct strtab *names;
static uint64_t simulated = BASE;
static double bound_bits;
static uint64_t all_samples, all_entries;

static uint64_t now(void)
{
	return simulated;
}

static void name(void *arg, const struct model_object *o, uint64_t off, struct sym_answer *ret,
		 bool *has_vaddr, uint64_t *vaddr)
{
	const char *text = strtab_get(names, (uint32_t)(off / 16));

	ret->n = 1;
	ret->named = 1;
	ret->lines[0] = (struct sym_line){ .name = text, .system_name = text, .file = "" };
	*has_vaddr = true;
	*vaddr = off + 0x400000;
}

static double uniform(void)
{
	return drand48();
}

static double gauss(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

static void add_stack(struct profile *p, char *line)
{
	char *count = strrchr(line, ' ');
	char *save = NULL;

	if (!count || p->n == MAX_STACKS)
		return;
	*count++ = '\0';
	for (char *f = strtok_r(line, ";", &save); f && p->depth[p->n] < 128;
	     f = strtok_r(NULL, ";", &save))
		p->frames[p->n][p->depth[p->n]++] = strtab_add(names, f);
	p->share[p->n] = atof(count);
	p->n += p->share[p->n] > 0;
}

static struct profile *read_profile(const char *path)
{
	struct profile *p = calloc(1, sizeof(*p));
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (!f || !p) {
		perror(path);
		exit(2);
	}
	while (getline(&line, &cap, f) > 0)
		add_stack(p, line);
	free(line);
	fclose(f);
	return p;
}

/* The mix of this moment: the recorded one, shifted by what the service is, the hour, its restarts. */
static void remix(struct service *s, uint64_t t)
{
	double hour = (double)(t % DAY) / (double)DAY, sum = 0;

	srand48((long)(s->starts * 1000 + (uint64_t)(s->phase * 1000)));
	for (uint32_t i = 0; i < s->p->n; i++) {
		double own = exp(0.7 * gauss()), swing = 0.5 * gauss();

		s->mix[i] = s->p->share[i] * own * exp(swing * sin(2 * M_PI * (hour + s->phase)));
		sum += s->mix[i];
	}
	for (uint32_t i = 0; i < s->p->n; i++) {
		s->mix[i] /= sum;
		s->cumulated[i] = s->mix[i] + (i ? s->cumulated[i - 1] : 0);
	}
	srand48((long)(t / NSEC_PER_SEC));
}

static uint32_t draw(const struct service *s)
{
	double x = uniform() * s->cumulated[s->p->n - 1];
	uint32_t lo = 0, hi = s->p->n - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->cumulated[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t poisson(double mean)
{
	double v = mean + sqrt(mean) * gauss();

	return v < 0 ? 0 : (uint32_t)(v + 0.5);
}

static void enter_model(struct model *m, struct service *s, unsigned int number)
{
	char text[64];
	struct model_series l = { .n = 2,
				  .labels = { { "host", "bench" }, { "service_name", text } } };
	struct model_proc p = { .pid = (int)number, .comm = "bench", .exe = "/usr/bin/bench" };
	uint32_t object;

	snprintf(text, sizeof(text), "service-%u", number);
	p.series = model_add_series(m, &l);
	s->thread = model_add_thread(m, model_add_proc(m, &p), (int)number);
	object = model_add_object(m, FRAME_USER, NULL, "/usr/bin/bench", "0123456789abcdef");
	for (uint32_t i = 0; i < s->p->n; i++) {
		s->stack[i] = 0;
		for (uint32_t k = 0; k < s->p->depth[i]; k++)
			s->stack[i] = model_add_stack(
				m, s->stack[i],
				model_add_frame(m, object, (uint64_t)s->p->frames[i][k] * 16));
	}
}

static void add_service(struct window *w, const struct service *s, uint64_t t, size_t *cap)
{
	static uint32_t counts[MAX_STACKS];
	double swing = 1 + 0.6 * sin(2 * M_PI * ((double)(t % DAY) / (double)DAY + s->phase));
	double mean = s->rate * swing * (t / DAY % 7 > 4 ? 0.5 : 1);
	uint32_t n = poisson(mean);

	memset(counts, 0, sizeof(counts));
	for (uint32_t i = 0; i < n; i++)
		counts[draw(s)]++;
	/* -ln Poisson(n) - ln multinomial(counts) */
	bound_bits += (mean - n * log(mean)) / M_LN2;
	for (uint32_t i = 0; i < s->p->n; i++) {
		if (!counts[i])
			continue;
		bound_bits += (lgamma(counts[i] + 1.0) - counts[i] * log(s->mix[i])) / M_LN2;
		if (w->n_entries == *cap) {
			*cap = *cap ? *cap * 2 : 1024;
			w->entries = realloc(w->entries, *cap * sizeof(*w->entries));
		}
		w->entries[w->n_entries++] =
			(struct window_entry){ .stack = s->stack[i],
					       .thread = s->thread,
					       .count = counts[i],
					       .weight = counts[i] * w->period };
	}
	w->samples += n;
	w->weight += n * w->period;
}

static struct window *make_window(struct model *m, struct service *s, unsigned int n, uint64_t t)
{
	struct window *w = calloc(1, sizeof(*w));
	size_t cap = 0;

	w->refs = 1;
	w->model = model_ref(m);
	w->start = t - BASE + NSEC_PER_SEC;
	w->end = w->start + WINDOW_NS;
	w->wall_start = t;
	w->period = 10101010;
	w->cpus = 16;
	for (unsigned int i = 0; i < n; i++) {
		if (t % (600 * NSEC_PER_SEC) == 0) {
			s[i].starts += uniform() < 0.002;
			remix(&s[i], t);
		}
		add_service(w, &s[i], t, &cap);
	}
	all_samples += w->samples;
	all_entries += w->n_entries;
	return w;
}

/* ---- queries ---- */

static int count(void *arg, struct window *w)
{
	for (uint32_t i = 0; i < w->n_entries; i++)
		*(uint64_t *)arg += w->entries[i].count;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static void queries(struct store *s, const char *what, const char *selector, uint64_t length,
		    uint64_t from, uint64_t to)
{
	double ms[40];
	uint64_t samples = 0;
	struct store_used used = { 0 };
	struct selector *sel;
	char err[256];

	if (to - from < length || selector_parse(&sel, selector, err, sizeof(err)))
		return;
	for (int i = 0; i < 40; i++) {
		uint64_t start = from + (uint64_t)(uniform() * (double)(to - from - length));
		struct store_ask ask = { .from = start, .to = start + length, .sel = sel };
		uint64_t began = mono_now();

		samples = 0;
		store_feed(s, &ask, count, &samples, &used);
		ms[i] = (double)(mono_now() - began) / 1e6;
	}
	qsort(ms, 40, sizeof(*ms), by_value);
	printf("query %-28s p50 %8.1f ms  p95 %8.1f ms  (%u windows, %llu samples)\n", what, ms[20],
	       ms[38], used.windows[1] + used.windows[2] + used.windows[3] + used.windows[4],
	       (unsigned long long)samples);
	selector_free(sel);
}

static void report(struct store *s, unsigned int services, double days)
{
	struct tier_info t[TIER_MAX];
	size_t n = store_tiers(s, t, TIER_MAX);
	struct history_counters c;
	struct rusage u;

	printf("%u services, %.2f days, %llu samples, %.1f entries a service and window\n",
	       services, days, (unsigned long long)all_samples,
	       (double)all_entries / services / (days * 8640));
	printf("entropy bound of the 10 s tier: %.0f bytes (%.2f bits a sample)\n", bound_bits / 8,
	       bound_bits / (double)all_samples);
	for (size_t i = 1; i < n; i++)
		printf("tier %-4s %12llu bytes, %8llu windows, %9.0f bytes a service and day\n",
		       t[i].name, (unsigned long long)t[i].bytes, (unsigned long long)t[i].windows,
		       (double)t[i].bytes / services / days);
	printf("10 s tier / bound: %.2f\n", (double)t[1].bytes / (bound_bits / 8));
	history_counters(s, &c);
	getrusage(RUSAGE_SELF, &u);
	printf("all files: %llu of %llu bytes, %llu lost windows; memory %ld KiB at most\n",
	       (unsigned long long)c.bytes, (unsigned long long)c.max_bytes,
	       (unsigned long long)c.windows_lost, u.ru_maxrss);
}

int main(int argc, char **argv)
{
	unsigned int services = 50, n_profiles = 0;
	double hours = 24, rate = 200;
	struct profile *profiles[64];
	struct service *s;
	struct model *m;
	struct store *store;
	char err[256];
	uint64_t began, to;
	int o;

	while ((o = getopt(argc, argv, "s:H:r:")) != -1) {
		if (o == 's')
			services = (unsigned int)atoi(optarg);
		else if (o == 'H')
			hours = atof(optarg);
		else if (o == 'r')
			rate = atof(optarg);
		else
			return 2;
	}
	if (argc - optind < 2 || !services)
		return 2;
	names = strtab_new();
	for (int i = optind + 1; i < argc && n_profiles < 64; i++)
		profiles[n_profiles++] = read_profile(argv[i]);
	s = calloc(services, sizeof(*s));
	m = model_new();
	for (unsigned int i = 0; i < services; i++) {
		s[i].p = profiles[i % n_profiles];
		s[i].rate = rate * exp(0.8 * gauss());
		s[i].phase = uniform();
		s[i].starts = i;
		enter_model(m, &s[i], i);
		remix(&s[i], BASE);
	}
	store = store_new(&(struct store_config){ .max_age = 3600 * NSEC_PER_SEC, .max_bytes = 1 });
	if (store_open_history(
		    store,
		    &(struct history_config){ .dir = argv[optind],
					      .host = "bench",
					      .max_bytes = 2ULL << 30,
					      .max_age = { 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY },
					      .now = now,
					      .name = name },
		    err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	began = mono_now();
	to = BASE + (uint64_t)(hours * 3600) * NSEC_PER_SEC;
	for (uint64_t t = BASE; t < to; t += WINDOW_NS) {
		simulated = t + WINDOW_NS;
		store_add(store, make_window(m, s, services, t));
		if (t / WINDOW_NS % 32 == 0)
			store_sync(store);
	}
	store_sync(store);
	printf("written in %.1f s\n", (double)(mono_now() - began) / 1e9);
	report(store, services, hours / 24);
	queries(store, "1 service, 1 h", "{service_name=\"service-3\"}", DAY / 24, BASE, to);
	queries(store, "1 service, 24 h", "{service_name=\"service-3\"}", DAY, BASE, to);
	queries(store, "all, 1 h", "{}", DAY / 24, BASE, to);
	queries(store, "all, 24 h", "{}", DAY, BASE, to);
	queries(store, "all, 7 days", "{}", 7 * DAY, BASE, to);
	store_free(store);
	model_unref(m);
	return 0;
}
