#include "base/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sluice {

Secret::Secret(std::string_view clear) {
  map(clear.size());
  if (!clear.empty()) std::memcpy(data_, clear.data(), clear.size());
}

void Secret::map(std::size_t size) {
  if (size == 0) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (size + page - 1) / page * page;
  void* const pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SL_ASSERT(pages != MAP_FAILED);
  // Refused under a small RLIMIT_MEMLOCK: the key may then be swapped out, which is no reason not
  // to serve.
  static_cast<void>(mlock(pages, bytes));
  static_cast<void>(madvise(pages, bytes, MADV_DONTDUMP));
  data_ = static_cast<char*>(pages);
  size_ = size;
  mapped_bytes_ = bytes;
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
