#include "engine/proxy/request_id.h"

#include <cstdint>
#include <cstring>

namespace sluice {
namespace {

constexpr std::size_t kIdBytesMax = 128;

void write_hex_digits(char* out, std::size_t digits, std::uint64_t bits) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < digits; ++i, bits >>= 4) out[i] = kHex[bits & 15];
}

bool is_id_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_valid_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > kIdBytesMax) return false;
  for (const char c : id) {
    if (!is_id_character(c)) return false;
  }
  return true;
}

}  // namespace

std::string_view choose_request_id(Arena& arena, std::string_view offered, Prng& prng) {
  if (is_valid_id(offered)) return offered;
  constexpr std::size_t kBytes = 28;
  char* const id = arena.bytes(kBytes);
  std::memcpy(id, "req-", 4);
  write_hex_digits(id + 4, 16, prng.next());
  write_hex_digits(id + 20, 8, prng.next());
  return {id, kBytes};
}

std::string_view next_trace_parent(Arena& arena, std::string_view trace_parent, Prng& prng) {
  constexpr std::size_t kBytes = 55;   // 00-<32 hex>-<16 hex>-<2 hex>
  constexpr std::size_t kSpanAt = 36;  // the parent id
  const bool known = trace_parent.size() == kBytes && trace_parent.starts_with("00-") &&
                     trace_parent[35] == '-' && trace_parent[52] == '-';
  if (!known) return trace_parent;
  char* const copy = arena.bytes(kBytes);
  std::memcpy(copy, trace_parent.data(), kBytes);
  write_hex_digits(copy + kSpanAt, 16, prng.next() | 1);  // all zeros would be invalid
  return {copy, kBytes};
}

}  // namespace sluice
