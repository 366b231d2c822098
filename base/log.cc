#include "base/log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "base/assert.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::string_view kJsonTail = "}\n";
constexpr std::string_view kJsonCutTail = ",\"cut\":true}\n";
constexpr std::string_view kTextTail = "\n";
constexpr std::string_view kTextCutTail = " cut=true\n";
constexpr std::size_t kTailBytesMax = kJsonCutTail.size();

constexpr char kHex[] = "0123456789abcdef";

// Code points that a terminal or a viewer obeys instead of showing: C1 controls, line and paragraph
// separators, bidirectional overrides, the zero-width characters and the byte order mark.
bool is_active(std::uint32_t code) noexcept {
  return (code >= 0x7f && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

// What stands in a line as it is, and what may stand there without quotes: bits of a table, because
// most bytes of most lines are neither controls nor quotes.
constexpr std::uint8_t kPlain = 1;
constexpr std::uint8_t kBare = 2;
constexpr auto kByteKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t c = ' '; c < 0x7f; ++c) {
    if (c != '"' && c != '\\') kinds[c] = kPlain;
    if (c != ' ' && c != '"' && c != '\\' && c != '=') kinds[c] |= kBare;
  }
  return kinds;
}();

bool is_kind(char c, std::uint8_t kind) noexcept {
  return (kByteKinds[static_cast<std::uint8_t>(c)] & kind) != 0;
}

// How many bytes at the front of `text` stand in a line as they are.
std::size_t plain_bytes(std::string_view text) noexcept {
  std::size_t count = 0;
  while (count < text.size() && is_kind(text[count], kPlain)) ++count;
  return count;
}

// Escaped - one character as it stands in the line.
struct Escaped {
  char bytes[8];
  std::size_t size = 0;

  void add(char c) noexcept { bytes[size++] = c; }
  void add_hex(std::uint32_t code, int digits) noexcept {
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) add(kHex[code >> shift & 0xf]);
  }
};

// Takes one character off the front of `text`. JSON has no \x escape: there the backslash itself is
// escaped, so that the reader of the string sees \xNN too.
Escaped take_escaped(std::string_view& text, bool json) noexcept {
  Escaped out;
  const Utf8Char character = first_utf8(text);
  const char first = text.front();
  if (character.bytes == 0) {
    if (json) out.add('\\');
    out.add('\\'), out.add('x'), out.add_hex(static_cast<std::uint8_t>(first), 2);
    text.remove_prefix(1);
    return out;
  }
  if (first == '"' || first == '\\') out.add('\\'), out.add(first);
  else if (first == '\n') out.add('\\'), out.add('n');
  else if (first == '\r') out.add('\\'), out.add('r');
  else if (first == '\t') out.add('\\'), out.add('t');
  else if (character.code < 0x20 || is_active(character.code))
    out.add('\\'), out.add('u'), out.add_hex(character.code, 4);
  else
    for (std::uint32_t i = 0; i < character.bytes; ++i) out.add(text[i]);
  text.remove_prefix(character.bytes);
  return out;
}

// How many bytes at the front of `text`, whole characters, take at most `bytes_max` escaped.
std::size_t front_bytes(std::string_view text, std::size_t bytes_max, bool json) noexcept {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t plain = std::min(plain_bytes(rest), bytes_max);
    rest.remove_prefix(plain);
    bytes_max -= plain;
    if (rest.empty()) break;
    std::string_view behind = rest;
    const Escaped escaped = take_escaped(behind, json);
    if (escaped.size > bytes_max) break;
    bytes_max -= escaped.size;
    rest = behind;
  }
  return text.size() - rest.size();
}

// Whether a value may stand in a text line without quotes.
bool is_bare(std::string_view value) noexcept {
  return !value.empty() && std::ranges::all_of(value, [](char c) { return is_kind(c, kBare); });
}

char* put_number(char* out, unsigned number, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + digits;
}

constexpr std::size_t kTimeBytes = sizeof("2026-01-31T08:15:00.250Z") - 1;

