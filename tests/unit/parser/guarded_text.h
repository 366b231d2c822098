#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace sluice {

// GuardedText - a copy of a text that ends where an unmapped page begins, so that reading one byte
// past it crashes the test (INVARIANTS P2).
//
// Owns      its pages.
class GuardedText {
 public:
  explicit GuardedText(std::string_view text) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t pages = (text.size() + page - 1) / page;
    bytes_ = (pages + 1) * page;
    base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* const end = static_cast<char*>(base_) + pages * page;
    mprotect(end, page, PROT_NONE);
    if (!text.empty()) std::memcpy(end - text.size(), text.data(), text.size());
    view_ = {end - text.size(), text.size()};
  }
  ~GuardedText() { munmap(base_, bytes_); }
  GuardedText(const GuardedText&) = delete;
  GuardedText& operator=(const GuardedText&) = delete;

  [[nodiscard]] std::string_view view() const noexcept { return view_; }

 private:
  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::string_view view_;
};

}  // namespace sluice
