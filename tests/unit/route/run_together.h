#pragma once

#include <barrier>
#include <thread>
#include <vector>

namespace sluice::test {

inline constexpr int kThreads = 8;

// Runs `body(thread)` on kThreads threads that begin together.
template <class Body>
void run_together(Body body) {
  std::barrier<> begin(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      begin.arrive_and_wait();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace sluice::test
