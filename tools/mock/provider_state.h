#pragma once

#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "tools/mock/key_limits.h"
#include "tools/mock/ledger.h"
#include "tools/mock/request.h"
#include "tools/mock/script.h"
#include "tools/mock/unix_clock.h"

namespace sluice {

// Verdict - how a request is to be answered.
struct Verdict {
  Behaviour behaviour;
  std::shared_ptr<const MockScript> script;
  int rule = -1;  // of the script; -1: none
};

// ProviderState - what all shards of one provider share: the script with its counts, the limits,
// the ledger.
//
// Affinity  any thread: a mutex guards it.
class ProviderState {
 public:
  ProviderState(MockScript script, std::size_t ledger_max);

  [[nodiscard]] Ledger& ledger() noexcept { return ledger_; }
  [[nodiscard]] const UnixClock& clock() const noexcept { return clock_; }
  [[nodiscard]] std::shared_ptr<const MockScript> script() const;

  // Replaces the script, with its counts and limits; `text` is read over the one of the start.
  [[nodiscard]] std::expected<void, std::string> set_script(std::string_view text);
  void restore_script();

  // The answer that is to be given before the body is read, if it is to be given then.
  [[nodiscard]] std::optional<Verdict> decide_early(const MockRequest& request);
  // The answer to a request that was read whole, at `unix_us`.
  [[nodiscard]] Verdict decide(const MockRequest& request, std::int64_t unix_us);

 private:
  struct RuleCount {
    std::uint64_t held = 0;   // requests that fulfilled the conditions
    std::uint64_t taken = 0;  // and were answered by the rule
  };
  // The three need mutex_.
  void adopt(MockScript script);
  [[nodiscard]] int choose_rule(const MockRequest& request, bool early);
  void apply_error_rates(Behaviour& behaviour);

  const MockScript start_script_;
  UnixClock clock_;
  Ledger ledger_;
  mutable std::mutex mutex_;
  std::shared_ptr<const MockScript> script_;
  std::vector<RuleCount> rule_counts_;
  KeyLimits limits_;
  Prng prng_;
};

}  // namespace sluice
