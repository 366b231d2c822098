#pragma once

namespace sluice {

// Prints "file:line: invariant does not hold: expression" to stderr and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace sluice

// SL_ASSERT - a statement about our own code that stays on in release builds. Never use it on what
// a peer, a file or a user sent: those faults are Errors.
#define SL_ASSERT(expression)                         \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::sluice::assertion_failed(#expression, __FILE__, __LINE__))
