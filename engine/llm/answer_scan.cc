#include "engine/llm/answer_scan.h"

#include <algorithm>
#include <cstring>

#include "parser/json_find.h"

namespace sluice {

namespace {

std::size_t skip_space(std::string_view in, std::size_t at) noexcept {
  while (at < in.size() && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t'))
    ++at;
  return at;
}

// Whether the member whose name is `name` at text[at] has a value that begins with `first`.
bool has_value(std::string_view text, std::size_t at, std::string_view name, char first) noexcept {
  if (!text.substr(at).starts_with(name)) return false;
  const std::size_t colon = skip_space(text, at + name.size());
  if (!text.substr(colon).starts_with(':')) return false;
  return text.substr(skip_space(text, colon + 1)).starts_with(first);
}

}  // namespace

bool AnswerScan::may_tell(std::string_view text) noexcept {
  for (std::size_t at = 0; (at = find_quoted(text, at, 'u', 't')) < text.size(); ++at)
    if (has_value(text, at + 1, kUsageName, '{') || has_value(text, at + 1, kTypeName, '"'))
      return true;
  return false;
}

void AnswerScan::restart() noexcept {
  scan_.restart();
  place_ = Place::kSeek;
  type_bytes_ = 0;
  type_complete_ = false;
}

void AnswerScan::feed(std::string_view in) {
  for (std::size_t at = 0; at < in.size();) {
    switch (place_) {
      case Place::kSeek: at = seek(in, at); break;
      case Place::kName: at = match_name(in, at); break;
      case Place::kColon: at = match_colon(in, at); break;
      case Place::kValue: at = match_value(in, at); break;
      case Place::kUsage: at = capture_usage(in, at); break;
      case Place::kType: at = capture_type(in, at); break;
    }
  }
}

std::size_t AnswerScan::seek(std::string_view in, std::size_t at) {
  const JsonScan::Step step = scan_.seek(in, at);
  if (step.found) {
    place_ = Place::kName;
    matched_ = 0;
  }
  return step.at;
}

// In a string near the top: is it one of the two names?
std::size_t AnswerScan::match_name(std::string_view in, std::size_t at) {
  if (matched_ == 0) first_ = in[at];
  const std::string_view name = first_ == 'u' ? kUsageName : kTypeName;
  while (at < in.size() && in[at] == name[matched_]) {
    ++at;
    if (++matched_ < name.size()) continue;
    scan_.leave_string();
    place_ = Place::kColon;
    return at;
  }
  if (at < in.size()) place_ = Place::kSeek;
  return at;
}

// A string without a colon behind it is a value.
std::size_t AnswerScan::match_colon(std::string_view in, std::size_t at) {
  at = skip_space(in, at);
  if (at == in.size()) return at;
  place_ = in[at] == ':' ? Place::kValue : Place::kSeek;
  return in[at] == ':' ? at + 1 : at;
}

std::size_t AnswerScan::match_value(std::string_view in, std::size_t at) {
  at = skip_space(in, at);
  if (at == in.size()) return at;
  place_ = Place::kSeek;
  if (first_ == 'u' && in[at] == '{') {
    return read_usage(in, at);
  } else if (first_ == 't' && in[at] == '"' && scan_.depth() == 1) {
    place_ = Place::kType;
    type_bytes_ = 0;
    type_complete_ = false;
    return at + 1;
  }
  return at;
}

// Where all of the usage object stands in `in`, as is usual, it is read there.
std::size_t AnswerScan::read_usage(std::string_view in, std::size_t at) {
  UsageCounts heard = counts_;
  if (const std::size_t bytes = heard.read(in.substr(at, kUsageBytesMax)); bytes > 0) {
    take_usage(heard);
    return at + bytes;
  }
  place_ = Place::kUsage;
  usage_bytes_ = 0;
  usage_depth_ = 0;
  in_string_ = false;
  escaped_ = false;
  if (usage_ == nullptr) usage_ = arena_->bytes(kUsageBytesMax);
  return at;
}

// Copies the usage object up to its closing bracket.
std::size_t AnswerScan::capture_usage(std::string_view in, std::size_t at) {
  const std::size_t begin = at;
  bool closed = false;
  while (at < in.size() && !closed) {
    const char c = in[at++];
    if (in_string_) {
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') in_string_ = false;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++usage_depth_;
    } else if (c == '}' || c == ']') {
      closed = --usage_depth_ == 0;
    }
  }
  const std::size_t bytes = std::min(at - begin, kUsageBytesMax - usage_bytes_);
  std::memcpy(usage_ + usage_bytes_, in.data() + begin, bytes);
  usage_bytes_ += bytes;
  if (!closed) return at;
  UsageCounts heard = counts_;
  heard.read({usage_, usage_bytes_});
  take_usage(heard);
  return at;
}

// A usage object further up outranks those below it, which may be partial counts.
void AnswerScan::take_usage(const UsageCounts& heard) {
  place_ = Place::kSeek;
  if (counts_.any() && scan_.depth() > best_depth_) return;
  counts_ = heard;
  if (counts_.any()) best_depth_ = std::min(best_depth_, scan_.depth());
}

std::size_t AnswerScan::capture_type(std::string_view in, std::size_t at) {
  const std::size_t end = std::min(in.find_first_of("\"\\", at), in.size());
  const std::string_view part = in.substr(at, end - at);
  if (part.size() > type_.size() - type_bytes_ || (end < in.size() && in[end] == '\\')) {
    // Longer than any type we know, or with an escape: none of ours. Its rest is passed as a
    // string.
    scan_.enter_string();
    place_ = Place::kSeek;
    return at;
  }
  std::copy(part.begin(), part.end(), type_.begin() + type_bytes_);
  type_bytes_ = static_cast<std::uint8_t>(type_bytes_ + part.size());
  if (end == in.size()) return end;
  type_complete_ = true;
  place_ = Place::kSeek;
  return end + 1;
}

}  // namespace sluice
