// SPDX-License-Identifier: GPL-2.0
// Exceptions through frames with destructors, caught, thrown again, across libstdc++ and callbacks.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "corpus.h"

namespace
{

struct Guard {
	long &n;
	explicit Guard(long &counter) : n(counter)
	{
		n++;
	}
	~Guard()
	{
		spin(SPIN / 10);
		n--;
	}
};

long alive;

NOINLINE long fall(int depth)
{
	Guard guard(alive);
	long r;

	spin(SPIN);
	if (!depth)
		throw std::runtime_error("at the bottom of " + std::to_string(alive));
	r = fall(depth - 1);
	KEEP(r);
	return r + 1;
}

NOINLINE long again(int depth)
{
	try {
		return fall(depth) + 1;
	} catch (const std::logic_error &) {
		return 1;
	} catch (...) {
		spin(SPIN);
		throw;
	}
}

NOINLINE long caught(int depth)
{
	std::string text(100, 'x');

	try {
		return again(depth) + static_cast<long>(text.size());
	} catch (const std::exception &e) {
		long r = static_cast<long>(std::string(e.what()).size());

		spin(10 * SPIN);
		KEEP(r);
		return r;
	}
}

// out of the middle of a library's algorithm
NOINLINE bool sorted(std::vector<int> &v)
{
	int left = 500;

	try {
		std::sort(v.begin(), v.end(), [&left](int a, int b) {
			spin(SPIN / 10);
			if (!--left)
				throw left;
			return a < b;
		});
	} catch (int) {
		return false;
	}
	return true;
}

} // namespace

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running()) {
		std::vector<int> v;

		for (int i = 0; i < 1000; i++)
			v.push_back(i * 7919 % 1000);
		for (int i = 0; i < 20; i++) {
			long r = caught(i) + sorted(v);

			KEEP(r);
		}
	}
	return 0;
}
