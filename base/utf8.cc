#include "base/utf8.h"

namespace sluice {

Utf8Char first_utf8(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return {.code = lead, .bytes = 1};
  std::uint32_t bytes = 0;
  std::uint32_t code = 0;
  std::uint32_t code_min = 0;
  if ((lead & 0xe0) == 0xc0) bytes = 2, code = lead & 0x1fu, code_min = 0x80;
  else if ((lead & 0xf0) == 0xe0) bytes = 3, code = lead & 0x0fu, code_min = 0x800;
  else if ((lead & 0xf8) == 0xf0) bytes = 4, code = lead & 0x07u, code_min = 0x10000;
  else return {};
  if (text.size() < bytes) return {};
  for (std::uint32_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3fu);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < code_min || code > 0x10ffff || surrogate) return {};
  return {.code = code, .bytes = bytes};
}

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = first_utf8(text.substr(at));
    if (character.bytes == 0) return at;
    at += character.bytes;
  }
  return std::string_view::npos;
}

}  // namespace sluice
