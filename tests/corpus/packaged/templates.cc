// SPDX-License-Identifier: GPL-2.0
// Work for a compiler: many instances of templates, and heavy headers.
#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

template <int N> struct Layer {
	std::map<int, std::vector<Layer<N - 1>>> all;
	std::unordered_map<std::string, std::function<int(const Layer<N - 1> &)>> fns;
	int sum() const
	{
		int r = N;

		for (const auto &[key, row] : all)
			for (const auto &one : row)
				r += key + one.sum();
		for (const auto &[name, fn] : fns)
			r += static_cast<int>(name.size()) + (fn ? 1 : 0);
		return r;
	}
};

template <> struct Layer<0> {
	int sum() const
	{
		return 1;
	}
};

int layers(const Layer<15> &l, const std::string &text)
{
	std::regex expression("(a|b)*c+[0-9]{3,}");
	std::smatch m;
	std::vector<std::string> words;

	if (std::regex_match(text, m, expression))
		words.push_back(m.str());
	std::sort(words.begin(), words.end(), std::greater<>());
	return l.sum() + static_cast<int>(words.size());
}
