#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/secret.h"
#include "engine/llm/api.h"
#include "engine/net/outbox.h"
#include "engine/net/upstream_pool.h"

namespace sluice {

// RequestWish - what the requests of a run are to be, as a user says it.
struct RequestWish {
  std::string url;    // a base URL, or that of an interface: ".../v1/chat/completions"
  std::string model;  // "" with a body of the user's own
  std::string body;   // sent as it is; "": one is made of what follows
  std::string priority;
  std::uint64_t prompt_bytes = 1024;
  std::uint64_t max_tokens = 64;
  bool stream = true;
};

// RequestShape - the requests of a run: all are alike but for their number, which stands in
// x-request-id and begins the prompt, so that no cache of answers or prompts makes them cheap.
//
// Owns      the texts and the key. Immutable.
class RequestShape {
 public:
  static constexpr std::size_t kNumberDigits = 10;
  static constexpr std::uint64_t kPromptBytesMax = 64 * 1024 * 1024;

  // The error is complete: what is wrong, and what would be right. `run_id` tells this run's
  // requests from those of others.
  [[nodiscard]] static std::expected<RequestShape, std::string> make(const RequestWish& wish,
                                                                     Secret key,
                                                                     std::string_view run_id);

  // One request with its number; it points into `arena` and into this.
  void write(std::uint64_t number, Arena& arena, Outbox& out) const;

  [[nodiscard]] const UpstreamTarget& target() const noexcept { return target_; }
  [[nodiscard]] ApiKind api() const noexcept { return api_; }
  [[nodiscard]] bool stream() const noexcept { return stream_; }
  // "http://127.0.0.1:9190/v1/chat/completions", without query.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] std::size_t body_bytes() const noexcept;

 private:
  RequestShape() = default;
  [[nodiscard]] std::string take_url(const std::string& url, bool own_body);
  [[nodiscard]] std::string take_body(const RequestWish& wish);
  void make_body(const RequestWish& wish);
  void make_head(const RequestWish& wish, std::string_view authority, std::string_view path,
                 std::string_view run_id);

  UpstreamTarget target_;
  ApiKind api_ = ApiKind::kNone;
  bool stream_ = false;
  bool numbered_ = false;  // the number stands between the two parts of the body
  Secret key_;
  std::string url_, authority_, path_;
  std::string head_, head_behind_key_;
  std::string body_, body_behind_number_;
};

// What an operator should confirm before many requests are sent: true when the host is neither this
// machine ("localhost", 127.0.0.1, ::1) nor a number of a private network. Names are not looked up.
[[nodiscard]] bool may_cost_money(std::string_view host) noexcept;

}  // namespace sluice
