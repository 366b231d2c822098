#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/io/slice.h"

namespace sluice {

// ScarceHome - a buffer as the kernel's ring has them; tells how many slices still hold it.
class ScarceHome final : public SliceHome {
 public:
  explicit ScarceHome(std::string_view text) : SliceHome(true), text_(text) {}
  // `bytes` from `offset` on as a slice.
  Slice slice(std::size_t offset, std::size_t bytes) {
    return Slice(*this, text_.data() + offset, static_cast<std::uint32_t>(bytes));
  }
  Slice whole() { return slice(0, text_.size()); }

 private:
  void on_unused() noexcept override { text_.assign(text_.size(), '#'); }  // the kernel fills it
  std::string text_;
};

}  // namespace sluice
