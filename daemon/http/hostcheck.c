// SPDX-License-Identifier: GPL-2.0
/*
 * An IP literal cannot be rebound, a name can. On a loopback listener even
 * foreign literals are refused: nobody has reason to use one. The port is not
 * compared: forwarded ports (ssh -L) are fine. Any thread.
 */
#include "http/hostcheck.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define MAX_NAME 256

static bool port_ok(const char *s)
{
	return !*s || (*s == ':' && !s[1 + strspn(s + 1, "0123456789")]);
}

/* Cuts the port and a final dot off; false: no valid host. v6 comes without its brackets. */
static bool split_host(const char *host, char *name, size_t len, bool *v6)
{
	const char *end;
	size_t n;

	*v6 = *host == '[';
	host += *v6;
	end = host + strcspn(host, *v6 ? "]" : ":");
	n = (size_t)(end - host);
	if (!n || n >= len || !port_ok(*v6 && *end ? end + 1 : end) || (*v6 && !*end))
		return false;
	memcpy(name, host, n);
	if (name[n - 1] == '.' && n > 1)
		n--;
	name[n] = '\0';
	return true;
}

static bool is_literal(const char *name, bool v6, bool *loopback)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (v6) {
		if (inet_pton(AF_INET6, name, &a6) != 1)
			return false;
		*loopback = IN6_IS_ADDR_LOOPBACK(&a6);
		return true;
	}
	if (inet_pton(AF_INET, name, &a4) != 1)
		return false;
	*loopback = ntohl(a4.s_addr) >> 24 == 127;
	return true;
}

static bool matches(const char *name, const char *item, size_t n)
{
	size_t len = strlen(name);

	if (n == 1 && *item == '*')
		return true;
	if (n > 1 && *item == '.')
		return len > n && !strncasecmp(name + len - n, item, n);
	return len == n && !strncasecmp(name, item, n);
}

static bool in_allowed(const char *name, const char *list)
{
	while (list && *list) {
		size_t n, full;

		list += strspn(list, " \t");
		n = full = strcspn(list, ",");
		while (n && isspace((unsigned char)list[n - 1]))
			n--;
		if (n && matches(name, list, n))
			return true;
		list += full + (list[full] == ',');
	}
	return false;
}

bool host_allowed(const char *host, enum host_policy policy, const char *allowed,
		  const char *machine)
{
	bool v6, loopback = false;
	char name[MAX_NAME];

	if (policy == HOST_ANY)
		return true;
	if (!split_host(host, name, sizeof(name), &v6))
		return false;
	if (in_allowed(name, allowed))
		return true;
	if (is_literal(name, v6, &loopback))
		return loopback || policy == HOST_OPEN;
	if (v6)
		return false;
	if (!strcasecmp(name, "localhost"))
		return true;
	return policy == HOST_OPEN && *machine && !strcasecmp(name, machine);
}

static bool v6_is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

enum host_policy host_policy_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_UNIX)
		return HOST_ANY;
	if (sa->sa_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127 ? HOST_LOOPBACK : HOST_OPEN;
	if (sa->sa_family == AF_INET6)
		return v6_is_loopback(&in6->sin6_addr) ? HOST_LOOPBACK : HOST_OPEN;
	return HOST_OPEN;
}
