// SPDX-License-Identifier: GPL-2.0
/*
 * Talks to the daemon. Where it is: --url, --socket, else what the settings
 * say: the Unix socket (no credential needed there), that of `make run`, else
 * TCP with the credential of the token file. With TLS the certificate of the
 * settings is what is trusted, as it is mostly self-signed; for --url
 * CURL_CA_BUNDLE names others, as it does for curl(1).
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "cli/cli.h"

#define MAX_BODY   (1UL << 30)
#define RUN_SOCKET CLI_RUN_DIR "/ringprofd.sock"

/* What is sent: JSON, the next bytes of a file, or nothing. */
struct client_body {
	const char *json;
	FILE *file;
	uint64_t size;
};

struct place {
	char socket[256]; /* "" = TCP */
	char url[512];	  /* scheme and host, and a credential maybe */
	char name[512];	  /* for messages: without the credential */
	char token[600];
	char ca[512]; /* file of certificates, "" the system's */
	bool other;   /* no daemon is expected there */
};

/* A daemon that was killed has left its socket. */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return fd >= 0 && !connect(fd, (const struct sockaddr *)&a, sizeof(a));
}

int cli_settings(const struct cli *c, struct config *cfg)
{
	const char *file = c->config_file ? c->config_file
					  : RINGPROF_SYSCONFDIR "/ringprof/ringprofd.conf";
	char err[512];
	int r = config_init(cfg);

	if (!r && config_read(cfg, file, c->config_file != NULL, err, sizeof(err)))
		cli_fail(0, "%s, going on with the defaults", err);
	return r;
}

static void place_from_settings(const struct cli *c, struct place *p)
{
	struct config cfg;
	struct buf b = { 0 };

	if (cli_settings(c, &cfg))
		return;
	if (access(cfg.unix_socket, R_OK | W_OK) == 0)
		snprintf(p->socket, sizeof(p->socket), "%s", cfg.unix_socket);
	else if (!c->config_file && somebody_listens(RUN_SOCKET))
		snprintf(p->socket, sizeof(p->socket), "%s", RUN_SOCKET);
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

/* Where an answer goes: a file that was asked for, and errors about it, do not mix. */
struct answer {
	CURL *h;
	struct buf *b;
	FILE *file; /* NULL: into b */
	int err;    /* of writing it */
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	long code = 0;

	curl_easy_getinfo(a->h, CURLINFO_RESPONSE_CODE, &code);
	if (a->file && code == 200) {
		errno = 0;
		if (fwrite(data, size, n, a->file) == n)
			return size * n;
		a->err = errno ? errno : EIO;
		return 0;
	}
	if (a->b->len + size * n > MAX_BODY)
		return 0;
	buf_append(a->b, data, size * n);
	return a->b->err ? 0 : size * n;
}

/* What the last question came to, and on stderr unless quiet. */
static char trouble[1024];

const char *client_trouble(void)
{
	return trouble;
}

__attribute__((format(printf, 2, 3))) static void tell(bool quiet, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(trouble, sizeof(trouble), fmt, ap);
	va_end(ap);
	if (!quiet)
		cli_fail(0, "%s", trouble);
}

/* {"error":"..."} of the daemon, else the text itself, cut to a line. */
static void tell_error(const struct place *p, long code, const struct buf *b, bool quiet)
{
	json_t *o = b->len ? json_loadb(b->data, b->len, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(o, "error"));

	if (code == 401)
		tell(quiet,
		     "%s: not allowed: be root or in the group ringprof, or give --url with the "
		     "credential",
		     p->name);
	else if (text)
		tell(quiet, "%s", text);
	else
		tell(quiet, "%s answered %ld: %.*s", p->name, code,
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

static void configure(struct answer *a, const struct place *p, const char *url, long timeout)
{
	CURL *h = a->h;

	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, a);
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

/* Was there an answer, or at least a connection, and then too much of it or too long a wait? */
static bool is_there(CURL *h, CURLcode rc)
{
	double connected = 0;

	curl_easy_getinfo(h, CURLINFO_CONNECT_TIME, &connected);
	return rc == CURLE_WRITE_ERROR || (rc == CURLE_OPERATION_TIMEDOUT && connected > 0);
}

/* Nothing was answered: why, and what to do. */
static int tell_absent(const struct place *p, CURL *h, CURLcode rc, bool quiet)
{
	const char *why = curl_easy_strerror(rc);
	long os = 0;

	curl_easy_getinfo(h, CURLINFO_OS_ERRNO, &os);
	if (rc == CURLE_COULDNT_CONNECT && (os == EACCES || os == EPERM)) {
		tell(quiet, "%s: %s; be root or in the group ringprof", p->name, strerror((int)os));
		return CLI_DENIED;
	}
	if (!p->other && is_there(h, rc)) {
		tell(quiet,
		     "%s: %s; it is there, but busy or hung: ask for a shorter range or less, or "
		     "see "
		     "its log (journalctl -u ringprofd)",
		     p->name, why);
		return CLI_FAILED;
	}
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		tell(quiet, "%s: %s; name the certificate in CURL_CA_BUNDLE", p->name, why);
	else if (p->other)
		tell(quiet, "%s: %s", p->name, why);
	else
		tell(quiet,
		     "no daemon at %s: %s; start it (systemctl start ringprofd) or see ringprof "
		     "doctor",
		     p->name, why);
	return CLI_ABSENT;
}

/* The JSON that came, unless r says that none did; frees b. */
static int read_answer(int r, struct buf *b, json_t **ret)
{
	if (!r) {
		*ret = json_loadb(b->data ? b->data : "", b->len, 0, NULL);
		if (!*ret)
			r = cli_fail(CLI_FAILED, "the daemon's answer cannot be read");
	}
	buf_free(b);
	return r;
}

/* Performs what was configured. */
static int perform(struct answer *a, const struct place *p, bool quiet)
{
	CURLcode rc = curl_easy_perform(a->h);
	long code = 0;
	int r;

	trouble[0] = '\0';
	curl_easy_getinfo(a->h, CURLINFO_RESPONSE_CODE, &code);
	if (a->err)
		return cli_fail(CLI_FAILED, "writing: %s", strerror(a->err));
	/* a server that answers before it has read everything says more than the broken pipe */
	if (rc == CURLE_SEND_ERROR && code >= 400)
		rc = CURLE_OK;
	r = rc == CURLE_OK ? status_of_code(code) : tell_absent(p, a->h, rc, quiet);
	if (rc == CURLE_OK && r)
		tell_error(p, code, a->b, quiet);
	return r;
}

static void set_body(CURL *h, const struct client_body *body)
{
	if (body->file) {
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_READDATA, body->file);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
	} else if (body->json) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, body->json);
	}
}

