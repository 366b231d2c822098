#include "tests/unit/engine/sync_hook.h"

#include <dlfcn.h>
#include <errno.h>

#include <condition_variable>
#include <mutex>

namespace sluice::test {
namespace {

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int waiting = 0;
  int failures = 0;
  int os_errno = 0;
};
State& state() {
  static State the;
  return the;
}

}  // namespace

void SyncHook::hold() {
  const std::lock_guard lock(state().mutex);
  state().held = true;
}

void SyncHook::let_go() {
  {
    const std::lock_guard lock(state().mutex);
    state().held = false;
  }
  state().changed.notify_all();
}

void SyncHook::wait_until_held() {
  std::unique_lock lock(state().mutex);
  state().changed.wait(lock, [] { return state().waiting > 0; });
}

void SyncHook::fail(int times, int os_errno) {
  const std::lock_guard lock(state().mutex);
  state().failures = times;
  state().os_errno = os_errno;
}

int SyncHook::enter() {
  std::unique_lock lock(state().mutex);
  ++state().waiting;
  state().changed.notify_all();
  state().changed.wait(lock, [] { return !state().held; });
  --state().waiting;
  if (state().failures == 0) return 0;
  --state().failures;
  return state().os_errno;
}

}  // namespace sluice::test

extern "C" {
int hooked_fdatasync(int fd) __asm__("fdatasync");
__attribute__((visibility("default"))) int hooked_fdatasync(int fd) {
  static auto* const real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fdatasync"));
  if (const int failed = sluice::test::SyncHook::enter(); failed != 0) {
    errno = failed;
    return -1;
  }
  return real(fd);
}
}
