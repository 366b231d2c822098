#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"

namespace sluice {

// How a provider counts what an account sends.
enum class Counting : std::uint8_t {
  kRolling,    // in the window that ends now
  kFixed,      // in windows that begin on the full minute (of the window's length)
  kUnlimited,  // not at all
};

// What may be wrong with a provider for a while.
enum class Trouble : std::uint8_t {
  kServerErrors,  // 500
  kStalls,        // no answer
  kUnreachable,   // no connection
  kKeyRefused,    // 401
  kForbidden,     // 403
  kRateLimited,   // 429, whatever was sent
  kBreaksOff,     // the answer breaks off in the middle
};

struct Spell {
  Instant from;
  Instant until;
  Trouble trouble;
  double share = 1;  // of the requests that it hits
};

// ProviderModel - how the provider of one account behaves.
struct ProviderModel {
  std::string account;
  Counting counting = Counting::kRolling;
  std::uint32_t limit = 40;
  Duration window = 60s;
  std::uint64_t tokens_limit = 0;  // prompt and completion, counted like requests; 0: none
  bool counts_refused = false;     // 429s use up the limit, too
  bool tells_retry_after = true;
  double latency_s = 0.8;  // to the first token; the median of a lognormal with sigma 0.5
  double tokens_per_second = 60;
  double error_share = 0;  // of answers with 500
  double stall_share = 0;
  std::vector<Spell> spells = {};
};

// Reply - what a provider makes of a request.
struct Reply {
  enum class Kind : std::uint8_t {
    kServed,
    kRateLimited,
    kServerError,
    kStalled,
    kKeyRefused,
    kForbidden,
    kBroken,
  };
  Kind kind = Kind::kServed;
  std::optional<Duration> retry_after;  // kRateLimited
  Duration first_token{};               // until it has come
  Duration after{};                     // until the whole answer has come
  std::uint64_t tokens = 0;             // kServed: as counted
};

// Provider - the provider of one account: counts, answers and fails as its model says.
//
// Affinity  one thread.
class Provider {
 public:
  // `id`: what the simulation tells it from others by.
  explicit Provider(ProviderModel model, std::string id = {})
      : id_(std::move(id)), model_(std::move(model)) {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const ProviderModel& model() const noexcept { return model_; }
  // What it grants changes; what it has counted stays.
  void set_limit(std::uint32_t limit, Duration window) noexcept;

  [[nodiscard]] bool reachable(Instant now, Prng& prng) const noexcept;

  // A request arrives. `now` never goes back.
  [[nodiscard]] Reply ask(Instant now, std::uint32_t prompt_tokens, std::uint32_t completion_tokens,
                          Prng& prng);

 private:
  struct Counted {
    Instant at;
    std::uint64_t tokens;
  };
  [[nodiscard]] const Spell* spell(Instant now, Prng& prng) const noexcept;
  // How long until there is room for one more; nothing when there is.
  [[nodiscard]] std::optional<Duration> full_for(Instant now, std::uint64_t tokens);
  void count(Instant now, std::uint64_t tokens);

  std::string id_;
  ProviderModel model_;
  std::deque<Counted> counted_;  // those that still count
  std::uint64_t tokens_ = 0;     // of `counted_`
};

}  // namespace sluice
