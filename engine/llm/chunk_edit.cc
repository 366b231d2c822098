#include "engine/llm/chunk_edit.h"

#include <algorithm>
#include <iterator>

#include "parser/json_find.h"
#include "parser/json_scan.h"
#include "parser/scan.h"
#include "parser/sse.h"

namespace sluice {

namespace {

constexpr std::string_view kData = "data:";
constexpr std::string_view kUsageName = "usage\"";  // with the closing quotes
constexpr std::string_view kChoicesName = "choices\"";
constexpr std::int64_t kDepthMax = std::int64_t{1} << 32;  // deeper than any event

// The members that a chunk has whatever it says.
constexpr std::string_view kBareMembers[] = {
    "id",          "object",  "created",      "model",
    "choices",     "usage",   "service_tier", "system_fingerprint",
    "obfuscation", "provider"};

bool is_bare_member(std::string_view name) noexcept {
  return std::ranges::find(kBareMembers, name) != std::end(kBareMembers);
}

bool is_line_end(char c) noexcept { return c == '\n' || c == '\r'; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || is_line_end(c); }

// Whether a line with the name "data:" begins at `at`.
bool data_line_at(std::string_view event, std::size_t at) noexcept {
  return at < event.size() && (at == 0 || is_line_end(event[at - 1])) &&
         event.substr(at).starts_with(kData);
}

// Behind the white space at `at`. The break between two data lines is white space to JSON.
std::size_t skip_space(std::string_view event, std::size_t at) noexcept {
  for (;;) {
    const std::size_t begin = at;
    while (at < event.size() && is_space(event[at])) ++at;
    if (at == begin || !data_line_at(event, at)) return at;
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

// ChunkReader - finds the two members that decide.
class ChunkReader {
 public:
  explicit ChunkReader(std::string_view event) noexcept
      : event_(event), begin_(data_begin(event)) {}

  ChunkEdit read() noexcept {
    const std::size_t quote = find_usage();
    if (quote == event_.size()) return {};
    if (read_null_usage(quote) && !has_empty_list()) return null_edit_;
    JsonScan scan(kUsageName, kChoicesName, 1);
    for (std::size_t at = begin_; at < event_.size();) {
      const JsonScan::Step step = scan.seek(event_, at);
      at = step.at;
      if (step.found) read_member(at);
    }
    const bool null_usage = null_edit_.kind != ChunkEdit::Kind::kKeep;
    const bool extra = usage_object_ || (null_usage && has_bare_members_only());
    if (choices_empty_ && extra) return {ChunkEdit::Kind::kDrop, 0, event_.size()};
    return null_edit_;
  }

 private:
  // The quote of the first string that begins with the name, or the size of the event: chunks of
  // providers that send no null usage.
  [[nodiscard]] std::size_t find_usage() const noexcept {
    std::size_t at = find_quoted(event_, begin_, 'u', 'u');
    while (at < event_.size() && !has(kUsageName, at + 1))
      at = find_quoted(event_, at + 1, 'u', 'u');
    return at;
  }

  // The usual case: that string names a null member at the top. A quote that no backslash escapes
  // begins a string there (else a string would end in front of a letter), and the brackets behind
  // the member tell how deep it is: they are fewer than those in front of it.
  bool read_null_usage(std::size_t quote) noexcept {
    const std::size_t value = value_of(kUsageName, quote + 1);
    if (event_[quote - 1] == '\\' || value == event_.npos || !has("null", value)) return false;
    JsonScan scan(kUsageName, kUsageName, -kDepthMax);
    std::size_t at = value + 4;
    while (at < event_.size()) at = scan.seek(event_, at).at;
    if (scan.depth() != -1) return false;
    null_edit_ = cut_member(event_, quote, value + 4);
    return true;
  }

  // Whether there may be empty choices. Chunks with words in them have no empty list, as a rule.
  [[nodiscard]] bool has_empty_list() const noexcept {
    for (std::size_t at = event_.find(']', begin_); at != event_.npos;
         at = event_.find(']', at + 1)) {
      const std::size_t before = skip_space_back(event_, at);
      if (before > 0 && event_[before - 1] == '[') return true;
    }
    return false;
  }

  // Whether all members at the top are of those that any chunk has, so that without choices it says
  // nothing. Azure's first chunk has empty choices too, and says prompt_filter_results.
  [[nodiscard]] bool has_bare_members_only() const noexcept {
    std::int64_t depth = 0;
    for (std::size_t at = begin_; at < event_.size(); ++at) {
      const char c = event_[at];
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (c != '"') continue;
      const std::size_t end = find_string_end(event_, at + 1);
      if (depth == 1 && is_name(at) && !is_bare_member(event_.substr(at + 1, end - at - 1)))
        return false;
      at = end;
    }
    return true;
  }

  // Whether the string at `at` stands where an object has the name of a member.
  [[nodiscard]] bool is_name(std::size_t at) const noexcept {
    const std::size_t before = skip_space_back(event_, at);
    return before > 0 && (event_[before - 1] == '{' || event_[before - 1] == ',');
  }

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
    if (const std::size_t value = value_of(kUsageName, at); value != event_.npos) {
      const bool first = null_edit_.kind == ChunkEdit::Kind::kKeep;
      if (first && has("null", value)) null_edit_ = cut_member(event_, at - 1, value + 4);
      usage_object_ = has("{", value);
    } else if (const std::size_t list = value_of(kChoicesName, at); list != event_.npos) {
      choices_empty_ = has("[", list) && has("]", skip_space(event_, list + 1));
    }
  }

  std::string_view event_;
  std::size_t begin_;  // of the first payload, behind `data:`
  ChunkEdit null_edit_;
  bool usage_object_ = false;
  bool choices_empty_ = false;
};

}  // namespace

ChunkEdit edit_for_chunk(std::string_view event) noexcept { return ChunkReader(event).read(); }

}  // namespace sluice
