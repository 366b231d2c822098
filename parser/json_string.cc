#include "parser/json_string.h"

#include <cstdint>

namespace sluice {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// Writes the 1-4 bytes of a code point that is no surrogate (RFC 3629); returns how many.
std::size_t write_utf8(char* out, char32_t code_point) noexcept {
  const auto put = [&](std::size_t i, char32_t bits) { out[i] = static_cast<char>(bits); };
  const auto tail = [&](unsigned shift) { return 0x80u | ((code_point >> shift) & 0x3Fu); };
  if (code_point < 0x80) {
    put(0, code_point);
    return 1;
  }
  if (code_point < 0x800) {
    put(0, 0xC0u | (code_point >> 6));
    put(1, tail(0));
    return 2;
  }
  if (code_point < 0x10000) {
    put(0, 0xE0u | (code_point >> 12));
    put(1, tail(6));
    put(2, tail(0));
    return 3;
  }
  put(0, 0xF0u | (code_point >> 18));
  put(1, tail(12));
  put(2, tail(6));
  put(3, tail(0));
  return 4;
}

// The 4 hex digits at `raw[at]`; false when they are not there.
bool read_hex4(std::string_view raw, std::size_t at, char32_t& unit) noexcept {
  if (at + 4 > raw.size()) return false;
  unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = raw[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
      digit = static_cast<unsigned>((c | 0x20) - 'a') + 10;
    else return false;
    unit = unit << 4 | digit;
  }
  return true;
}

// The code point of the `\u` escape at `raw[at]`, and of its second half; moves `at` behind it.
bool read_unicode_escape(std::string_view raw, std::size_t& at, char32_t& code_point) noexcept {
  if (!read_hex4(raw, at + 2, code_point)) return false;
  at += 6;
  if (code_point < 0xD800 || code_point > 0xDFFF) return true;
  char32_t low = 0;
  if (code_point > 0xDBFF || raw.substr(at, 2) != "\\u" || !read_hex4(raw, at + 2, low) ||
      low < 0xDC00 || low > 0xDFFF)
    return false;
  at += 6;
  code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

// What a one-letter escape stands for; NUL when it is none.
char short_escape(char letter) noexcept {
  switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

}  // namespace

bool decode_json_string(std::string_view raw, char* out, std::size_t& size) noexcept {
  char* end = out;
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] != '\\') {
      *end++ = raw[at++];
      continue;
    }
    if (at + 1 >= raw.size()) return false;
    if (raw[at + 1] == 'u') {
      char32_t code_point = 0;
      if (!read_unicode_escape(raw, at, code_point)) return false;
      end += write_utf8(end, code_point);
      continue;
    }
    const char meant = short_escape(raw[at + 1]);
    if (meant == '\0') return false;
    *end++ = meant;
    at += 2;
  }
  size = static_cast<std::size_t>(end - out);
  return true;
}

std::string_view encode_json_string(std::string_view text, Arena& arena) {
  char* const out = arena.bytes(text.size() * 6 + 2);
  char* end = out;
  *end++ = '"';
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20) {
      for (const char prefix : std::string_view("\\u00")) *end++ = prefix;
      *end++ = kHexDigits[byte >> 4];
      *end++ = kHexDigits[byte & 0xF];
      continue;
    }
    if (c == '"' || c == '\\') *end++ = '\\';
    *end++ = c;
  }
  *end++ = '"';
  return {out, static_cast<std::size_t>(end - out)};
}

}  // namespace sluice
