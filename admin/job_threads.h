#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {

// JobThreads - a few threads on which requests of the administrator are answered: what they ask of
// the database, the disk or a provider may take its time, and the connections' thread goes on.
//
// Owns      the threads, of low priority (nice +10).
// Affinity  post(): any thread. Lifetime: stop() before whatever the jobs refer to dies.
class JobThreads {
 public:
  // That many wait at most; whoever comes then is told to come later.
  static constexpr std::size_t kWaitingMax = 256;

  using Job = std::function<void()>;
  explicit JobThreads(std::size_t threads);
  ~JobThreads() { stop(); }
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;

  // False: too many wait.
  [[nodiscard]] bool post(Job job);
  // Ends when what was posted is done.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Lowers the calling thread's share of the CPUs below that of the shards.
void lower_thread_priority() noexcept;

}  // namespace sluice
