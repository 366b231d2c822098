#include "base/side_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace sluice {
namespace {

// How long this thread's turns are, in nanoseconds: `runtime` of what sched_getattr(2) tells.
std::uint64_t turn_ns() {
  std::array<std::uint64_t, 6> attributes{};
  EXPECT_EQ(syscall(SYS_sched_getattr, 0, attributes.data(), sizeof(attributes), 0), 0);
  return attributes[3];
}

// 6.12 is where SCHED_OTHER has turns of a length that can be asked for.
bool has_turns() {
  utsname system{};
  EXPECT_EQ(uname(&system), 0);
  char* end = nullptr;
  const long major = std::strtol(system.release, &end, 10);
  const long minor = std::strtol(end + 1, nullptr, 10);
  return major > 6 || (major == 6 && minor >= 12);
}

TEST(SideThread, HasItsNameAndShortTurnsAndKeepsItsPriority) {
  std::thread([] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
    begin_side_thread("sluice-test");
    char name[16] = {};
    ASSERT_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    EXPECT_STREQ(name, "sluice-test");
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 7);
    EXPECT_EQ(turn_ns(), has_turns() ? 100'000u : 0u);
  }).join();
}

}  // namespace
}  // namespace sluice
