// SPDX-License-Identifier: GPL-2.0
/*
 * One table says which keys there are, how they are checked and where they
 * go. The file reader (config_file.c), the command line and --help use it, and
 * a test compares the man page with it.
 */
#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/ringprof.h>

#include "base/cleanup.h"

enum type { T_TEXT, T_WORD, T_U32, T_BYTES, T_TIME, T_PERCENT };

struct rule {
	enum type type;
	size_t at; /* offset in struct config */
	uint64_t min, max;
	const char *words; /* T_WORD: allowed ones, separated by blanks */
	const char *def;
	bool (*ok)(const char *value); /* T_TEXT: NULL takes everything */
};

static bool take_cpu(const char **p, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	*ret = strtoul(*p, &end, 10);
	*p = end;
	return *ret < 65536;
}

/* Form alone: which CPUs there are changes, and is the source's to say. */
static bool cpus_ok(const char *p)
{
	unsigned long from, to;

	if (!*p)
		return true;
	for (;; p++) {
		if (!take_cpu(&p, &from))
			return false;
		to = from;
		if (*p == '-' && (p++, !take_cpu(&p, &to)))
			return false;
		if (to < from || (*p && *p != ','))
			return false;
		if (!*p)
			return true;
	}
}

static bool listen_ok(const char *s)
{
	const char *port = strrchr(s, ':');
	size_t host = port ? (size_t)(port - s) : 0;

	if (!*s)
		return true;
	if (!host || !port[1] || strlen(port + 1) > 5 ||
	    strspn(port + 1, "0123456789") != strlen(port + 1) || atoi(port + 1) > 65535)
		return false;
	return *s == '[' ? s[host - 1] == ']' && host > 2 : !memchr(s, ':', host);
}

static bool absolute(const char *s)
{
	return *s == '/';
}

static bool absolute_or_none(const char *s)
{
	return !*s || absolute(s);
}

#define HOUR_NS 3600000000000ULL
#define DAY_NS	(24 * HOUR_NS)
#define AT(f)	offsetof(struct config, f)

