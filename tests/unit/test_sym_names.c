// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "base/clock.h"
#include "sym/names.h"
#include "sym/symbols.h"
#include "tap.h"

static const char *demangled(const char *name)
{
	static char out[4096];

	return sym_demangle(name, out, sizeof(out));
}

TEST(cxx_names_lose_parameters_and_keep_templates)
{
	CHECK_STR(demangled("_ZN3foo3barEiPKc"), "foo::bar");
	CHECK_STR(demangled("_ZNSt6vectorIiSaIiEE9push_backEOi"), "std::vector<int, "
								  "std::allocator<int> "
								  ">::push_back");
	CHECK_STR(demangled("_ZN3FooC2Ev"), "Foo::Foo");
	CHECK_STR(demangled("_ZZ4mainENKUlvE_clEv"), "main::{lambda()#1}::operator()");
	CHECK_STR(demangled("_Z3foov.cold"), "foo");
}

TEST(rust_names_of_both_manglings)
{
	CHECK_STR(demangled("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core::fmt::"
									       "Formatter::pad");
	CHECK_STR(demangled("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$"
			    "GT$$GT$"
			    "3bar17h930b740aa94f1d3aE"),
		  "<Test + 'static as foo::Bar<Test>>::bar");
	CHECK_STR(demangled("_RNvCs1234_7mycrate3foo"), "mycrate::foo");
}

TEST(d_names_lose_parameters)
{
	char name[2048] = "_D";

	CHECK_STR(demangled("_D1a1b1fFiAyaZi"), "a.b.f");
	CHECK_STR(demangled("_D1a1b__T1STiZQf1gMFNaNbNiNfiZi"), "a.b.S!(int).S.g");
	CHECK_STR(demangled("_Dmain"), "D main");
	/* more back references than are followed */
	strcpy(name + 2, "1a1b__T1STiZQfQfQfQfQfQfQfQfQf1gFiZi");
	CHECK(demangled(name) == name);
	CHECK(demangled("_D") != NULL);
}

/* As who is shown it has it. */
static bool settled(struct names *n, const char *name, bool symbol, const char **ret_name,
		    const char **ret_system_name)
{
	struct sym_answer a = { .n = 1 };

	if (!names_get(n, name, symbol, &a.lines[0].name, &a.lines[0].system_name))
		return false;
	names_settle(n, &a);
	CHECK(!a.unsettled);
	*ret_name = a.lines[0].name;
	*ret_system_name = a.lines[0].system_name;
	return true;
}

static struct names_counters counters_of(struct names *n)
{
	struct names_counters c;

	names_counters(n, &c);
	return c;
}

TEST(long_names_are_cut_in_the_middle)
{
	struct names *n = names_new(1 << 20, NULL);
	const char *readable, *system;
	char name[3000];

	memset(name, 'a', sizeof(name));
	strcpy(name + sizeof(name) - 4, "end");
	CHECK(names_get(n, name, true, &readable, &system));
	CHECK_STR(system, name);
	CHECK(strlen(readable) <= NAMES_MAX_READABLE && strlen(readable) > NAMES_MAX_READABLE - 4);
	CHECK(strstr(readable, "aaa…aaa") && !strcmp(readable + strlen(readable) - 3, "end"));
	/* no character is cut in two */
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "€", 3);
	name[2997] = '\0';
	CHECK(names_get(n, name, true, &readable, &system));
	CHECK(strlen(readable) <= NAMES_MAX_READABLE && !(strlen(readable) % 3));
	/* a file's name is no function's: it stays whole */
	CHECK(names_get(n, name, false, &readable, &system));
	CHECK_STR(readable, name);
	names_free(n);
}

TEST(other_names_stay_as_they_are)
{
	static const char *const same[] = {
		"main",		  "",	    "_Z",	  "_ZN", "_R", "__libc_start_main",
		"runtime.goexit", "_Zebra", "go.string.*"
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		CHECK(demangled(same[i]) == same[i]);
}

TEST(text_longer_than_the_buffer_gives_the_name_itself)
{
	const char *name = "_ZNSt6vectorIiSaIiEE9push_backEOi";
	char out[10];

	CHECK(sym_demangle(name, out, sizeof(out)) == name);
	CHECK(sym_demangle(name, out, 0) == name);
	name = "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE";
	CHECK(sym_demangle(name, out, sizeof(out)) == name);
}

/* LeakSanitizer looks at the end. */
TEST(no_identifier_is_left_behind)
{
	const char *name = "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y";
	char out[24];

	CHECK_STR(demangled(name), "utf8_idents::საჭმელად_გემრიელი_სადილი");
	for (size_t n = 0; n <= sizeof(out); n++)
		CHECK(sym_demangle(name, out, n) == name);
}

/* f<A<a,a>, A<A<a,a>,A<a,a>>, ...>: each template argument is twice the one before. */
static void doubling(char *name, size_t len, int levels)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = (size_t)snprintf(name, len, "_Z1fI1AIaaE");

	for (int i = 0; i < levels; i++) {
		char d = digits[i + 1];

		n += (size_t)snprintf(name + n, len - n, "S0_IS%c_S%c_E", d, d);
	}
	snprintf(name + n, len - n, "Evv");
}

