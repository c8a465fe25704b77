// SPDX-License-Identifier: GPL-2.0
//! The standard library at work: collections, formatting, threads, closures, trait objects.
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// std::hint's is younger than the compilers of distributions.
fn black_box<T>(value: T) -> T {
    let seen = unsafe { std::ptr::read_volatile(&value) };
    std::mem::forget(value);
    seen
}

trait Step {
    fn step(&self, n: u64) -> u64;
}

struct Hash(HashMap<u64, String>);
struct Tree(BTreeMap<String, u64>);

impl Step for Hash {
    #[inline(never)]
    fn step(&self, n: u64) -> u64 {
        (0..200).filter_map(|i| self.0.get(&(i * n % 997))).map(|s| s.len() as u64).sum()
    }
}

impl Step for Tree {
    #[inline(never)]
    fn step(&self, n: u64) -> u64 {
        (0..100).filter_map(|i| self.0.get(&format!("key {}", i * n % 499))).sum()
    }
}

#[inline(never)]
fn descend(depth: u32, steps: &[Box<dyn Step + Send + Sync>], n: u64) -> u64 {
    if depth > 0 {
        return black_box(descend(depth - 1, steps, n)) + 1;
    }
    let mut v: Vec<u64> = (0..500).map(|i| i * 7919 % 503).collect();
    v.sort_by(|a, b| b.cmp(a));
    steps.iter().map(|s| s.step(n)).sum::<u64>() + v[3]
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let hash = Hash((0..997).map(|i| (i, "x".repeat(i as usize % 40))).collect());
    let tree = Tree((0..499).map(|i| (format!("key {i}"), i)).collect());
    let steps: Vec<Box<dyn Step + Send + Sync>> = vec![Box::new(hash), Box::new(tree)];
    while Instant::now() < end {
        for n in 1..20 {
            black_box(descend(n, &steps, n as u64));
        }
        std::thread::scope(|s| {
            s.spawn(|| (1..20).map(|n| black_box(descend(n, &steps, n as u64))).sum::<u64>());
        });
    }
}
