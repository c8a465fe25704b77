// SPDX-License-Identifier: GPL-2.0
/*
 * Talks to the daemon. Where it is: --url, --socket, else what the settings
 * say: the Unix socket (no credential needed there), else TCP with the
 * credential of the token file. With TLS the certificate of the settings is
 * what is trusted, as it is mostly self-signed; for --url CURL_CA_BUNDLE names
 * others, as it does for curl(1).
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "cli/cli.h"

#define MAX_BODY (1UL << 30)

struct place {
	char socket[256]; /* "" = TCP */
	char url[512];	  /* scheme and host, and a credential maybe */
	char name[512];	  /* for messages: without the credential */
	char token[600];
	char ca[512]; /* file of certificates, "" the system's */
	bool other;   /* no daemon is expected there */
};

static void place_from_settings(const struct cli *c, struct place *p)
{
	const char *file = c->config_file ? c->config_file
					  : RINGPROF_SYSCONFDIR "/ringprof/ringprofd.conf";
	struct config cfg;
	char err[512];
	struct buf b = { 0 };

	if (config_init(&cfg))
		return;
	if (config_read(&cfg, file, c->config_file != NULL, err, sizeof(err)))
		cli_fail(0, "%s, going on with the defaults", err);
	if (access(cfg.unix_socket, R_OK | W_OK) == 0)
		snprintf(p->socket, sizeof(p->socket), "%s", cfg.unix_socket);
	snprintf(p->ca, sizeof(p->ca), "%s", cfg.tls_cert);
	snprintf(p->url, sizeof(p->url), "%s://%s", *cfg.tls_cert ? "https" : "http",
		 *cfg.listen ? cfg.listen : "127.0.0.1:4099");
	if (!*p->socket && !strcmp(cfg.auth, "token") && !buf_read_file(&b, cfg.token_file, 4096)) {
		b.data[strcspn(b.data, "\r\n")] = '\0';
		snprintf(p->token, sizeof(p->token), "%s", b.data);
	}
	buf_free(&b);
	config_free(&cfg);
}

static void name_place(struct place *p)
{
	const char *host = strstr(p->url, "://"), *at = strrchr(p->url, '@');

	if (*p->socket)
		snprintf(p->name, sizeof(p->name), "%s", p->socket);
	else if (host && at)
		snprintf(p->name, sizeof(p->name), "%.*s%s", (int)(host + 3 - p->url), p->url,
			 at + 1);
	else
		snprintf(p->name, sizeof(p->name), "%s", at ? at + 1 : p->url);
}

static void find_place(const struct cli *c, struct place *p)
{
	const char *ca = getenv("CURL_CA_BUNDLE");

	memset(p, 0, sizeof(*p));
	if (c->url) {
		snprintf(p->url, sizeof(p->url), "%s", c->url);
		if (*p->url && p->url[strlen(p->url) - 1] == '/')
			p->url[strlen(p->url) - 1] = '\0';
	} else if (c->socket) {
		snprintf(p->socket, sizeof(p->socket), "%s", c->socket);
		snprintf(p->url, sizeof(p->url), "http://localhost");
	} else {
		place_from_settings(c, p);
		if (*p->socket)
			snprintf(p->url, sizeof(p->url), "http://localhost");
	}
	name_place(p);
	if (c->url && ca && *ca)
		snprintf(p->ca, sizeof(p->ca), "%s", ca);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	if (b->len + size * n > MAX_BODY)
		return 0;
	buf_append(b, data, size * n);
	return b->err ? 0 : size * n;
}

/* {"error":"..."} of the daemon, else the text itself, cut to a line. */
static void tell_error(const struct place *p, long code, const struct buf *b)
{
	json_t *o = b->len ? json_loadb(b->data, b->len, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(o, "error"));

	if (code == 401)
		cli_fail(0,
			 "%s: not allowed: be root or in the group ringprof, or give --url with "
			 "the credential",
			 p->name);
	else if (text)
		cli_fail(0, "%s", text);
	else
		cli_fail(0, "%s answered %ld: %.*s", p->name, code,
			 b->data ? (int)strcspn(b->data, "\n") : 0, b->data ? b->data : "");
	json_decref(o);
}

static int status_of_code(long code)
{
	if (code == 200)
		return CLI_OK;
	if (code == 401 || code == 403)
		return CLI_DENIED;
	return code == 400 ? CLI_USAGE : CLI_FAILED;
}

static void configure(CURL *h, const struct place *p, const char *url, struct buf *b, long timeout)
{
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, b);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, timeout);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L);
	/* a proxy of the environment has no business between us and this host */
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	if (*p->socket)
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, p->socket);
	if (*p->ca)
		curl_easy_setopt(h, CURLOPT_CAINFO, p->ca);
	if (*p->token) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, p->token);
	}
}

