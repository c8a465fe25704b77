// SPDX-License-Identifier: GPL-2.0
// Work SECONDS: recursion, collections, lambdas and strings, compiled while it runs.
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

public class Work {
	static long fib(int n) {
		return n < 2 ? n : fib(n - 1) + fib(n - 2);
	}

	static long words(int n) {
		Map<String, Integer> m = new HashMap<>();
		for (int i = 0; i < n; i++)
			m.merge("word " + i * 7919 % 997, 1, Integer::sum);
		List<String> keys = new ArrayList<>(m.keySet());
		keys.sort((a, b) -> b.compareTo(a));
		return keys.size() + IntStream.range(0, n).filter(i -> i % 3 == 0).mapToLong(i -> i * 2L).sum();
	}

	public static void main(String[] args) {
		long end = System.nanoTime() + (long) (Double.parseDouble(args[0]) * 1e9), total = 0;
		while (System.nanoTime() < end)
			total += fib(22) + words(3000);
		if (total == 0)
			System.exit(1);
	}
}
