// SPDX-License-Identifier: GPL-2.0
/*
 * ringprofd: reads the settings, opens everything that needs rights, gives
 * the rights up, serves until told to stop.
 *
 * Threads: this one waits for signals and feeds the watchdog; the collector
 * makes history; libmicrohttpd's threads and the server's workers answer.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "agg/collector.h"
#include "agg/relabel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/disabled.h"
#include "base/log.h"
#include "base/memory.h"
#include "caching.h"
#include "http/server.h"
#include "keep.h"
#include "metrics.h"
#include "reading.h"
#include "service.h"
#include "settings.h"

#define CONFIG_FILE RINGPROF_SYSCONFDIR "/ringprof/ringprofd.conf"
#define TICK_NS	    (5 * NSEC_PER_SEC)
/* a round takes milliseconds; a collector silent for this long hangs */
#define HANG_NS (30 * NSEC_PER_SEC)
/* answers and names leave holes behind */
#define TRIM_NS	   (60 * NSEC_PER_SEC)
#define MAX_SERIES 5000

enum { KEY_CONFIG = 0x1000, KEY_CHECK, KEY_CREDENTIAL, KEY_FIRST = 0x2000 };

struct daemon {
	struct config config;	 /* of the start: other parts point into it */
	struct config live;	 /* as last applied by SIGHUP; zero before the first */
	const char *config_file; /* NULL: the default, which may be missing */
	bool check_only, credential_only;
	int kallsyms;		/* open, or 0 */
	const char *values[64]; /* of flags, by option */
	char *token;
	char host[256];
	const char *(*labels)[2];
	struct relabel *rules;
	struct http_env env;
	struct metrics_env metrics;
	char last_trouble[512];
	uint64_t next_watchdog, next_trim;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct daemon *d = state->input;

	if (key == KEY_CONFIG)
		d->config_file = arg;
	else if (key == KEY_CHECK)
		d->check_only = true;
	else if (key == KEY_CREDENTIAL)
		d->credential_only = true;
	else if (key >= KEY_FIRST && key < KEY_FIRST + (int)config_n_options)
		d->values[key - KEY_FIRST] = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s': ringprofd takes options only", arg);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void parse_flags(struct daemon *d, int argc, char **argv)
{
	static struct argp_option o[73] = {
		{ "config", KEY_CONFIG, "FILE", 0, "settings (default " CONFIG_FILE ")", 1 },
		{ "check-config", KEY_CHECK, NULL, 0, "read the settings, say what is wrong, exit",
		  1 },
		{ "make-credential", KEY_CREDENTIAL, NULL, 0,
		  "make the credential if there is none yet, exit", 1 },
	};
	static const struct argp argp = {
		.options = o,
		.parser = on_option,
		.doc = "Continuous profiler: samples all CPUs, keeps a history, serves it.\v"
		       "Options override the settings file; its keys are their names. See "
		       "ringprofd(8).",
	};

	for (size_t i = 0; i < config_n_options; i++)
		o[i + 3] = (struct argp_option){ .name = config_options[i].name,
						 .key = KEY_FIRST + (int)i,
						 .arg = config_options[i].arg,
						 .doc = config_options[i].help,
						 .group = 2 };
	argp_program_version = "ringprofd " RINGPROF_VERSION;
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, d))
		errx(2, "command line: out of memory");
}

/* Defaults, files, flags: 0 or -errno with a sentence. */
static int load_config(struct daemon *d, struct config *c, char *err, size_t errlen)
{
	int r = config_init(c);

	*err = '\0';
	if (!r)
		r = config_read(c, d->config_file ? d->config_file : CONFIG_FILE,
				d->config_file != NULL, err, errlen);
	for (size_t i = 0; !r && i < config_n_options; i++)
		if (d->values[i])
			r = config_set(c, config_options[i].name, d->values[i], err, errlen);
	if (!r)
		r = config_check(c, err, errlen);
	if (!r)
		r = settings_check_rules(c, err, errlen);
	/* without memory nobody said anything */
	if (r && !*err)
		snprintf(err, errlen, "settings: %s", strerror(-r));
	if (r)
		config_free(c);
	return r;
}