/* Row i here belongs to row i of config_options. */
const struct config_option config_options[] = {
	{ "source", "NAME", "where samples come from: auto, kmod or perf", "auto, kmod, perf",
	  true },
	{ "frequency", "HZ", "samples a second and CPU", "1 to 10000", true },
	{ "idle-frequency", "HZ", "the same while the host is idle; 0: no other", "0 to 10000",
	  true },
	{ "cpus", "LIST", "CPUs to sample, like 0-3,8; empty: all that the kernel gives work",
	  "a CPU list", true },
	{ "cgroup", "PATH", "only this cgroup and what is below it",
	  "a path below the cgroup mount", true },
	{ "ring-size", "BYTES", "ring of each CPU; 0: by the frequency", "0, or 16KiB to 64MiB",
	  true },
	{ "unwind", "KIND", "user stacks by unwind rows (rows) or by frame pointers alone (fp)",
	  "rows, fp", true },
	{ "perf-stack", "BYTES", "perf source: user stack copied a sample; 0: frame pointers",
	  "0, or 2KiB to 65528", true },
	{ "unwind-memory", "BYTES", "memory for unwind rows", "4MiB to 64GiB", false },
	{ "unwind-disk", "BYTES", "room for unwind rows in cache-dir; 0: none are kept",
	  "0 to 64GiB", false },
	{ "unwind-module-memory", "BYTES", "the module's memory for unwind rows; 0: none",
	  "0 to 4GiB", true },
	{ "max-depth", "N", "user frames of a stack", "1 to 2048", true },
	{ "budget", "PERCENT",
	  "share of a CPU that the module may take; 0: no limit; empty: as it has it", "0 to 100%",
	  true },
	{ "listen", "ADDRESS", "address and port of the HTTP server; empty: none",
	  "HOST:PORT, [V6]:PORT", false },
	{ "unix-socket", "PATH", "socket for the ringprof command; empty: none", "an absolute path",
	  false },
	{ "tls-cert", "FILE", "certificate (PEM) of the HTTP server", "a file", false },
	{ "tls-key", "FILE", "key (PEM) of the HTTP server", "a file", false },
	{ "auth", "KIND", "who may read profiles: token, or none (everyone who can connect)",
	  "token, none", false },
	{ "token-file", "FILE", "the credential; made at first start if missing",
	  "an absolute path", false },
	{ "allowed-hosts", "NAMES", "Host names served beside localhost, comma separated", "names",
	  false },
	{ "max-waiting", "N", "scrapes that may wait at once", "1 to 4096", false },
	{ "history", "TIME", "how long windows are kept in memory", "1m to 1d", true },
	{ "memory", "BYTES", "memory for windows and stacks", "4MiB to 64GiB", true },
	{ "history-dir", "DIR",
	  "the history on disk; empty: below state-dir, or /var/lib/ringprof if that is in /run",
	  "an absolute path", false },
	{ "history-size", "BYTES", "room for the history on disk, all of it; 0: none is kept",
	  "0, or 16MiB to 64TiB", true },
	{ "history-raw", "BYTES",
	  "of it, room for single samples of the last minutes; 0: none are kept",
	  "0, or 256KiB to 1GiB; at most a 32nd of history-size counts", true },
	{ "history-10s", "TIME", "how long windows of 10 s are kept on disk", "1h to 3650d", true },
	{ "history-1m", "TIME", "how long windows of a minute are kept on disk", "1h to 3650d",
	  true },
	{ "history-10m", "TIME", "how long windows of ten minutes are kept on disk", "1h to 3650d",
	  true },
	{ "history-1h", "TIME", "how long windows of an hour are kept on disk", "1h to 3650d",
	  true },
	{ "symbol-memory", "BYTES", "memory for symbol tables and names", "4MiB to 64GiB", false },
	{ "symbol-disk", "BYTES", "room for symbol tables in cache-dir; 0: none are kept",
	  "0 to 64GiB", false },
	{ "line-memory", "BYTES", "memory for debug information: lines and inlined functions",
	  "16MiB to 64GiB", false },
	{ "debug-dirs", "DIRS", "where separate debug files are, colon separated", "directories",
	  false },
	{ "kernel-addresses", "SWITCH",
	  "tell where the kernel lies in memory: on, or off (addresses as vmlinux has them)",
	  "on, off", false },
	{ "debuginfod", "SWITCH",
	  "ask servers for debug files that are not here: on, or off (nobody is told what runs)",
	  "on, off", false },
	{ "debuginfod-urls", "URLS", "these, separated by blanks; empty: those of DEBUGINFOD_URLS",
	  "URLs", false },
	{ "debuginfod-timeout", "TIME", "how long a server may take for a file", "1s to 1h",
	  false },
	{ "debuginfod-disk", "BYTES", "room in cache-dir for what servers sent", "1MiB to 1024GiB",
	  false },
	{ "categories", "FILE",
	  "rules for merge=category, asked before the built-in ones; empty: those alone",
	  "an absolute path", true },
	{ "log-level", "LEVEL", "error, warning, info or debug", "error, warning, info, debug",
	  true },
	{ "user", "NAME", "user to run as after start; empty: stay as started", "a user name",
	  false },
	{ "deployment-environment", "NAME",
	  "label deployment_environment of processes that do not say it themselves", "a name",
	  false },
	{ "state-dir", "DIR", "lock and other state", "an absolute path", false },
	{ "cache-dir", "DIR", "what a restart need not make again: unwind rows, symbols",
	  "an absolute path", false },
};

