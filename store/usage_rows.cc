#include "store/usage_rows.h"

namespace sluice {

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b, bool& fits) noexcept {
  std::uint64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  fits = false;
  return UINT64_MAX;
}

bool UsageSums::add(const UsageSums& other) noexcept {
  bool fits = true;
  // Both are visited in one order, so that no sum can be forgotten here.
  const std::uint64_t* theirs[32] = {};
  std::size_t count = 0;
  auto collect = [&](const auto&... sums) { ((theirs[count++] = &sums), ...); };
  fields(other, collect);
  count = 0;
  auto sum_up = [&](auto&... sums) {
    ((sums = saturating_sum(sums, *theirs[count++], fits)), ...);
  };
  fields(*this, sum_up);
  return fits;
}

}  // namespace sluice
