#include "parser/json_probe.h"

#include <algorithm>
#include <array>

#include "parser/json_string.h"
#include "parser/json_walk.h"

namespace sluice {

namespace {

enum class Member : std::uint8_t {
  kModel,
  kStream,
  kStreamOptions,
  kMaxTokens,
  kMaxCompletionTokens,
  kMaxOutputTokens,
  kUser,
  kIncludeUsage,  // read in stream_options, the others at top level
  kOther,
};

constexpr std::array<std::string_view, 8> kMemberNames = {"model",
                                                          "stream",
                                                          "stream_options",
                                                          "max_tokens",
                                                          "max_completion_tokens",
                                                          "max_output_tokens",
                                                          "user",
                                                          "include_usage"};
constexpr std::size_t kNameBytesMax = 21;  // "max_completion_tokens"

bool equals_ignoring_case(std::string_view name, std::string_view lower) noexcept {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

// BodyReader - one pass over one body.
class BodyReader {
 public:
  BodyReader(std::string_view body, const JsonIndex& index, Arena& arena, RequestProbe& out,
             ProbeFault& fault) noexcept
      : body_(body), walk_(body, index.tokens()), arena_(arena), out_(out), fault_(fault) {}

  bool read() noexcept {
    if (walk_.peek() != '{') return refuse_here("", "the body is not a JSON object");
    if (!read_object(Level::kBody)) return false;
    if (walk_.offset() != body_.size())
      return refuse_here("", "there is text behind the JSON object");
    return true;
  }

 private:
  enum class Level : std::uint8_t { kBody, kStreamOptions };

  bool read_object(Level level);
  bool read_member(Level level, std::string_view raw_name);
  bool read_value(Member member);
  bool read_model();
  bool read_flag(Member member, bool& flag);
  bool read_stream_options();
  bool read_max_tokens(Member member);
  bool read_user();
  bool name_of(Level level, std::string_view raw_name, Member& member, bool& exact);
  bool skip_value() { return walk_.value() || malformed(); }

  bool refuse(std::size_t offset, std::string_view param, std::string_view message) noexcept {
    fault_ = {offset, param, message};
    return false;
  }
  bool refuse_here(std::string_view param, std::string_view message) noexcept {
    return refuse(walk_.offset(), param, message);
  }
  bool malformed() noexcept { return refuse(walk_.fault().offset, "", walk_.fault().message); }
  static std::string_view param_of(Member member) noexcept {
    return kMemberNames[static_cast<std::size_t>(member)];
  }

  std::string_view body_;
  JsonWalk walk_;
  Arena& arena_;
  RequestProbe& out_;
  ProbeFault& fault_;
  std::uint32_t seen_ = 0;  // one bit per Member
};

bool BodyReader::read_object(Level level) {
  if (!walk_.open(true)) return malformed();
  bool more = walk_.peek() != '}';
  (level == Level::kBody ? out_.object_empty : out_.stream_options_empty) = !more;
  while (more) {
    std::string_view raw_name;
    const std::size_t name_at = walk_.offset();
    if (!walk_.key(raw_name)) return malformed();
    Member member = Member::kOther;
    bool exact = true;
    if (!name_of(level, raw_name, member, exact))
      return refuse(name_at, "", "a member name that cannot be decoded");
    if (member != Member::kOther) {
      const std::uint32_t bit = 1u << static_cast<unsigned>(member);
      if ((seen_ & bit) != 0) return refuse(name_at, param_of(member), "the member comes twice");
      seen_ |= bit;
    }
    if (!(exact ? read_value(member) : skip_value())) return false;
    if (!walk_.separator(more)) return malformed();
  }
  if (level == Level::kBody) out_.object_end = walk_.offset();
  walk_.close();
  return true;
}

// Which member `raw_name` names. `exact` is false when it does so only to a parser that takes
// capital letters for small ones (Go's encoding/json): that is no member to us, but it may not
// stand beside the true one. False when the name is short enough to be one of ours and cannot be
// decoded.
bool BodyReader::name_of(Level level, std::string_view raw_name, Member& member, bool& exact) {
  member = Member::kOther;
  exact = true;
  if (raw_name.size() > kNameBytesMax * 6) return true;  // "\u0061" is the longest spelling
  std::array<char, kNameBytesMax * 6> decoded;
  std::string_view name = raw_name;
  if (raw_name.find('\\') != std::string_view::npos) {
    std::size_t size = 0;
    if (!decode_json_string(raw_name, decoded.data(), size)) return false;
    name = {decoded.data(), size};
  }
  const auto first =
      static_cast<std::size_t>(level == Level::kBody ? Member::kModel : Member::kIncludeUsage);
  const auto end =
      static_cast<std::size_t>(level == Level::kBody ? Member::kIncludeUsage : Member::kOther);
  for (std::size_t i = first; i < end; ++i) {
    if (!equals_ignoring_case(name, kMemberNames[i])) continue;
    member = static_cast<Member>(i);
    exact = name == kMemberNames[i];
    return true;
  }
  return true;
}

bool BodyReader::read_value(Member member) {
  switch (member) {
    case Member::kModel: return read_model();
    case Member::kStream: return read_flag(member, out_.stream);
    case Member::kStreamOptions: return read_stream_options();
    case Member::kMaxTokens:
    case Member::kMaxCompletionTokens:
    case Member::kMaxOutputTokens: return read_max_tokens(member);
    case Member::kUser: return read_user();
    case Member::kIncludeUsage:
      out_.include_usage_at = walk_.offset();
      out_.include_usage_bytes = walk_.token().size();
      return read_flag(member, out_.include_usage);
    case Member::kOther: return skip_value();
  }
  return false;
}

bool BodyReader::read_model() {
  const std::string_view param = param_of(Member::kModel);
  const std::string_view token = walk_.token();
  if (walk_.peek() != '"' || token.size() == 2)
    return refuse_here(param, "must be a string that is not empty");
  std::string_view name = token.substr(1, token.size() - 2);
  if (name.size() > JsonProber::kModelBytesMax) return refuse_here(param, "is too long");
  if (name.find('\\') != std::string_view::npos) {
    char* const decoded = arena_.bytes(name.size());
    std::size_t size = 0;
    if (!decode_json_string(name, decoded, size))
      return refuse_here(param, "has an escape that cannot be decoded");
    name = {decoded, size};
  }
  out_.has_model = true;
  out_.model = name;
  out_.model_at = walk_.offset();
  out_.model_bytes = token.size();
  walk_.advance();
  return true;
}

// A boolean; `null` counts as false, as the providers take it.
bool BodyReader::read_flag(Member member, bool& flag) {
  const std::string_view token = walk_.token();
  if (token != "true" && token != "false" && token != "null")
    return refuse_here(
        param_of(member == Member::kIncludeUsage ? Member::kStreamOptions : member),
        member == Member::kIncludeUsage ? "include_usage must be a boolean" : "must be a boolean");
  flag = token == "true";
  walk_.advance();
  return true;
}

bool BodyReader::read_stream_options() {
  out_.stream_options_at = walk_.offset();
  if (walk_.peek() == '{') {
    out_.has_stream_options = true;
    if (!read_object(Level::kStreamOptions)) return false;
    // The bracket just passed is the byte before the next token, white space aside.
    const std::size_t end = body_.substr(0, walk_.offset()).rfind('}') + 1;
    out_.stream_options_bytes = end - out_.stream_options_at;
    return true;
  }
  if (walk_.token() != "null")
    return refuse_here(param_of(Member::kStreamOptions), "must be an object");
  out_.stream_options_bytes = walk_.token().size();
  walk_.advance();
  return true;
}

// Any number and null pass: what a provider makes of 1e3 or -1 is its business. We count only
// plain digits.
bool BodyReader::read_max_tokens(Member member) {
  const std::string_view token = walk_.token();
  if (token != "null" && !is_json_number(token))
    return refuse_here(param_of(member), "must be an integer");
  std::int64_t count = 0;
  bool plain = token != "null";
  for (const char c : token) {
    plain = plain && c >= '0' && c <= '9';
    if (!plain) break;
    count = std::min(count * 10 + (c - '0'), JsonProber::kMaxTokensCeiling);
  }
  if (plain) out_.max_tokens = std::max(out_.max_tokens, count);
  walk_.advance();
  return true;
}

bool BodyReader::read_user() {
  if (walk_.peek() != '"') return skip_value();
  const std::string_view token = walk_.token();
  std::string_view name = token.substr(1, token.size() - 2);
  if (name.find('\\') != std::string_view::npos) {
    if (name.size() > JsonProber::kUserBytesMax) name = {};
    char* const decoded = arena_.bytes(name.size());
    std::size_t size = 0;
    if (!decode_json_string(name, decoded, size))
      return refuse_here(param_of(Member::kUser), "has an escape that cannot be decoded");
    name = {decoded, size};
  }
  out_.user = name;
  walk_.advance();
  return true;
}

}  // namespace

bool JsonProber::probe(std::string_view body, Arena& arena, RequestProbe& out, ProbeFault& fault) {
  out = {};
  JsonFault json_fault;
  const bool indexed = index_.build(body, json_fault);
  if (!indexed) fault = {json_fault.offset, "", json_fault.message};
  const bool good = indexed && BodyReader(body, index_, arena, out, fault).read();
  index_.give_back();
  return good;
}

}  // namespace sluice