// RFC 3339 in UTC with milliseconds; years 0-9999.
void put_time(char* out, std::int64_t unix_ms) noexcept {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  out = put_number(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *out++ = '-';
  out = put_number(out, static_cast<unsigned>(date.month()), 2);
  *out++ = '-';
  out = put_number(out, static_cast<unsigned>(date.day()), 2);
  *out++ = 'T';
  out = put_number(out, static_cast<unsigned>(clock.hours().count()), 2);
  *out++ = ':';
  out = put_number(out, static_cast<unsigned>(clock.minutes().count()), 2);
  *out++ = ':';
  out = put_number(out, static_cast<unsigned>(clock.seconds().count()), 2);
  *out++ = '.';
  out = put_number(out, static_cast<unsigned>(clock.subseconds().count()), 3);
  *out = 'Z';
}

}  // namespace

std::string_view log_level_text(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "unknown";
}

void LogLine::begin(LogLevel level, std::string_view message) noexcept {
  char time[kTimeBytes];
  put_time(time, log_->clock().unix_ms());
  append(json() ? "{\"time\":\"" : "");
  append({time, kTimeBytes});
  append(json() ? "\",\"level\":\"" : " ");
  append(log_level_text(level));
  append(json() ? "\",\"message\":\"" : " ");
  append_escaped(message, 1);
  append(json() ? "\"" : "");
}

void LogLine::end() noexcept {
  std::string_view tail = json() ? kJsonTail : kTextTail;
  if (cut_) tail = json() ? kJsonCutTail : kTextCutTail;
  std::memcpy(buffer_ + size_, tail.data(), tail.size());
  log_->sink().write({buffer_, size_ + tail.size()});
}

void LogLine::add_text(std::string_view key, std::string_view value) noexcept {
  if (!open_field(key, 2)) return;
  const bool quoted = json() || !is_bare(value);
  if (quoted) append("\"");
  append_escaped(value, 1);
  if (quoted) append("\"");
}

void LogLine::add_bounded_text(std::string_view key, std::string_view value,
                               std::size_t bytes_max) noexcept {
  constexpr std::string_view kMark = "...";
  SL_ASSERT(bytes_max >= kMark.size() && bytes_max <= kLogLineBytesMax);
  if (front_bytes(value, bytes_max, json()) == value.size()) return add_text(key, value);
  char front[kLogLineBytesMax];
  const std::size_t kept = front_bytes(value, bytes_max - kMark.size(), json());
  std::memcpy(front, value.data(), kept);
  std::memcpy(front + kept, kMark.data(), kMark.size());
  add_text(key, {front, kept + kMark.size()});
}

void LogLine::add_number(std::string_view key, std::int64_t value) noexcept {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  if (open_field(key, text.size())) append(text);
}

std::size_t LogLine::room() const noexcept { return kLogLineBytesMax - kTailBytesMax - size_; }

bool LogLine::open_field(std::string_view key, std::size_t value_bytes) noexcept {
  if (cut_) return false;
  if (room() < key.size() + sizeof(",\"\":") - 1 + value_bytes) {
    cut_ = true;
    return false;
  }
  append(json() ? ",\"" : " ");
  append(key);
  append(json() ? "\":" : "=");
  return true;
}

void LogLine::append(std::string_view text) noexcept {
  if (text.empty()) return;
  SL_ASSERT(text.size() <= room());
  std::memcpy(buffer_ + size_, text.data(), text.size());
  size_ += text.size();
}

void LogLine::append_escaped(std::string_view text, std::size_t reserve) noexcept {
  while (!text.empty()) {
    const std::string_view plain = text.substr(0, plain_bytes(text));
    if (plain.size() + reserve > room()) {
      append(plain.substr(0, room() - reserve));
      cut_ = true;
      return;
    }
    append(plain);
    text.remove_prefix(plain.size());
    if (text.empty()) return;
    const Escaped escaped = take_escaped(text, json());
    if (escaped.size + reserve > room()) {
      cut_ = true;
      return;
    }
    append({escaped.bytes, escaped.size});
  }
}

}  // namespace sluice
