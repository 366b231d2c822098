#include "engine/load/request_shape.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/llm/dialect.h"
#include "parser/http1_common.h"
#include "parser/ip_reach.h"
#include "parser/json_probe.h"
#include "parser/json_string.h"
#include "parser/url.h"

namespace sluice {
namespace {

constexpr std::string_view kUserAgent = "sluice-bench";
constexpr std::string_view kFiller =
    "Say something about the weather of tomorrow, in plain words. ";

struct KnownEnd {
  std::string_view end;
  std::string_view path;
};
// A URL that ends so is that of an interface, whatever stands before; the longer ones first.
constexpr KnownEnd kKnownEnds[] = {{"/chat/completions", "/v1/chat/completions"},
                                   {"/completions", "/v1/completions"},
                                   {"/embeddings", "/v1/embeddings"},
                                   {"/responses", "/v1/responses"},
                                   {"/messages", "/v1/messages"}};

std::string quoted(std::string_view text) {
  BlockPool pool;
  Arena arena(pool);
  return std::string(encode_json_string(text, arena));
}

std::string filler(std::size_t bytes) {
  std::string text;
  text.reserve(bytes + kFiller.size());
  while (text.size() < bytes) text += kFiller;
  text.resize(bytes);
  return text;
}

// What stands before and behind the prompt's text.
struct PromptFrame {
  std::string_view before;
  std::string_view behind;
  std::string_view limit;  // the member that limits the answer; "": there is none
};

PromptFrame frame_of(ApiKind api) noexcept {
  switch (api) {
    case ApiKind::kCompletions: return {R"("prompt":")", R"(")", "max_tokens"};
    case ApiKind::kEmbeddings: return {R"("input":")", R"(")", ""};
    case ApiKind::kResponses: return {R"("input":")", R"(")", "max_output_tokens"};
    case ApiKind::kChat:
    case ApiKind::kMessages:
    case ApiKind::kNone:
    case ApiKind::kModels:
    case ApiKind::kModel:
    case ApiKind::kOther: break;
  }
  return {R"("messages":[{"role":"user","content":")", R"("}])", "max_tokens"};
}

// For messages: a user's password or a key in a query is not repeated.
std::string shown(const std::string& url) {
  return url.find_first_of("@?") == url.npos ? "\"" + url + "\"" : "the URL";
}

}  // namespace

std::expected<RequestShape, std::string> RequestShape::make(const RequestWish& wish, Secret key,
                                                            std::string_view run_id) {
  RequestShape shape;
  if (std::string why = shape.take_url(wish.url, !wish.body.empty()); !why.empty())
    return std::unexpected(std::move(why));
  if (std::string why = shape.take_body(wish); !why.empty()) return std::unexpected(std::move(why));
  shape.key_ = std::move(key);
  shape.make_head(wish, shape.authority_, shape.path_, run_id);
  return shape;
}

std::string RequestShape::take_url(const std::string& url, bool own_body) {
  BaseUrl base;
  std::string_view why;
  if (!parse_base_url(url, base, why))
    return shown(url) + ": " + std::string(why) + "; expected a URL like http://127.0.0.1:9190/v1";
  target_.host = base.host;
  target_.port = base.port;
  target_.tls = base.tls;
  authority_ = base.authority;
  path_ = base.base_path;
  api_ = own_body ? ApiKind::kOther : ApiKind::kNone;
  for (const KnownEnd& known : kKnownEnds) {
    if (!base.base_path.ends_with(known.end)) continue;
    api_ = classify_api(known.path);
    break;
  }
  // A base URL, as SDKs want it: the chat interface below it. A path of another kind is for bodies
  // of the user's own.
  const bool is_base = path_.empty() || path_.ends_with("/v1");
  if (is_base) {
    constexpr std::string_view kChat = "/v1/chat/completions";
    std::string target(target_bytes_max(path_, kChat, {}), '\0');
    target.resize(write_target(target.data(), path_, kChat, false, {}));
    path_ = std::move(target);
    api_ = ApiKind::kChat;
  }
  url_ = (target_.tls ? "https://" : "http://") + authority_ + path_;
  if (api_ != ApiKind::kNone) return "";
  return shown(url) +
         ": no body is known for this path; expected a base URL like "
         "http://127.0.0.1:9190/v1 or the URL of an interface (.../chat/completions, "
         ".../completions, .../responses, .../messages, .../embeddings), or --body FILE";
}

std::string RequestShape::take_body(const RequestWish& wish) {
  if (wish.body.empty()) {
    if (wish.model.empty()) return "--model NAME is needed: which model to ask for";
    stream_ = wish.stream && api_ != ApiKind::kEmbeddings;
    make_body(wish);
    return "";
  }
  body_ = wish.body;
  BlockPool pool;
  Arena arena(pool);
  JsonProber prober;
  RequestProbe probe;
  ProbeFault fault;
  if (!prober.probe(body_, arena, probe, fault))
    return "--body: " + std::string(fault.message) + " at byte " + std::to_string(fault.offset);
  stream_ = probe.stream;
  return "";
}

void RequestShape::make_body(const RequestWish& wish) {
  const PromptFrame frame = frame_of(api_);
  body_ = "{\"model\":" + quoted(wish.model) + ",";
  if (!frame.limit.empty())
    body_ += "\"" + std::string(frame.limit) + "\":" + std::to_string(wish.max_tokens) + ",";
  if (stream_) body_ += "\"stream\":true,";
  if (stream_ && api_injects_usage(api_)) body_ += R"("stream_options":{"include_usage":true},)";
  body_ += frame.before;
  const auto prompt_bytes = static_cast<std::size_t>(wish.prompt_bytes);
  numbered_ = prompt_bytes > kNumberDigits;
  body_behind_number_ =
      numbered_ ? " " + filler(prompt_bytes - kNumberDigits - 1) : filler(prompt_bytes);
  body_behind_number_ += frame.behind;
  body_behind_number_ += "}";
}

std::size_t RequestShape::body_bytes() const noexcept {
  return body_.size() + body_behind_number_.size() + (numbered_ ? kNumberDigits : 0);
}

void RequestShape::make_head(const RequestWish& wish, std::string_view authority,
                             std::string_view path, std::string_view run_id) {
  const auto field = [this](std::string_view name, std::string_view value) {
    head_.append(name).append(": ").append(value).append("\r\n");
  };
  head_.append("POST ").append(path).append(" HTTP/1.1\r\n");
  field("host", authority);
  field("content-type", "application/json");
  field("content-length", std::to_string(body_bytes()));
  field("accept", stream_ ? "text/event-stream" : "application/json");
  field("accept-encoding", "identity");
  field("user-agent", kUserAgent);
  if (!wish.priority.empty()) field("x-priority", wish.priority);
  const Dialect dialect = api_ == ApiKind::kMessages ? Dialect::kAnthropic : Dialect::kOpenAi;
  const DefaultField version = version_field(dialect);
  if (!version.name.empty()) field(version.name, version.value);
  if (!key_.empty()) {
    const CredentialField credential = credential_field(dialect);
    head_.append(credential.name).append(": ").append(credential.prefix);
    head_behind_key_ = "\r\n";
  }
  head_behind_key_.append("x-request-id: bench-").append(run_id).append("-");
}

void RequestShape::write(std::uint64_t number, Arena& arena, Outbox& out) const {
  constexpr std::size_t kTextBytes = 24;  // 20 digits at most, and a NUL
  char* const text = arena.bytes(kTextBytes);
  const int bytes = std::snprintf(text, kTextBytes, "%010llu",
                                  static_cast<unsigned long long>(number % 10'000'000'000ULL));
  const std::string_view digits(text, static_cast<std::size_t>(bytes));
  out.add(head_);
  out.add(key_.reveal());
  out.add(head_behind_key_);
  out.add(digits);
  out.add("\r\n\r\n");
  out.add(body_);
  if (numbered_) out.add(digits);
  out.add(body_behind_number_);
}

bool may_cost_money(std::string_view host) noexcept {
  if (equals_ignoring_case(host, "localhost")) return false;
  const std::optional<IpAddress> ip = parse_ip(host);
  return !ip || !is_private(*ip);
}

}  // namespace sluice