static const struct rule rules[] = {
	{ T_WORD, AT(source), 0, 0, "auto kmod perf", "auto", NULL },
	{ T_U32, AT(frequency), 1, 10000, NULL, "99", NULL },
	{ T_U32, AT(idle_frequency), 0, 10000, NULL, "0", NULL },
	{ T_TEXT, AT(cpus), 0, 0, NULL, "", cpus_ok },
	{ T_TEXT, AT(cgroup), 0, 0, NULL, "", NULL },
	{ T_BYTES, AT(ring_size), 0, 64 << 20, NULL, "0", NULL },
	{ T_WORD, AT(unwind), 0, 0, "rows fp", "rows", NULL },
	{ T_BYTES, AT(perf_stack), 0, 65528, NULL, "16KiB", NULL },
	{ T_BYTES, AT(unwind_memory), 4 << 20, 64ULL << 30, NULL, "128MiB", NULL },
	{ T_BYTES, AT(unwind_disk), 0, 64ULL << 30, NULL, "256MiB", NULL },
	{ T_BYTES, AT(unwind_module_memory), 0, 4ULL << 30, NULL, "64MiB", NULL },
	{ T_U32, AT(max_depth), 1, RINGPROF_DEPTH_LIMIT, NULL, "512", NULL },
	{ T_PERCENT, AT(budget), 0, UINT32_MAX, NULL, "", NULL },
	{ T_TEXT, AT(listen), 0, 0, NULL, "127.0.0.1:4099", listen_ok },
	{ T_TEXT, AT(unix_socket), 0, 0, NULL, "/run/ringprof/ringprofd.sock", absolute_or_none },
	{ T_TEXT, AT(tls_cert), 0, 0, NULL, "", NULL },
	{ T_TEXT, AT(tls_key), 0, 0, NULL, "", NULL },
	{ T_WORD, AT(auth), 0, 0, "token none", "token", NULL },
	{ T_TEXT, AT(token_file), 0, 0, NULL, "/etc/ringprof/token", absolute },
	{ T_TEXT, AT(allowed_hosts), 0, 0, NULL, "", NULL },
	{ T_U32, AT(max_waiting), 1, 4096, NULL, "256", NULL },
	{ T_TIME, AT(history), 60000000000ULL, 86400000000000ULL, NULL, "1h", NULL },
	{ T_BYTES, AT(memory), 4 << 20, 64ULL << 30, NULL, "128MiB", NULL },
	{ T_TEXT, AT(history_dir), 0, 0, NULL, "", absolute_or_none },
	{ T_BYTES, AT(history_size), 0, 64ULL << 40, NULL, "2GiB", NULL },
	{ T_BYTES, AT(history_raw), 0, 1ULL << 30, NULL, "64MiB", NULL },
	{ T_TIME, AT(history_age[0]), HOUR_NS, 3650 * DAY_NS, NULL, "7d", NULL },
	{ T_TIME, AT(history_age[1]), HOUR_NS, 3650 * DAY_NS, NULL, "30d", NULL },
	{ T_TIME, AT(history_age[2]), HOUR_NS, 3650 * DAY_NS, NULL, "90d", NULL },
	{ T_TIME, AT(history_age[3]), HOUR_NS, 3650 * DAY_NS, NULL, "365d", NULL },
	{ T_BYTES, AT(symbol_memory), 4 << 20, 64ULL << 30, NULL, "128MiB", NULL },
	{ T_BYTES, AT(symbol_disk), 0, 64ULL << 30, NULL, "256MiB", NULL },
	{ T_BYTES, AT(line_memory), 16 << 20, 64ULL << 30, NULL, "256MiB", NULL },
	{ T_TEXT, AT(debug_dirs), 0, 0, NULL, "/usr/lib/debug", NULL },
	{ T_WORD, AT(kernel_addresses), 0, 0, "on off", "off", NULL },
	{ T_WORD, AT(debuginfod), 0, 0, "on off", "off", NULL },
	{ T_TEXT, AT(debuginfod_urls), 0, 0, NULL, "", NULL },
	{ T_TIME, AT(debuginfod_timeout), 1000000000ULL, 3600000000000ULL, NULL, "1m", NULL },
	{ T_BYTES, AT(debuginfod_disk), 1 << 20, 1024ULL << 30, NULL, "2GiB", NULL },
	{ T_TEXT, AT(categories), 0, 0, NULL, "", absolute_or_none },
	{ T_WORD, AT(log_level), 0, 0, "error warning info debug", "info", NULL },
	{ T_TEXT, AT(user), 0, 0, NULL, "", NULL },
	{ T_TEXT, AT(deployment_environment), 0, 0, NULL, "", NULL },
	{ T_TEXT, AT(state_dir), 0, 0, NULL, "/run/ringprof", absolute },
	{ T_TEXT, AT(cache_dir), 0, 0, NULL, "/var/cache/ringprof", absolute },
};

const size_t config_n_options = ARRAY_SIZE(config_options);
_Static_assert(ARRAY_SIZE(config_options) == ARRAY_SIZE(rules), "one rule per option");

