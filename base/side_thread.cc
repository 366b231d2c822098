#include "base/side_thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/clock.h"

namespace sluice {
namespace {

// sched_setattr(2), which glibc has no declaration for: the first version of its structure.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // of SCHED_OTHER: the length of a turn, 0.1 to 100 ms
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void begin_side_thread(const char* name) noexcept {
  constexpr Duration kTurn = 100us;
  pthread_setname_np(pthread_self(), name);
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, 0);  // of this thread, as it is
  attributes.runtime_ns = static_cast<std::uint64_t>(kTurn.count());
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace sluice
