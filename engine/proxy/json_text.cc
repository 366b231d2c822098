#include "engine/proxy/json_text.h"

#include <cstring>

#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::size_t kGrowthMax = 6;  // "\u001f"

char* write_escaped(char* at, unsigned char byte) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  std::memcpy(at, "\\u00", 4);
  at[4] = kHex[byte >> 4];
  at[5] = kHex[byte & 15];
  return at + 6;
}

}  // namespace

std::string_view escape_json(Arena& arena, std::string_view text) {
  char* const begin = arena.bytes(text.size() * kGrowthMax + 1);
  char* at = begin;
  while (!text.empty()) {
    const Utf8Char c = first_utf8(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (c.bytes == 0) {
      std::memcpy(at, "\\ufffd", kGrowthMax);
      at += kGrowthMax;
    } else if (c.bytes > 1) {
      std::memcpy(at, text.data(), c.bytes);
      at += c.bytes;
    } else if (byte < 0x20 || byte == 0x7f) {
      at = write_escaped(at, byte);
    } else {
      if (byte == '"' || byte == '\\') *at++ = '\\';
      *at++ = static_cast<char>(byte);
    }
    text.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return {begin, static_cast<std::size_t>(at - begin)};
}

std::string_view quote_or_null(Arena& arena, std::string_view text) {
  return text.empty() ? std::string_view("null") : arena.join("\"", escape_json(arena, text), "\"");
}

}  // namespace sluice