/* to: where the body of a 200 goes, NULL: into b with everything else. */
static int transfer(const struct cli *c, const char *method, const char *path,
		    const struct client_body *body, FILE *to, struct buf *b, long timeout,
		    bool quiet)
{
	const char *type = body->file	? "Content-Type: application/octet-stream"
			   : body->json ? "Content-Type: application/json"
					: NULL;
	struct curl_slist *headers = type ? curl_slist_append(NULL, type) : NULL;
	struct answer a = { .h = curl_easy_init(), .b = b, .file = to };
	struct place p;
	struct buf url = { 0 };
	int r;

	find_place(c, &p);
	buf_printf(&url, "%s%s", p.url, path);
	if (!a.h || url.err || (type && !headers)) {
		r = cli_fail(CLI_FAILED, "out of memory");
	} else {
		configure(&a, &p, url.data, timeout);
		curl_easy_setopt(a.h, CURLOPT_CUSTOMREQUEST, method);
		set_body(a.h, body);
		if (headers)
			curl_easy_setopt(a.h, CURLOPT_HTTPHEADER, headers);
		r = perform(&a, &p, quiet);
	}
	buf_free(&url);
	curl_slist_free_all(headers);
	curl_easy_cleanup(a.h);
	return r;
}

int client_send(const struct cli *c, const char *method, const char *path, const char *body,
		struct buf *b, long timeout, bool quiet)
{
	const struct client_body json = { .json = body };

	return transfer(c, method, path, &json, NULL, b, timeout, quiet);
}

int client_download(const struct cli *c, const char *path, FILE *to, long timeout)
{
	const struct client_body none = { 0 };
	struct buf b = { 0 };
	int r = transfer(c, "GET", path, &none, to, &b, timeout, false);

	buf_free(&b);
	return r;
}

int client_upload(const struct cli *c, const char *path, FILE *from, uint64_t size, long timeout,
		  json_t **ret)
{
	const struct client_body body = { .file = from, .size = size };
	struct buf b = { 0 };
	int r = transfer(c, "POST", path, &body, NULL, &b, timeout, false);

	return read_answer(r, &b, ret);
}

int client_get(const struct cli *c, const char *path, struct buf *b, long timeout, bool quiet)
{
	return client_send(c, "GET", path, NULL, b, timeout, quiet);
}

int client_fetch(const char *url, struct buf *b, long timeout)
{
	const char *ca = getenv("CURL_CA_BUNDLE");
	CURL *h = curl_easy_init();
	struct answer a = { .h = h, .b = b };
	struct place p = { .other = true };
	int r;

	if (!h)
		return cli_fail(CLI_FAILED, "out of memory");
	snprintf(p.url, sizeof(p.url), "%s", url);
	name_place(&p);
	if (ca && *ca)
		snprintf(p.ca, sizeof(p.ca), "%s", ca);
	configure(&a, &p, url, timeout);
	/* somebody else's server: by whatever way there is, and moved as artifacts of builds are */
	curl_easy_setopt(h, CURLOPT_NOPROXY, NULL);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(h, CURLOPT_MAXREDIRS, 5L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	r = perform(&a, &p, false);
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

	return read_answer(r, &b, ret);
}