static enum log_level level_of(const char *name)
{
	switch (name[0]) {
	case 'e':
		return LOG_LVL_ERR;
	case 'w':
		return LOG_LVL_WARN;
	case 'd':
		return LOG_LVL_DEBUG;
	default:
		return LOG_LVL_INFO;
	}
}

static void env_kick(void *arg)
{
	collector_kick(((struct daemon *)arg)->metrics.collector);
}

static void env_metrics(void *arg, bool names, struct buf *b)
{
	metrics_write(&((struct daemon *)arg)->metrics, names, b);
}

static void env_status(void *arg, struct buf *b)
{
	status_write(&((struct daemon *)arg)->metrics, b);
}

static const char *env_not_ready(void *arg)
{
	struct collector_status s;

	collector_status(((struct daemon *)arg)->metrics.collector, &s);
	return s.running ? NULL : "no source delivers samples; see `ringprof status`";
}

/* Everything up to sampling; needs rights, makes no thread. */
static int build(struct daemon *d, char *err, size_t errlen)
{
	const struct config *c = &d->config;
	struct store_config sc = { .max_age = c->history, .max_bytes = c->memory };
	struct symbols_config yc = { .max_bytes = c->symbol_memory / 2,
				     .max_line_bytes = c->line_memory,
				     .line_reader = d->metrics.readings.readers[READING_LINES],
				     .jit_reader = d->metrics.readings.readers[READING_JIT],
				     .demangler = d->metrics.readings.readers[READING_MANGLED],
				     .kallsyms_fd = d->kallsyms,
				     .hide_kernel = strcmp(c->kernel_addresses, "on") != 0 };
	cleanup_free char *dirs = NULL;
	struct metrics_env *m = &d->metrics;
	struct collector_config cc = {
		.source = settings_source(c, true),
		.agg = { .max_model_bytes = settings_model_bytes(c),
			 .max_series = MAX_SERIES,
			 .host = d->host,
			 .external = (const char *const(*)[2])d->labels,
			 .n_external = (uint32_t)c->n_external_labels,
			 .relabel = d->rules },
		.max_chain_bytes = settings_chain_bytes(c),
		.environment = c->deployment_environment,
		.unwinder = { .tables = { .reader = d->metrics.readings.readers[READING_ROWS],
					  .dir = c->unwind_disk ? c->cache_dir : NULL,
					  .max_disk = c->unwind_disk,
					  .max_bytes = c->unwind_memory } },
	};

	m->config = c;
	m->files = files_new(c->symbol_memory / 2);
	if (m->files)
		files_set_reader(m->files, m->readings.readers[READING_NAMES]);
	if (m->files && !caching_use(c, m->files, &yc, &dirs))
		m->symbols = symbols_new(&yc, m->files);
	m->store = m->symbols ? store_new(&sc) : NULL;
	if (!m->store) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	return collector_new(&m->collector, &cc, m->files, m->symbols, m->store, err, errlen);
}

static int set_categories(struct daemon *d, const struct config *c, char *err, size_t errlen)
{
	struct categories *rules;
	int r = settings_categories(c, &rules, err, errlen);

	if (!r)
		http_set_categories(d->metrics.http, rules);
	return r;
}

static int serve(struct daemon *d, int passed, char *err, size_t errlen)
{
	const struct config *c = &d->config;
	static int fds[16];
	struct http_config hc = {
		.listen = c->listen,
		.unix_socket = c->unix_socket,
		.tls_cert = *c->tls_cert ? c->tls_cert : NULL,
		.tls_key = *c->tls_key ? c->tls_key : NULL,
		.token = d->token,
		.allowed_hosts = c->allowed_hosts,
		.max_waiting = c->max_waiting,
		/* a scrape is read from the windows in memory when it ends */
		.max_seconds =
			(uint32_t)(c->history / NSEC_PER_SEC - c->history / NSEC_PER_SEC / 10),
		.listen_fds = fds,
		.n_listen_fds = passed,
	};
	int r;

	for (int i = 0; i < passed; i++)
		fds[i] = 3 + i;
	d->env = (struct http_env){
		.query = { .store = d->metrics.store, .symbols = d->metrics.symbols },
		.agg = collector_agg(d->metrics.collector),
		.kick = env_kick,
		.metrics = env_metrics,
		.status = env_status,
		.not_ready = env_not_ready,
		.arg = d,
	};
	/* after rights were dropped: its files are that user's */
	keep_open(c, d->host, &d->env.query);
	r = http_start(&d->metrics.http, &hc, &d->env, err, errlen);
	if (!r)
		agg_on_close(d->env.agg, http_windows_closed, d->metrics.http);
	return r ? r : set_categories(d, c, err, errlen);
}

