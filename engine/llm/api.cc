#include "engine/llm/api.h"

#include <algorithm>

namespace sluice {

namespace {

constexpr std::string_view kPrefix = "/v1/";
constexpr std::string_view kModelPrefix = "/v1/models/";

struct ApiPath {
  std::string_view path;
  ApiKind kind;
};
constexpr ApiPath kPaths[] = {
    {"/v1/chat/completions", ApiKind::kChat}, {"/v1/completions", ApiKind::kCompletions},
    {"/v1/embeddings", ApiKind::kEmbeddings}, {"/v1/responses", ApiKind::kResponses},
    {"/v1/messages", ApiKind::kMessages},     {"/v1/models", ApiKind::kModels},
};

// The value of a hex digit; 16 when it is none.
unsigned hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 16;
}

// The byte that `%xx` at text[at] stands for; 256 when it is no escape.
unsigned escape_at(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size()) return 256;
  const unsigned high = hex_value(text[at + 1]);
  const unsigned low = hex_value(text[at + 2]);
  return high < 16 && low < 16 ? high * 16 + low : 256;
}

bool segment_is_dots(std::string_view segment) noexcept {
  unsigned dots = 0;
  for (std::size_t at = 0; at < segment.size(); ++dots) {
    if (segment[at] == '.') at += 1;
    else if (segment[at] == '%' && escape_at(segment, at) == '.') at += 3;
    else return false;
  }
  return dots == 1 || dots == 2;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

}  // namespace

ApiKind classify_api(std::string_view path) noexcept {
  if (path != "/v1" && !path.starts_with(kPrefix)) return ApiKind::kNone;
  for (const ApiPath& known : kPaths)
    if (path == known.path) return known.kind;
  if (path.starts_with(kModelPrefix) && path.size() > kModelPrefix.size()) return ApiKind::kModel;
  return ApiKind::kOther;
}

bool api_path_is_ambiguous(std::string_view path) noexcept {
  const bool model = path.starts_with(kModelPrefix);
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    const unsigned byte = escape_at(path, at);
    if (byte == 0 || byte > 255 || byte == '\\' || (byte == '/' && !model)) return true;
  }
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment_is_dots(segment) || (segment.empty() && end != path.size())) return true;
    begin = end + 1;
  }
  return false;
}

std::string_view model_id_of(std::string_view path, Arena& arena) {
  const std::string_view id = path.substr(std::min(kModelPrefix.size(), path.size()));
  if (id.find('%') == id.npos) return id;
  char* const out = arena.bytes(id.size());
  std::size_t size = 0;
  for (std::size_t at = 0; at < id.size(); ++size) {
    const unsigned byte = id[at] == '%' ? escape_at(id, at) : 256;
    out[size] = byte < 256 ? static_cast<char>(byte) : id[at];
    at += byte < 256 ? 3 : 1;
  }
  return {out, size};
}

std::string_view api_methods(ApiKind kind) noexcept {
  switch (kind) {
    case ApiKind::kChat:
    case ApiKind::kCompletions:
    case ApiKind::kEmbeddings:
    case ApiKind::kResponses:
    case ApiKind::kMessages: return "POST";
    case ApiKind::kModels:
    case ApiKind::kModel: return "GET, HEAD";
    case ApiKind::kNone:
    case ApiKind::kOther: return "";
  }
  return "";
}

bool api_allows(ApiKind kind, std::string_view method) noexcept {
  const std::string_view methods = api_methods(kind);
  if (methods == "GET, HEAD") return method == "GET" || method == "HEAD";
  return methods.empty() || method == methods;
}

bool api_needs_model(ApiKind kind) noexcept { return api_methods(kind) == "POST"; }

bool api_injects_usage(ApiKind kind) noexcept {
  return kind == ApiKind::kChat || kind == ApiKind::kCompletions;
}

AnswerKind classify_answer(std::string_view content_type,
                           std::string_view content_encoding) noexcept {
  if (!content_encoding.empty() && !equals_ignoring_case(content_encoding, "identity"))
    return AnswerKind::kOpaque;
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  if (equals_ignoring_case(type, "text/event-stream")) return AnswerKind::kEventStream;
  constexpr std::string_view kSuffix = "+json";
  const bool json = equals_ignoring_case(type, "application/json") ||
                    (type.size() > kSuffix.size() &&
                     equals_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix));
  return json ? AnswerKind::kJson : AnswerKind::kOpaque;
}

}  // namespace sluice
