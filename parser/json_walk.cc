#include "parser/json_walk.h"

namespace sluice {

namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Moves `at` over digits; false when there is none.
bool skip_digits(std::string_view token, std::size_t& at) noexcept {
  const std::size_t begin = at;
  while (at < token.size() && token[at] >= '0' && token[at] <= '9') ++at;
  return at != begin;
}

}  // namespace

bool is_json_number(std::string_view token) noexcept {
  const auto next_is = [&](std::size_t at, char c) { return at < token.size() && token[at] == c; };
  const std::size_t first = next_is(0, '-') ? 1 : 0;
  std::size_t at = first;
  if (!skip_digits(token, at) || (token[first] == '0' && at != first + 1)) return false;
  if (at == token.size()) return true;
  if (token[at] == '.' && !skip_digits(token, ++at)) return false;
  if (next_is(at, 'e') || next_is(at, 'E')) {
    ++at;
    if (next_is(at, '+') || next_is(at, '-')) ++at;
    if (!skip_digits(token, at)) return false;
  }
  return at == token.size();
}

std::string_view JsonWalk::token() const noexcept {
  const std::size_t begin = offset();
  std::size_t end = at_ + 1 < tokens_.size() ? tokens_[at_ + 1] : text_.size();
  while (end > begin && is_space(text_[end - 1])) --end;
  return text_.substr(begin, end - begin);
}

bool JsonWalk::open(bool object) noexcept {
  if (depth_ == kDepthMax) return fail("nested too deeply");
  const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
  std::uint64_t& word = objects_[depth_ / 64];
  word = object ? word | bit : word & ~bit;
  ++depth_;
  ++at_;
  return true;
}

bool JsonWalk::skip_name() noexcept {
  if (peek() != '"') return fail("expected a member name");
  ++at_;
  if (peek() != ':') return fail("expected ':'");
  ++at_;
  return true;
}

bool JsonWalk::key(std::string_view& name) noexcept {
  const std::string_view quoted = token();
  if (!skip_name()) return false;
  name = quoted.substr(1, quoted.size() - 2);
  return true;
}

bool JsonWalk::scalar() noexcept {
  const std::string_view word = token();
  bool good = false;
  switch (peek()) {
    case 't': good = word == "true"; break;
    case 'f': good = word == "false"; break;
    case 'n': good = word == "null"; break;
    case '\0':
      if (at_ >= tokens_.size()) return fail("the text ends too early");
      break;
    default: good = is_json_number(word); break;
  }
  if (!good) return fail("expected a value");
  ++at_;
  return true;
}

bool JsonWalk::no_separator(bool object) noexcept {
  if (at_ >= tokens_.size()) return fail("the text ends too early");
  return fail(object ? "expected ',' or '}'" : "expected ',' or ']'");
}

bool JsonWalk::separator(bool& more) noexcept {
  more = peek() == ',';
  if (!more) return peek() == '}' || no_separator(true);
  ++at_;
  return true;
}

bool JsonWalk::value() noexcept {
  const std::uint32_t floor = depth_;
  for (;;) {
    // At the first token of a value.
    const char first = peek();
    if (first == '"') {
      ++at_;
    } else if (first == '{' || first == '[') {
      const bool object = first == '{';
      if (!open(object)) return false;
      if (peek() != (object ? '}' : ']')) {
        if (object && !skip_name()) return false;
        continue;
      }
      close();
    } else if (!scalar()) {
      return false;
    }
    // Behind a value: over all brackets that close here, then over a comma and a name.
    for (;;) {
      if (depth_ == floor) return true;
      const bool object = in_object();
      const char next = peek();
      if (next == ',') {
        ++at_;
        if (object && !skip_name()) return false;
        break;
      }
      if (next != (object ? '}' : ']')) return no_separator(object);
      close();
    }
  }
}

}  // namespace sluice
