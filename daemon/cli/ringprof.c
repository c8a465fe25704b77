// SPDX-License-Identifier: GPL-2.0
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const struct cli_option none[] = { { 0 } };

const struct cli_option global_options[] = {
	{ "json", 0, NULL, "print JSON for programs" },
	{ "socket", 0, "PATH", "the daemon's Unix socket" },
	{ "url", 0, "URL", "the daemon's address, like http://user:token@host:4099" },
	{ "config", 0, "FILE", "settings file to find the daemon by" },
	{ "help", 'h', NULL, "what this verb does" },
	{ 0 },
};

const struct verb verbs[] = {
	{ "status", verb_status, "what the daemon and the module are doing", "", none },
	{ "start", verb_start, "let the module sample", "", none },
	{ "stop", verb_stop,
	  "stop sampling: the module's, and a daemon that does it by perf events", "", none },
	{ "set", verb_set, "change the module's settings while it runs", "", set_options },
	{ "stats", verb_stats, "count what every overflow came to", "", stats_options },
	{ "record", verb_record, "profile the host, a process or a command into a file",
	  "[-- COMMAND...]", record_options },
	{ "query", verb_query, "ask the daemon's history", "[SELECTOR]", query_options },
	{ "top", verb_top, "the functions that burn the CPUs now", "[SELECTOR]", top_options },
	{ "diff", verb_diff,
	  "compare two profiles; the exit status says whether the head regressed", "",
	  diff_options },
	{ "flame", verb_flame, "a flame graph in text", "[SELECTOR]", flame_options },
	{ "services", verb_services, "which services used the CPUs", "[SELECTOR]",
	  services_options },
	{ "events", verb_events, "deploys and notes of the history", "", events_options },
	{ "annotate", verb_annotate, "note a deploy, or anything else, in the history", "",
	  annotate_options },
	{ "pin", verb_pin, "keep a range of the history whatever the limits", "NAME", pin_options },
	{ "unpin", verb_unpin, "let a pinned range go", "ID", none },
	{ "pins", verb_pins, "which ranges are pinned", "", none },
	{ "export", verb_export, "a range or a pin of the history into one file", "FILE",
	  export_options },
	{ "import", verb_import, "take such a file in, as a pin", "FILE", none },
	{ "symbolize", verb_symbolize, "name what had no name when a profile was taken", "FILE",
	  symbolize_options },
	{ "doctor", verb_doctor, "what this host allows, what is missing, how to mend it", "",
	  none },
	{ "version", verb_version, "versions of command, module and daemon", "", none },
	{ 0 },
};

static void help(void)
{
	printf("Usage: ringprof [VERB] [OPTION...]\n\nVerbs:\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-9s %s\n", v->name, v->help);
	printf("\nWithout a verb: status. Options of every verb, before or behind it:\n");
	for (const struct cli_option *o = global_options; o->name; o++)
		printf("  --%s%s%s  %s\n", o->name, o->arg ? " " : "", o->arg ? o->arg : "",
		       o->help);
	printf("\nringprof VERB --help lists a verb's options. See ringprof(1).\n");
}

/* for the test that compares man page and completion with these tables */
static void list(void)
{
	for (const struct cli_option *o = global_options; o->name; o++)
		printf("* --%s\n", o->name);
	for (const struct verb *v = verbs; v->name; v++) {
		printf("%s\n", v->name);
		for (const struct cli_option *o = v->options; o->name; o++) {
			printf("%s --%s\n", v->name, o->name);
			if (o->letter)
				printf("%s -%c\n", v->name, o->letter);
		}
	}
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* Words that a leading option of every verb takes up; 0: it is none of these. */
static int global_words(const char *arg)
{
	for (const struct cli_option *o = global_options; o->name; o++) {
		size_t n = strlen(o->name);

		if (strncmp(arg, "--", 2) || strncmp(arg + 2, o->name, n))
			continue;
		if (!arg[2 + n])
			return o->arg ? 2 : 1;
		if (arg[2 + n] == '=')
			return 1;
	}
	return 0;
}

/* The verb may stand behind options that all verbs have; it is taken out of the words. */
static int take_verb(struct cli *c, int *argc, char **argv)
{
	int at = 0, n = 1;

	while (at < *argc && n) {
		n = global_words(argv[at]);
		at += n;
	}
	if (at >= *argc || argv[at][0] == '-')
		return 0;
	c->verb = find_verb(argv[at]);
	if (!c->verb)
		return cli_fail(CLI_USAGE, "'%s' is no verb; ringprof --help lists them", argv[at]);
	memmove(&argv[at], &argv[at + 1], (size_t)(*argc - at) * sizeof(*argv));
	--*argc;
	return 0;
}

/* Output that did not get through is a failure, whatever was found out. */
static int flushed(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	return status ? status : cli_fail(CLI_FAILED, "writing: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct cli c = { .verb = &verbs[0] };
	bool wants_help = false;
	int r;

	log_init("ringprof", LOG_LVL_INFO);
	argc--;
	argv++;
	if (argc &&
	    (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "help"))) {
		help();
		return CLI_OK;
	}
	if (argc && !strcmp(argv[0], "--list")) {
		list();
		return CLI_OK;
	}
	if (argc && !strcmp(argv[0], "--version")) {
		printf("ringprof " RINGPROF_VERSION "\n");
		return CLI_OK;
	}
	r = take_verb(&c, &argc, argv);
	if (r)
		return r;
	r = cli_parse(&c, argc, argv, &wants_help);
	if (r)
		return r;
	if (wants_help) {
		cli_help_verb(c.verb);
		return CLI_OK;
	}
	return flushed(c.verb->fn(&c));
}
