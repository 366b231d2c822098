#include "base/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sluice {

Secret::Secret(std::string_view clear) : size_(clear.size()) {
  if (clear.empty()) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mapped_bytes_ = (clear.size() + page - 1) / page * page;
  void* const pages =
      mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SL_ASSERT(pages != MAP_FAILED);
  // Refused under a small RLIMIT_MEMLOCK: the key may then be swapped out, which is no reason not
  // to serve.
  static_cast<void>(mlock(pages, mapped_bytes_));
  static_cast<void>(madvise(pages, mapped_bytes_, MADV_DONTDUMP));
  data_ = static_cast<char*>(pages);
  std::memcpy(data_, clear.data(), clear.size());
}

Secret::~Secret() { wipe(); }

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  return *this;
}

void Secret::wipe() noexcept {
  if (data_ == nullptr) return;
  explicit_bzero(data_, mapped_bytes_);
  munmap(data_, mapped_bytes_);
  data_ = nullptr;
  size_ = mapped_bytes_ = 0;
}

}  // namespace sluice
