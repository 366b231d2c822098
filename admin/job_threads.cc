#include "admin/job_threads.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice {

void lower_thread_priority() noexcept {
  constexpr int kNice = 10;
  // On Linux the 0 means this thread. Without the right to do so it stays where it is.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, kNice));
}

JobThreads::JobThreads(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "sluice-admin");
      lower_thread_priority();
      run();
    });
  }
}

bool JobThreads::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kWaitingMax) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void JobThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void JobThreads::run() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace sluice
