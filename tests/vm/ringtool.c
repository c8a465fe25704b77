// SPDX-License-Identifier: GPL-2.0
/*
 * ringtool: the module from the tests' side, without a daemon
 *
 *	ringtool record [OPTION...] [-- COMMAND...]
 *		set, start, read all rings for -d seconds or while COMMAND runs,
 *		stop, read the rest, and print what was counted on both sides as
 *		JSON
 *	ringtool start [OPTION...] | set [OPTION...] | stop | info
 *	ringtool open [SECONDS]	open the device, keep it open; the exit status is
 *				the errno of a refusal
 *	ringtool events		what the module multicasts, a line each, until killed
 *	ringtool table ...	unwind tables, see ringtool_table.c
 *	ringtool rules		every mapping that must be refused, as TAP-like lines
 *
 *	-F HZ  -d SECONDS  -D DEPTH  -c CPULIST  -r RINGBYTES  -f FLAGS  -b NODES  -p TGID
 *	-g CGROUP  -B BUDGET (1/10000 of a CPU; 0, no governor)  -s FILE	one line a sample: tgid tid cpu flags weight
 *				addresses from the root
 *	-o FILE	COMMAND's stdout (else our stderr)
 *	-a	-s takes every process, not COMMAND's alone
 *	-n	leave the rings alone until the end (a stopped reader)
 *	-t	put an impossible position into the reader's page for a while
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source/control.h"

#include "ringread.h"
#include "ringtool.h"

#define MAX_CPUS 256

struct record {
	struct options o;
	struct control *ctl;
	struct control_config cfg;
	int fd;
	struct ringread rings[MAX_CPUS];
	unsigned int n_rings;
	struct control_stats before[MAX_CPUS], after[MAX_CPUS];
	int n_before, n_after;
	FILE *stacks;
	pid_t child;
	bool child_ended;
	int child_status;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "ringtool: %s: %s\n", what, why);
	exit(1);
}

static struct control *control(void)
{
	char err[256] = "";
	struct control *c;
	int r = control_open(&c, err, sizeof(err));

	if (r) {
		fprintf(stderr, "ringtool: %s\n", err);
		exit(-r);
	}
	return c;
}

/* Exits with the errno: tests look at which refusal it was. */
static void must(struct control *c, int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "ringtool: %s: %s\n", what, control_error(c));
	exit(-r);
}

static int device(void)
{
	int fd = open(RINGPROF_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		int e = errno;

		fprintf(stderr, "ringtool: %s: %s\n", RINGPROF_DEVICE, strerror(e));
		exit(e);
	}
	return fd;
}

static void map_new_rings(struct record *rec, unsigned int cpus)
{
	for (unsigned int cpu = 0; cpu < cpus && rec->n_rings < MAX_CPUS; cpu++) {
		bool known = false;
		int r;

		for (unsigned int i = 0; i < rec->n_rings; i++)
			known = known || rec->rings[i].cpu == cpu;
		if (known)
			continue;
		r = ringread_open(&rec->rings[rec->n_rings], rec->fd, cpu);
		if (!r)
			rec->n_rings++;
		else if (r != -ENXIO)
			die("mmap", strerror(-r));
	}
}

static void on_sample(void *arg, struct ringread *r, const struct ringprof_rec_sample *s,
		      const uint64_t *addr, size_t n)
{
	struct record *rec = arg;

	if (!rec->stacks || (rec->child && !rec->o.all && s->tgid != (uint32_t)rec->child))
		return;
	fprintf(rec->stacks, "%u %u %u %u %" PRIu64 " ", s->tgid, s->tid, r->cpu, s->rec.flags,
		r->weight);
	for (size_t i = 0; i < n; i++)
		fprintf(rec->stacks, "%s%" PRIx64, i ? ";" : "", addr[i]);
	fputc('\n', rec->stacks);
}

static void drain_all(struct record *rec)
{
	for (unsigned int i = 0; i < rec->n_rings; i++)
		ringread_drain(&rec->rings[i], on_sample, rec);
}

static void spawn(struct record *rec)
{
	if (!rec->o.command)
		return;
	rec->child = fork();
	if (rec->child < 0)
		die("fork", strerror(errno));
	if (!rec->child) {
		int out = rec->o.output ? open(rec->o.output, O_WRONLY | O_CREAT | O_TRUNC, 0644)
					: 2;

		dup2(out, 1);
		execvp(rec->o.command[0], rec->o.command);
		_exit(127);
	}
}

static bool child_done(struct record *rec)
{
	rec->child_ended = rec->child &&
			   waitpid(rec->child, &rec->child_status, WNOHANG) == rec->child;
	return rec->child_ended;
}

