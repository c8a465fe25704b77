// SPDX-License-Identifier: GPL-2.0
// What C++ programs do: virtual calls with thunks, std::function, containers, streams, threads.
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "corpus.h"

namespace
{

/*
 * To one thread. perf's events are swapped between threads that come and go, and
 * their clocks begin again: with a thread a millisecond, 6.18 lost it 40 to all
 * of 100 samples.
 */
constexpr int ROUNDS = 64;

struct Shape {
	virtual ~Shape() = default;
	virtual long area(long n) const = 0;
};

struct Named {
	virtual ~Named() = default;
	virtual std::string name() const
	{
		return "none";
	}
};

struct Square : Shape {
	long area(long n) const override
	{
		spin(SPIN);
		KEEP(n);
		return n * n;
	}
};

// name() is reached by a thunk from a Named pointer
struct Circle : Shape, Named {
	long area(long n) const override
	{
		spin(SPIN);
		KEEP(n);
		return n * 3;
	}
	std::string name() const override
	{
		spin(SPIN / 2);
		return std::string("circle with a name of some length");
	}
};

NOINLINE long shapes(const std::vector<std::unique_ptr<Shape>> &all)
{
	long r = 0;

	for (const auto &s : all) {
		r += s->area(r & 15);
		if (auto *n = dynamic_cast<const Named *>(s.get()))
			r += static_cast<long>(n->name().size());
		KEEP(r);
	}
	return r;
}

NOINLINE long functions(long n)
{
	std::vector<std::function<long(long)>> all;
	long r = n;

	all.emplace_back([n](long x) {
		spin(SPIN);
		KEEP(x);
		return x + n;
	});
	all.emplace_back([copy = std::string(60, 'c')](long x) {
		spin(SPIN);
		KEEP(x);
		return x + static_cast<long>(copy.size());
	});
	for (auto &f : all)
		r += f(r);
	return r;
}

NOINLINE long containers(long n)
{
	std::map<std::string, long> tree;
	std::unordered_map<long, std::string> table;

	for (long i = 0; i < 60; i++) {
		tree[std::to_string(i * 7919 % 61)] += i;
		table.emplace(i * n, "a string that is too long to be kept inside");
	}
	return tree.begin()->second + static_cast<long>(table.size());
}

NOINLINE long streams(long n)
{
	std::ostringstream out;
	long r = 0;

	for (int i = 0; i < 20; i++)
		out << i * n << ' ' << i / 3.0 << ' ';
	std::istringstream in(out.str());
	for (double d; in >> d;)
		r += static_cast<long>(d);
	return r;
}

NOINLINE long in_thread(long n)
{
	long r = 0;
	std::thread t([&r, n] {
		for (int i = 0; i < ROUNDS; i++)
			r += functions(n) + containers(n);
	});

	t.join();
	return r;
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<std::unique_ptr<Shape>> all;

	for (int i = 0; i < 4; i++) {
		all.push_back(std::make_unique<Square>());
		all.push_back(std::make_unique<Circle>());
	}
	corpus_begin(argc, argv);
	while (corpus_running()) {
		long r = 0;

		for (long i = 0; i < 10 * ROUNDS; i++)
			r += shapes(all) + functions(i & 7) + containers(i & 7) + streams(i & 7);
		r += in_thread(3);
		KEEP(r);
	}
	return 0;
}
