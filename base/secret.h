#pragma once

#include <cstddef>
#include <span>
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
  // `size` bytes that `write(std::span<char>)` writes, zeros before: what is decrypted, drawn or
  // read that way has never lain anywhere else.
  template <class Write>
  [[nodiscard]] static Secret written(std::size_t size, Write&& write) {
    Secret secret;
    secret.map(size);
    write(std::span<char>(secret.data_, secret.size_));
    return secret;
  }
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // The bytes, for the upstream wire only.
  [[nodiscard]] std::string_view reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  void map(std::size_t size);
  void wipe() noexcept;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace sluice
