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
  std::size_t at = next_is(0, '-') ? 1 : 0;
  if (next_is(at, '0')) ++at;
  else if (!skip_digits(token, at)) return false;
  if (next_is(at, '.') && !skip_digits(token, ++at)) return false;
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

bool JsonWalk::key(std::string_view& name) noexcept {
  if (peek() != '"') return fail("expected a member name");
  const std::string_view quoted = token();
  ++at_;
  if (peek() != ':') return fail("expected ':'");
  ++at_;
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

bool JsonWalk::separator(bool object, bool& more) noexcept {
  const char c = peek();
  more = c == ',';
  if (more) {
    ++at_;
    return true;
  }
  if (c == (object ? '}' : ']')) return true;
  if (at_ >= tokens_.size()) return fail("the text ends too early");
  return fail(object ? "expected ',' or '}'" : "expected ',' or ']'");
}

// Steps over the opening bracket of a container and, if it is not empty, up to its first value. An
// empty one is left at its closing bracket.
bool JsonWalk::open_container() noexcept {
  const bool object = peek() == '{';
  if (!open(object)) return false;
  if (!object || peek() == '}') return true;
  std::string_view ignored;
  return key(ignored);
}

// Behind a value: steps over all brackets that close here, and over a comma (and a name) up to the
// next value; stops when depth `floor` is reached.
bool JsonWalk::close_containers(std::uint32_t floor) noexcept {
  while (depth_ != floor) {
    const bool object = in_object();
    bool more = false;
    if (!separator(object, more)) return false;
    if (!more) {
      close();
      continue;
    }
    std::string_view ignored;
    return !object || key(ignored);
  }
  return true;
}

bool JsonWalk::value() noexcept {
  const std::uint32_t floor = depth_;
  do {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (!open_container()) return false;
      if (peek() != (c == '{' ? '}' : ']') || text_[tokens_[at_ - 1]] != c) continue;
      close();
    } else if (c == '"') {
      ++at_;
    } else if (!scalar()) {
      return false;
    }
    if (!close_containers(floor)) return false;
  } while (depth_ != floor);
  return true;
}

}  // namespace sluice
