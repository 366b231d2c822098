#include "engine/cli/read_apart.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace sluice {
namespace {

// What a damaged page leads to: an address that is none, one behind the end of the file, a page
// size of zero, an assertion of LMDB's, a jump through what was no pointer.
constexpr std::array kOfDamage = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};

[[noreturn]] void run_child(const std::function<int()>& read) {
  constexpr rlimit kNone{0, 0};
  setrlimit(RLIMIT_CORE, &kNone);  // a crash here is an answer
  for (const int number : kOfDamage) signal(number, SIG_DFL);
  const int code = read();
  std::fflush(nullptr);
  _exit(code);
}

bool is_of_damage(int number) {
  for (const int known : kOfDamage)
    if (known == number) return true;
  return false;
}

}  // namespace

int read_apart(const std::string& file, const std::string& mend, const std::function<int()>& read) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) run_child(read);
  int status = 0;
  pid_t ended = child;
  if (child > 0) {
    do {
      ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
  }
  if (child < 0 || ended < 0) {
    fmt::print(stderr, "sluice: {}: no process to read it in: {}\n", file, strerror(errno));
    return EX_OSERR;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const int number = WTERMSIG(status);
  const char* const name = sigabbrev_np(number);
  const std::string ended_with =
      name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
  if (!is_of_damage(number)) {
    fmt::print(stderr, "sluice: {}: reading it was ended with {}\n", file, ended_with);
    return EX_UNAVAILABLE;
  }
  fmt::print(stderr, "sluice: {} is damaged: reading it ended with {}; {}\n", file, ended_with,
             mend);
  return EX_DATAERR;
}

}  // namespace sluice
