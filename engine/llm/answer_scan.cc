#include "engine/llm/answer_scan.h"

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

constexpr std::string_view kUsageName = "usage\"";
constexpr std::string_view kTypeName = "type\"";

// Without the white space at its front.
std::string_view skip_space(std::string_view in) noexcept {
  std::size_t at = 0;
  while (at < in.size() && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t'))
    ++at;
  return in.substr(at);
}

}  // namespace

void AnswerScan::restart() noexcept {
  scan_.restart();
  place_ = Place::kSeek;
  type_bytes_ = 0;
  type_complete_ = false;
}

void AnswerScan::feed(std::string_view in) {
  while (!in.empty()) {
    switch (place_) {
      case Place::kSeek: in = seek(in); break;
      case Place::kName: in = match_name(in); break;
      case Place::kColon: in = match_colon(in); break;
      case Place::kValue: in = match_value(in); break;
      case Place::kUsage: in = capture_usage(in); break;
      case Place::kType: in = capture_type(in); break;
    }
  }
}

std::string_view AnswerScan::seek(std::string_view in) {
  const JsonScan::Step step = scan_.seek(in);
  if (step.found) {
    place_ = Place::kName;
    matched_ = 0;
  }
  return in.substr(step.consumed);
}

// In a string near the top: is it one of the two names?
std::string_view AnswerScan::match_name(std::string_view in) {
  if (matched_ == 0) first_ = in[0];
  const std::string_view name = first_ == 'u' ? kUsageName : kTypeName;
  while (!in.empty() && in[0] == name[matched_]) {
    in.remove_prefix(1);
    if (++matched_ < name.size()) continue;
    scan_.leave_string();
    place_ = Place::kColon;
    return in;
  }
  if (!in.empty()) place_ = Place::kSeek;
  return in;
}

// A string without a colon behind it is a value.
std::string_view AnswerScan::match_colon(std::string_view in) {
  in = skip_space(in);
  if (in.empty()) return in;
  if (in[0] != ':') {
    place_ = Place::kSeek;
    return in;
  }
  place_ = Place::kValue;
  return in.substr(1);
}

std::string_view AnswerScan::match_value(std::string_view in) {
  in = skip_space(in);
  if (in.empty()) return in;
  place_ = Place::kSeek;
  if (first_ == 'u' && in[0] == '{') {
    place_ = Place::kUsage;
    usage_bytes_ = 0;
    usage_depth_ = 0;
    in_string_ = false;
    escaped_ = false;
    if (usage_ == nullptr) usage_ = arena_->bytes(kUsageBytesMax);
  } else if (first_ == 't' && in[0] == '"' && scan_.depth() == 1) {
    place_ = Place::kType;
    type_bytes_ = 0;
    type_complete_ = false;
    return in.substr(1);
  }
  return in;
}

// Copies the usage object up to its closing bracket. Byte by byte: it is short, and comes once.
std::string_view AnswerScan::capture_usage(std::string_view in) {
  std::size_t at = 0;
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
  const std::size_t bytes = std::min(at, kUsageBytesMax - usage_bytes_);
  std::memcpy(usage_ + usage_bytes_, in.data(), bytes);
  usage_bytes_ += bytes;
  if (closed) take_usage();
  return in.substr(at);
}

// A usage object further up outranks those below it, which may be partial counts.
void AnswerScan::take_usage() {
  place_ = Place::kSeek;
  if (counts_.any() && scan_.depth() > best_depth_) return;
  counts_.read({usage_, usage_bytes_});
  if (counts_.any()) best_depth_ = std::min(best_depth_, scan_.depth());
}

std::string_view AnswerScan::capture_type(std::string_view in) {
  const std::size_t end = in.find_first_of("\"\\");
  const std::string_view part = in.substr(0, end);
  if (part.size() > type_.size() - type_bytes_ || (end != in.npos && in[end] == '\\')) {
    // Longer than any type we know, or with an escape: none of ours. Its rest is skipped as a
    // string.
    scan_.enter_string();
    place_ = Place::kSeek;
    return in;
  }
  std::copy(part.begin(), part.end(), type_.begin() + type_bytes_);
  type_bytes_ = static_cast<std::uint8_t>(type_bytes_ + part.size());
  if (end == in.npos) return {};
  type_complete_ = true;
  place_ = Place::kSeek;
  return in.substr(end + 1);
}

}  // namespace sluice