static bool word_in(const char *words, const char *w)
{
	size_t n = strlen(w);

	for (const char *p = words; n && (p = strstr(p, w)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

static int set_text(char **at, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

static int parse_number(enum type t, const char *value, uint64_t *ret)
{
	char *end;

	if (t == T_TIME)
		return parse_duration(value, ret);
	if (t == T_BYTES)
		return parse_bytes(value, ret);
	if (t == T_PERCENT) {
		uint32_t share = CONFIG_NO_BUDGET;
		int r = *value ? parse_percent(value, &share) : 0;

		*ret = share;
		return r;
	}
	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(value, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

static bool is_u32(enum type t)
{
	return t == T_U32 || t == T_PERCENT;
}

static int rule_set(struct config *c, const struct rule *r, const char *value)
{
	void *at = (char *)c + r->at;
	uint64_t v;

	if (r->type == T_WORD && !word_in(r->words, value))
		return -EINVAL;
	if (r->ok && !r->ok(value))
		return -EINVAL;
	if (r->type == T_TEXT || r->type == T_WORD)
		return set_text(at, value);
	if (parse_number(r->type, value, &v) || v < r->min || v > r->max)
		return -EINVAL;
	if (is_u32(r->type))
		*(uint32_t *)at = (uint32_t)v;
	else
		*(uint64_t *)at = v;
	return 0;
}

int config_set(struct config *c, const char *key, const char *value, char *err, size_t errlen)
{
	for (size_t i = 0; i < config_n_options; i++) {
		int r;

		if (strcmp(key, config_options[i].name))
			continue;
		r = rule_set(c, &rules[i], value);
		if (r == -EINVAL)
			snprintf(err, errlen, "%s: '%s' is not %s; allowed: %s", key, value,
				 config_options[i].arg, config_options[i].allowed);
		else if (r)
			snprintf(err, errlen, "%s: %s", key, strerror(-r));
		return r;
	}
	snprintf(err, errlen, "%s: no such key; see ringprofd.conf(5)", key);
	return -ENOENT;
}

const char *config_value(const struct config *c, size_t i, char *out, size_t outlen)
{
	const void *at = (const char *)c + rules[i].at;

	if (rules[i].type == T_TEXT || rules[i].type == T_WORD)
		return *(char *const *)at;
	if (rules[i].type == T_PERCENT && *(const uint32_t *)at == CONFIG_NO_BUDGET)
		return "";
	snprintf(out, outlen, "%llu",
		 is_u32(rules[i].type) ? (unsigned long long)*(const uint32_t *)at
				       : (unsigned long long)*(const uint64_t *)at);
	return out;
}

int config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < config_n_options; i++) {
		int r = rule_set(c, &rules[i], rules[i].def);

		if (r) {
			config_free(c);
			return r;
		}
	}
	return 0;
}

static void free_rules(struct config *c)
{
	for (size_t i = 0; i < c->n_relabel; i++) {
		free(c->relabel[i].name);
		free(c->relabel[i].key);
		free(c->relabel[i].value);
		free(c->relabel[i].where);
	}
	free(c->relabel);
	c->relabel = NULL;
	c->n_relabel = 0;
}

static void free_labels(struct config *c)
{
	for (size_t i = 0; i < c->n_external_labels; i++) {
		free(c->external_labels[i].key);
		free(c->external_labels[i].value);
	}
	free(c->external_labels);
	c->external_labels = NULL;
	c->n_external_labels = 0;
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < config_n_options; i++) {
		if (rules[i].type != T_TEXT && rules[i].type != T_WORD)
			continue;
		free(*(char **)((char *)c + rules[i].at));
		*(char **)((char *)c + rules[i].at) = NULL;
	}
	free_labels(c);
	free_rules(c);
}

static bool is_loopback(const char *listen)
{
	return !*listen || !strncmp(listen, "127.", 4) || !strncmp(listen, "localhost:", 10) ||
	       !strncmp(listen, "[::1]:", 6);
}

int config_check(const struct config *c, char *err, size_t errlen)
{
	if (!*c->tls_cert != !*c->tls_key) {
		snprintf(err, errlen,
			 "tls-cert, tls-key: one without the other; give both or none");
		return -EINVAL;
	}
	if (!strcmp(c->auth, "none") && !is_loopback(c->listen)) {
		snprintf(err, errlen,
			 "auth = none with listen = %s would show every profile of this host to "
			 "the network; use auth = token, or listen on 127.0.0.1",
			 c->listen);
		return -EINVAL;
	}
	if (*c->user && !getpwnam(c->user)) {
		snprintf(err, errlen,
			 "user: there is no user '%s' here; make it, or leave user empty", c->user);
		return -EINVAL;
	}
	if (c->perf_stack && (c->perf_stack < 2048 || c->perf_stack % 8)) {
		snprintf(err, errlen,
			 "perf-stack: '%llu' is too small or no multiple of 8; allowed: 0, or 2KiB "
			 "to 65528",
			 (unsigned long long)c->perf_stack);
		return -EINVAL;
	}
	if (c->history_size && c->history_size < 16 << 20) {
		snprintf(err, errlen,
			 "history-size: '%llu' is too small; allowed: 0, or 16MiB to 64TiB",
			 (unsigned long long)c->history_size);
		return -EINVAL;
	}
	if (c->history_raw && c->history_raw < 256 << 10) {
		snprintf(err, errlen,
			 "history-raw: '%llu' is too small; allowed: 0, or 256KiB to 1GiB",
			 (unsigned long long)c->history_raw);
		return -EINVAL;
	}
	if (c->ring_size && c->ring_size < 16384) {
		snprintf(err, errlen,
			 "ring-size: '%llu' is too small; allowed: 0, or 16KiB to 64MiB",
			 (unsigned long long)c->ring_size);
		return -EINVAL;
	}
	return 0;
}
