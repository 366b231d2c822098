#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "base/assert.h"

namespace sluice {

// GuardedBytes - memory whose last byte stands right before an unmapped page, so that a parser that
// reads one byte too far crashes the test in every build (INVARIANTS P2).
//
// Owns      its pages.
// Lifetime  what place() returned is void after the next place().
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t capacity) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    usable_bytes_ = (capacity + page) / page * page;
    mapped_bytes_ = usable_bytes_ + page;
    void* const pages =
        ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SL_ASSERT(pages != MAP_FAILED);
    pages_ = static_cast<char*>(pages);
    SL_ASSERT(::mprotect(pages_ + usable_bytes_, page, PROT_NONE) == 0);
  }
  ~GuardedBytes() { ::munmap(pages_, mapped_bytes_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  // A copy of `text` whose end is the end of the mapped memory.
  std::string_view place(std::string_view text) {
    SL_ASSERT(text.size() <= usable_bytes_);
    char* const at = pages_ + usable_bytes_ - text.size();
    if (!text.empty()) std::memmove(at, text.data(), text.size());
    return {at, text.size()};
  }

  // `bytes` writable bytes that end where the mapped memory ends.
  char* room(std::size_t bytes) {
    SL_ASSERT(bytes <= usable_bytes_);
    return pages_ + usable_bytes_ - bytes;
  }

 private:
  char* pages_ = nullptr;
  std::size_t usable_bytes_ = 0;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace sluice
