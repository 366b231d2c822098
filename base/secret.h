#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

// Secret - a key in clear. Lives in pages of its own that are locked in memory, left out of core
// dumps and wiped when it dies. No formatter and no stream accepts it; who needs the bytes says
// reveal() (INVARIANTS K1).
//
// Owns      its pages. Move-only.
// Affinity  none: immutable after construction.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view clear);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // The bytes, for the upstream wire only.
  [[nodiscard]] std::string_view reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  void wipe() noexcept;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace sluice