/* Nothing was answered: why, and what to do. */
static int tell_absent(const struct place *p, CURL *h, CURLcode rc, bool quiet)
{
	long os = 0;

	curl_easy_getinfo(h, CURLINFO_OS_ERRNO, &os);
	if (rc == CURLE_COULDNT_CONNECT && (os == EACCES || os == EPERM)) {
		if (!quiet)
			cli_fail(0, "%s: %s; be root or in the group ringprof", p->name,
				 strerror((int)os));
		return CLI_DENIED;
	}
	if (!quiet && rc == CURLE_PEER_FAILED_VERIFICATION)
		cli_fail(0, "%s: %s; name the certificate in CURL_CA_BUNDLE", p->name,
			 curl_easy_strerror(rc));
	else if (!quiet && p->other)
		cli_fail(0, "%s: %s", p->name, curl_easy_strerror(rc));
	else if (!quiet)
		cli_fail(0,
			 "no daemon at %s: %s; start it (systemctl start ringprofd) or see "
			 "ringprof doctor",
			 p->name, curl_easy_strerror(rc));
	return CLI_ABSENT;
}

/* Performs what was configured; body into b. */
static int perform(CURL *h, const struct place *p, struct buf *b, bool quiet)
{
	CURLcode rc = curl_easy_perform(h);
	long code = 0;
	int r;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &code);
	r = rc == CURLE_OK ? status_of_code(code) : tell_absent(p, h, rc, quiet);
	if (rc == CURLE_OK && r && !quiet)
		tell_error(p, code, b);
	return r;
}

int client_send(const struct cli *c, const char *method, const char *path, const char *body,
		struct buf *b, long timeout, bool quiet)
{
	struct curl_slist *headers = NULL;
	struct place p;
	struct buf url = { 0 };
	CURL *h = curl_easy_init();
	int r;

	find_place(c, &p);
	buf_printf(&url, "%s%s", p.url, path);
	if (body)
		headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!h || url.err || (body && !headers)) {
		r = cli_fail(CLI_FAILED, "out of memory");
	} else {
		configure(h, &p, url.data, b, timeout);
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
		if (body)
			curl_easy_setopt(h, CURLOPT_POSTFIELDS, body);
		if (headers)
			curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
		r = perform(h, &p, b, quiet);
	}
	buf_free(&url);
	curl_slist_free_all(headers);
	curl_easy_cleanup(h);
	return r;
}

int client_get(const struct cli *c, const char *path, struct buf *b, long timeout, bool quiet)
{
	return client_send(c, "GET", path, NULL, b, timeout, quiet);
}

int client_fetch(const char *url, struct buf *b, long timeout)
{
	const char *ca = getenv("CURL_CA_BUNDLE");
	CURL *h = curl_easy_init();
	struct place p = { .other = true };
	int r;

	if (!h)
		return cli_fail(CLI_FAILED, "out of memory");
	snprintf(p.url, sizeof(p.url), "%s", url);
	name_place(&p);
	if (ca && *ca)
		snprintf(p.ca, sizeof(p.ca), "%s", ca);
	configure(h, &p, url, b, timeout);
	/* somebody else's server: by whatever way there is, and moved as artifacts of builds are */
	curl_easy_setopt(h, CURLOPT_NOPROXY, NULL);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(h, CURLOPT_MAXREDIRS, 5L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	r = perform(h, &p, b, false);
	curl_easy_cleanup(h);
	return r;
}

bool client_alive(const struct cli *c)
{
	struct buf b = { 0 };
	int r = client_get(c, "/-/healthy", &b, 5, true);

	buf_free(&b);
	return r == CLI_OK;
}

void client_escape(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;

		if ((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= 'a' && ch <= 'z') || strchr("-._~", ch))
			buf_putc(b, (char)ch);
		else
			buf_printf(b, "%%%02X", ch);
	}
}

void client_param(struct buf *path, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(path, "%c%s=", strchr(path->data ? path->data : "", '?') ? '&' : '?', key);
	client_escape(path, value);
}

int client_json(const struct cli *c, const char *method, const struct buf *path, const char *body,
		long timeout, json_t **ret)
{
	struct buf b = { 0 };
	int r = path->err ? cli_fail(CLI_FAILED, "out of memory")
			  : client_send(c, method, path->data, body, &b, timeout, false);

	if (!r) {
		*ret = json_loadb(b.data ? b.data : "", b.len, 0, NULL);
		if (!*ret)
			r = cli_fail(CLI_FAILED, "the daemon's answer cannot be read");
	}
	buf_free(&b);
	return r;
}
