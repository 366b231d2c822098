#include "engine/llm/chunk_edit.h"

#include <algorithm>

#include "parser/json_scan.h"
#include "parser/sse.h"

namespace sluice {

namespace {

constexpr std::string_view kData = "data:";
constexpr std::string_view kNullTail = R"(,"usage":null})";

bool is_line_end(char c) noexcept { return c == '\n' || c == '\r'; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || is_line_end(c); }

// Whether a line with the name "data:" begins at `at`.
bool data_line_at(std::string_view event, std::size_t at) noexcept {
  return at < event.size() && event.substr(at).starts_with(kData) &&
         (at == 0 || is_line_end(event[at - 1]));
}

// Behind the white space at `at`. The break between two data lines is white space to JSON.
std::size_t skip_space(std::string_view event, std::size_t at) noexcept {
  for (;;) {
    while (at < event.size() && is_space(event[at])) ++at;
    if (!data_line_at(event, at)) return at;
    at += kData.size();
  }
}

// The same backwards: before the white space that ends at `at`.
std::size_t skip_space_back(std::string_view event, std::size_t at) noexcept {
  for (;;) {
    while (at > 0 && is_space(event[at - 1])) --at;
    if (at < kData.size() || !data_line_at(event, at - kData.size())) return at;
    at -= kData.size();
  }
}

// Where the payload of the first data line begins; event.size() when there is none.
std::size_t data_begin(std::string_view event) noexcept {
  std::size_t at = 0;
  while (at < event.size() && !data_line_at(event, at)) {
    at += find_line_end(event.substr(at));
    while (at < event.size() && is_line_end(event[at])) ++at;
  }
  return std::min(at + kData.size(), event.size());
}

// The bytes to cut for the member whose name's quote is at `name_at` and whose value ends at `end`:
// with the comma before it, or else the one behind it.
ChunkEdit cut_member(std::string_view event, std::size_t name_at, std::size_t end) noexcept {
  const std::size_t before = skip_space_back(event, name_at);
  if (before > 0 && event[before - 1] == ',') return {ChunkEdit::Kind::kCut, before - 1, end};
  const std::size_t behind = skip_space(event, end);
  if (behind < event.size() && event[behind] == ',')
    return {ChunkEdit::Kind::kCut, name_at, behind + 1};
  return {ChunkEdit::Kind::kCut, name_at, end};
}

// The usual case: one data line that ends with the null member, as the providers' encoders write
// it. The last bracket closes the top level, so the member before it is a top-level one.
bool ends_with_null_usage(std::string_view event, std::size_t& cut) noexcept {
  std::size_t end = event.size();
  while (end > 0 && is_line_end(event[end - 1])) --end;
  if (!event.substr(0, end).ends_with(kNullTail) || !event.starts_with(kData)) return false;
  cut = end - kNullTail.size();
  return find_line_end(event) == end;
}

// ChunkReader - finds the two members that decide.
class ChunkReader {
 public:
  explicit ChunkReader(std::string_view event) noexcept : event_(event) {}

  ChunkEdit read() noexcept {
    JsonScan scan('u', 'c', 1);
    for (std::size_t at = data_begin(event_); at < event_.size();) {
      const JsonScan::Step step = scan.seek(event_.substr(at));
      at += step.consumed;
      if (step.found) read_member(at);
    }
    if (usage_object_ && choices_empty_) return {ChunkEdit::Kind::kDrop, 0, event_.size()};
    return null_edit_;
  }

 private:
  // The value of the member `name` if that is what the string at `at` says; npos otherwise.
  std::size_t value_of(std::string_view quoted_name, std::size_t at) const noexcept {
    if (!event_.substr(at).starts_with(quoted_name)) return event_.npos;
    const std::size_t colon = skip_space(event_, at + quoted_name.size());
    if (colon >= event_.size() || event_[colon] != ':') return event_.npos;
    return skip_space(event_, colon + 1);
  }

  [[nodiscard]] bool has(std::string_view text, std::size_t at) const noexcept {
    return at < event_.size() && event_.substr(at).starts_with(text);
  }

  void read_member(std::size_t at) noexcept {
    if (const std::size_t value = value_of("usage\"", at); value != event_.npos) {
      if (has("null", value)) null_edit_ = cut_member(event_, at - 1, value + 4);
      usage_object_ = has("{", value);
    } else if (const std::size_t list = value_of("choices\"", at); list != event_.npos) {
      choices_empty_ = has("[", list) && has("]", skip_space(event_, list + 1));
    }
  }

  std::string_view event_;
  ChunkEdit null_edit_;
  bool usage_object_ = false;
  bool choices_empty_ = false;
};

}  // namespace

ChunkEdit edit_for_chunk(std::string_view event) noexcept {
  std::size_t cut = 0;
  if (ends_with_null_usage(event, cut))
    return {ChunkEdit::Kind::kCut, cut, cut + kNullTail.size() - 1};
  return ChunkReader(event).read();
}

}  // namespace sluice
