// SPDX-License-Identifier: GPL-2.0

// Goroutines, maps, formatting, garbage collection, JSON, for some seconds.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"
)

type item struct {
	Name   string
	Values []float64
	Next   *item
}

//go:noinline
func build(depth int) *item {
	if depth == 0 {
		return nil
	}
	it := &item{Name: fmt.Sprintf("item %d", depth), Next: build(depth - 1)}
	for i := 0; i < 10; i++ {
		it.Values = append(it.Values, float64(i*depth)/7)
	}
	return it
}

//go:noinline
func round(n int) int {
	b, err := json.Marshal(build(20 + n%10))
	if err != nil {
		panic(err)
	}
	var back item
	if err := json.Unmarshal(b, &back); err != nil {
		panic(err)
	}
	m := map[string]int{}
	for i := 0; i < 500; i++ {
		m[strconv.Itoa(i*n%379)] += i
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return len(b) + len(keys)
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	end := time.Now().Add(time.Duration(seconds * 1e9))
	var wg sync.WaitGroup
	for g := 1; g <= 2; g++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			for time.Now().Before(end) {
				round(n)
			}
		}(g)
	}
	wg.Wait()
}