TEST(names_that_double_end_soon)
{
	char name[2048];
	uint64_t t0 = mono_now();

	doubling(name, sizeof(name), 1);
	CHECK_STR(demangled(name), "f<A<signed char, signed char>, "
				   "A<A<signed char, signed char>, A<signed char, signed char> > "
				   ">");
	doubling(name, sizeof(name), 34);
	CHECK(demangled(name) == name);
	CHECK(mono_now() - t0 < NSEC_PER_SEC);
}

TEST(random_bytes_behind_the_prefix_do_not_crash)
{
	static const char alphabet[] = "NSIEKRPvicS_0123456789LZTtCDdlnuUwBFGhjkMXYyMQ$.p";
	uint64_t t0 = mono_now();
	char name[300];

	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t n = 2 + (size_t)(rand() % 250);

		strcpy(name, i & 1 ? "_Z" : "_R");
		for (size_t k = 2; k < n; k++)
			name[k] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		name[n] = '\0';
		CHECK(strlen(demangled(name)) < 4096);
	}
	CHECK(mono_now() - t0 < 20 * NSEC_PER_SEC);
}

TEST(deep_nesting_does_not_overflow_the_stack)
{
	char *name = malloc(5000);

	strcpy(name, "_Z1f");
	memset(name + 4, 'P', 4000);
	strcpy(name + 4004, "i");
	CHECK(demangled(name) == name);
	free(name);
}

TEST(names_are_interned_once)
{
	struct names *n = names_new(16 << 20, NULL);
	const char *a, *as, *b, *bs;

	/* it stands as it is until somebody asks how it reads */
	CHECK(names_get(n, "_ZN3foo3barEv", true, &a, &as));
	CHECK_STR(a, "_ZN3foo3barEv");
	CHECK(settled(n, "_ZN3foo3barEv", true, &a, &as));
	CHECK_STR(a, "foo::bar");
	CHECK_STR(as, "_ZN3foo3barEv");
	CHECK(names_get(n, "_ZN3foo3barEv", true, &b, &bs));
	CHECK(a == b && as == bs);
	CHECK(names_get(n, "plain", true, &a, &as));
	CHECK(a == as);
	CHECK(names_get(n, "esc\x1b[2J\n\x7f", true, &a, &as));
	CHECK_STR(a, "esc?[2J??");
	names_free(n);
}

TEST(names_limit_is_kept_and_known_names_stay)
{
	struct names *n = names_new(2 << 20, NULL);
	const char *a, *b;
	char name[64];
	int i;

	CHECK(names_get(n, "first", true, &a, &b));
	for (i = 0; i < 1000000; i++) {
		snprintf(name, sizeof(name), "function_number_%d", i);
		if (!names_get(n, name, true, &a, &b))
			break;
	}
	printf("# %d names in 2 MiB\n", i);
	CHECK(i > 5000 && i < 100000);
	CHECK(counters_of(n).bytes < 4 << 20);
	CHECK_EQ(counters_of(n).limit_hits, 1);
	CHECK(names_get(n, "first", true, &a, &b));
	CHECK(!names_get(n, "another", true, &a, &b));
	names_free(n);
}

TEST(names_of_addresses_leave_room_for_functions)
{
	struct names *n = names_new(2 << 20, NULL);
	const char *a, *b;
	char name[64];
	int i;

	/* any number of them can be had of one stripped program */
	for (i = 0; i < 1000000; i++) {
		snprintf(name, sizeof(name), "program+0x%x", i);
		if (!names_get(n, name, false, &a, &b))
			break;
	}
	printf("# %d addresses in 2 MiB\n", i);
	CHECK(i > 2000 && counters_of(n).bytes < 1 << 20);
	CHECK(names_get(n, "function", true, &a, &b));
	names_free(n);
}

TEST(roots)
{
	static const char *const yes[] = { "_start",
					   "__clone3",
					   "clone",
					   "_start_c",
					   "runtime.goexit",
					   "runtime.goexit.abi0",
					   "runtime.rt0_go",
					   "ret_from_fork",
					   "__start_context",
					   "start_thread",
					   "clone3",
					   "__clone",
					   "_dl_start_user",
					   "runtime.mcall",
					   "runtime.systemstack.abi0",
					   "runtime.morestack.abi0",
					   "runtime.asmcgocall.abi0",
					   "runtime.mstart",
					   "_rt0_amd64",
					   "ret_from_fork_asm",
					   "secondary_startup_64",
					   "common_startup_64" };
	static const char *const no[] = { "main",	  "",	   "clone2", "__libc_start_main",
					  "runtime.main", ".abi0", "_start2" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(sym_is_root(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!sym_is_root(no[i]));
	CHECK_EQ(sym_is_root("clone3"), SYM_ROOT_CALLER);
	CHECK_EQ(sym_is_root("runtime.mcall.abi0"), SYM_ROOT_CALLER);
	CHECK_EQ(sym_is_root("_start"), SYM_ROOT_ALWAYS);
}

int main(void)
{
	return tap_main();
}