/* Not one CPU may have a load of this run in the next: what outlives its seconds is killed. */
static void end_child(struct record *rec)
{
	if (!rec->child || rec->child_ended)
		return;
	kill(rec->child, SIGKILL);
	waitpid(rec->child, &rec->child_status, 0);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A reader that writes nonsense: positions ahead of head, and odd ones. */
static void bad_tails(struct record *rec, bool on)
{
	for (unsigned int i = 0; i < rec->n_rings; i++) {
		struct ringread *r = &rec->rings[i];

		r->tail->tail = on ? r->head->head + 8 * (i + 1) + (1ULL << 40) : r->pos;
	}
}

/* No reading, and no other end than COMMAND's: not a single wake-up of ours in between. */
static bool wait_for_child(struct record *rec)
{
	if (!rec->o.no_drain || !rec->child || rec->o.seconds > 0)
		return false;
	rec->child_ended = waitpid(rec->child, &rec->child_status, 0) == rec->child;
	return rec->child_ended;
}

static void collect(struct record *rec)
{
	double start = now(), end = start + rec->o.seconds;

	if (wait_for_child(rec))
		return;
	/* at once: on a slow machine the first look comes late */
	if (rec->o.bad_tail)
		bad_tails(rec, true);
	while (!child_done(rec) && (rec->o.seconds <= 0 || now() < end)) {
		usleep(50000);
		map_new_rings(rec, MAX_CPUS);
		if (rec->o.bad_tail)
			bad_tails(rec, now() < start + rec->o.seconds / 2);
		else if (!rec->o.no_drain)
			drain_all(rec);
	}
}

/* What stands in the rings from before this run is no part of it. */
static void forget_leftovers(struct record *rec)
{
	map_new_rings(rec, MAX_CPUS);
	for (unsigned int i = 0; i < rec->n_rings; i++) {
		ringread_drain(&rec->rings[i], NULL, NULL);
		ringread_forget(&rec->rings[i]);
	}
}

static void record(struct options *o)
{
	static struct record rec;

	rec.o = *o;
	rec.ctl = control();
	control_stop(rec.ctl);
	must(rec.ctl, options_apply(rec.ctl, o), "set");
	rec.fd = device();
	if (o->stacks && !(rec.stacks = fopen(o->stacks, "we")))
		die(o->stacks, strerror(errno));
	rec.n_before = control_stats_cpus(rec.ctl, rec.before, MAX_CPUS);
	must(rec.ctl, rec.n_before < 0 ? rec.n_before : 0, "stats");
	forget_leftovers(&rec);
	must(rec.ctl, control_start(rec.ctl), "start");
	map_new_rings(&rec, MAX_CPUS);
	must(rec.ctl, control_get(rec.ctl, &rec.cfg), "config");
	spawn(&rec);
	collect(&rec);
	must(rec.ctl, control_stop(rec.ctl), "stop");
	drain_all(&rec);
	rec.n_after = control_stats_cpus(rec.ctl, rec.after, MAX_CPUS);
	must(rec.ctl, rec.n_after < 0 ? rec.n_after : 0, "stats");
	if (rec.stacks && fclose(rec.stacks))
		die(o->stacks, strerror(errno));
	end_child(&rec);
	report(&rec.cfg, rec.rings, rec.n_rings, rec.before, rec.n_before, rec.after, rec.n_after,
	       rec.child, rec.child_status);
	for (unsigned int i = 0; i < rec.n_rings; i++)
		ringread_close(&rec.rings[i]);
	close(rec.fd);
	control_close(rec.ctl);
}

static void info(void)
{
	struct control *c = control();
	struct control_info i;
	struct control_config g;

	must(c, control_info(c, &i), "info");
	must(c, control_get(c, &g), "config");
	printf("{\"state\":%u,\"reader\":%u,\"hz\":%u,\"period\":%" PRIu64
	       ",\"cpus\":\"%s\",\"cpus_active\":\"%s\",\"memory\":%" PRIu64 "}\n",
	       i.state, i.reader_pid, g.hz, g.period, g.cpus, g.cpus_active, i.memory);
	control_close(c);
}

static int verb_control(const char *verb, struct options *o)
{
	struct control *c = control();

	if (strcmp(verb, "stop"))
		must(c, options_apply(c, o), "set");
	if (!strcmp(verb, "start"))
		must(c, control_start(c), "start");
	if (!strcmp(verb, "stop"))
		must(c, control_stop(c), "stop");
	control_close(c);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "table"))
		return table_verb(control(), argc - 2, argv + 2);
	if (!options_parse(&o, argc - 1, argv + 1))
		return 2;
	if (!strcmp(verb, "record"))
		record(&o);
	else if (!strcmp(verb, "start") || !strcmp(verb, "set") || !strcmp(verb, "stop"))
		return verb_control(verb, &o);
	else if (!strcmp(verb, "info"))
		info();
	else if (!strcmp(verb, "open"))
		device(), sleep(argc > 2 ? atoi(argv[2]) : 0);
	else if (!strcmp(verb, "events"))
		return events();
	else if (!strcmp(verb, "rules"))
		return rules(device());
	else
		die(verb, "record, start, set, stop, info, open, events, table or rules");
	return 0;
}