static void say_hello(const struct daemon *d)
{
	struct collector_status s;

	collector_status(d->metrics.collector, &s);
	log_info("source %s (%s): %u Hz on %u CPUs", s.info.name, s.info.why, s.info.hz,
		 s.info.cpus);
	log_info("user stacks: %s", s.info.stacks);
	if (*d->config.listen)
		log_info("serving on %s://%s/%s", *d->config.tls_cert ? "https" : "http",
			 d->config.listen,
			 d->token ? "; log in as any user with the credential as password"
				  : "; auth = none: whoever can connect reads every profile");
}

static int set_labels(struct daemon *d, const struct config *c)
{
	struct agg_config labels = { .host = d->host,
				     .n_external = (uint32_t)c->n_external_labels };
	const char *(*external)[2] = NULL;
	char err[8]; /* load_config has found them good */
	int r = settings_labels(c, &external);

	labels.external = (const char *const(*)[2])external;
	if (!r)
		r = settings_rules(c, &labels.relabel, err, sizeof(err));
	if (!r)
		r = agg_set_labels(collector_agg(d->metrics.collector), &labels);
	relabel_unref(labels.relabel);
	free(external);
	return r;
}

static void reload(struct daemon *d)
{
	struct config fresh;
	struct store_config sc;
	struct source_config source;
	char err[1024] = "";

	if (load_config(d, &fresh, err, sizeof(err))) {
		log_err("SIGHUP: %s; the settings stay as they were", err);
		return;
	}
	if (set_categories(d, &fresh, err, sizeof(err))) {
		log_err("SIGHUP: %s; the settings stay as they were", err);
		config_free(&fresh);
		return;
	}
	source = settings_source(&fresh, false);
	if (set_labels(d, &fresh) || collector_reopen(d->metrics.collector, &source)) {
		log_err("SIGHUP: out of memory; the settings stay as they were");
		config_free(&fresh);
		return;
	}
	settings_tell_changes(&d->config, d->live.source ? &d->live : &d->config, &fresh);
	sc = (struct store_config){ .max_age = fresh.history, .max_bytes = fresh.memory };
	log_set_level(level_of(fresh.log_level));
	store_reconfigure(d->metrics.store, &sc);
	keep_limits(&fresh, d->metrics.store);
	log_info("SIGHUP: settings applied; changes made by `ringprof set` are undone");
	config_free(&d->live);
	d->live = fresh;
}

/* False: the kill switch was thrown. */
static bool tick(struct daemon *d, uint64_t watchdog)
{
	struct collector_status s;
	uint64_t now = mono_now();
	char why[512];

	if (disabled_check(why, sizeof(why))) {
		log_warn("stopping: %s", why);
		return false;
	}
	if (now >= d->next_trim) {
		d->next_trim = now + TRIM_NS;
		memory_trim();
	}
	keep_tell(d->metrics.store);
	reading_tell(&d->metrics.readings);
	collector_status(d->metrics.collector, &s);
	if (strcmp(s.trouble, d->last_trouble)) {
		if (*s.trouble)
			log_warn("%s", s.trouble);
		else
			log_info("source %s (%s) delivers again", s.info.name, s.info.why);
		snprintf(d->last_trouble, sizeof(d->last_trouble), "%s", s.trouble);
	}
	if (watchdog && now >= d->next_watchdog && now - s.beat < HANG_NS) {
		service_notify("WATCHDOG=1");
		d->next_watchdog = now + watchdog / 2;
	}
	return true;
}

static void wait_for_end(struct daemon *d, int sigfd)
{
	uint64_t watchdog = service_watchdog_interval();
	uint64_t wait = watchdog && watchdog < TICK_NS ? watchdog / 2 : TICK_NS;
	struct pollfd p = { .fd = sigfd, .events = POLLIN };
	struct signalfd_siginfo si;

	do {
		if (poll(&p, 1, (int)(wait / NSEC_PER_MSEC)) > 0 &&
		    read(sigfd, &si, sizeof(si)) == sizeof(si)) {
			if (si.ssi_signo != SIGHUP) {
				log_info("stopping on %s", strsignal((int)si.ssi_signo));
				return;
			}
			service_notify("RELOADING=1");
			reload(d);
			service_notify("READY=1");
		}
	} while (tick(d, watchdog));
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* By a service manager as root, for a daemon that may not write beside its settings. */
static int make_credential(const struct daemon *d)
{
	cleanup_free char *token = NULL;
	char err[512] = "";

	if (!strcmp(d->config.auth, "token") &&
	    service_token(d->config.token_file, &token, err, sizeof(err))) {
		log_err("%s", err);
		return 1;
	}
	return 0;
}

static int run(struct daemon *d, char *err, size_t errlen)
{
	int passed = service_listen_fds();
	cleanup_close int sigfd = block_signals();
	cleanup_close int lock = service_lock(d->config.state_dir, err, errlen);
	int r = lock < 0 ? lock : 0;

	if (!r)
		r = disabled_check(err, errlen);
	service_raise_file_limit();
	d->kallsyms = service_kallsyms();
	if (!r)
		caching_make_dirs(&d->config);
	if (!r)
		keep_make_dir(&d->config);
	if (!r && !strcmp(d->config.auth, "token"))
		r = service_token(d->config.token_file, &d->token, err, errlen);
	if (!r)
		r = settings_labels(&d->config, &d->labels);
	if (!r)
		r = settings_rules(&d->config, &d->rules, err, errlen);
	if (!r)
		r = reading_new(&d->metrics.readings, &d->config);
	if (!r)
		r = build(d, err, errlen);
	if (!r)
		r = service_drop_rights(d->config.user, err, errlen);
	if (!r)
		r = serve(d, passed, err, errlen);
	if (!r)
		r = collector_start(d->metrics.collector, err, errlen);
	if (r)
		return r;
	say_hello(d);
	service_notify("READY=1");
	wait_for_end(d, sigfd);
	service_notify("STOPPING=1");
	return 0;
}

static void destroy(struct daemon *d)
{
	/* the collector first: its thread closes the last windows, and scrapes that wait get them */
	if (d->metrics.collector)
		collector_stop(d->metrics.collector);
	http_stop(d->metrics.http);
	collector_free(d->metrics.collector);
	store_free(d->metrics.store);
	symbols_free(d->metrics.symbols);
	if (d->kallsyms)
		close(d->kallsyms);
	files_free(d->metrics.files);
	reading_free(&d->metrics.readings);
	free(d->labels);
	relabel_unref(d->rules);
	free(d->token);
	config_free(&d->live);
	config_free(&d->config);
}

int main(int argc, char **argv)
{
	static struct daemon d;
	char err[1024] = "";
	int r;

	reading_main(argc, argv);
	memory_setup();
	log_init("ringprofd", LOG_LVL_INFO);
	parse_flags(&d, argc, argv);
	if (load_config(&d, &d.config, err, sizeof(err))) {
		log_err("%s", err);
		return 2;
	}
	if (d.check_only || d.credential_only) {
		if (d.check_only)
			printf("settings are fine\n");
		r = d.credential_only ? make_credential(&d) : 0;
		config_free(&d.config);
		return r;
	}
	log_set_level(level_of(d.config.log_level));
	if (gethostname(d.host, sizeof(d.host) - 1))
		snprintf(d.host, sizeof(d.host), "localhost");
	r = run(&d, err, sizeof(err));
	if (r)
		log_err("%s", *err ? err : strerror(-r));
	destroy(&d);
	return r == -ECANCELED && !access(DISABLED_FILE, F_OK) ? EX_CONFIG : r != 0;
}
