#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/uring_kernel.h"
#include "engine/net/resolver.h"
#include "engine/proxy/probe_account.h"
#include "engine/task/scope.h"

namespace sluice {

// AccountProber - a shard of its own that asks some providers (probe_account()) and ends.
//
// Owns      all of it. Affinity: the thread that made it, which run() uses as the shard's.
// Limits    15 s for names, TCP, TLS and the answer together.
class AccountProber {
 public:
  // One account and what came of asking its provider.
  struct Probed {
    Probed(Shard& shard, const Account& account, const TrustStore* trust)
        : account(&account), trust(trust), arena(shard.blocks()) {}
    const Account* account;
    const TrustStore* trust;  // null with TLS: its authorities were not read
    Arena arena;
    AccountProbe probe;
  };

  explicit AccountProber(Clock& clock) : clock_(&clock) {}

  // Empty, or what is missing.
  [[nodiscard]] std::string open();
  void add(const Account& account, const TrustStore* trust) {
    probed_.push_back(std::make_unique<Probed>(*shard_, account, trust));
  }
  void run();
  [[nodiscard]] const std::vector<std::unique_ptr<Probed>>& probed() const { return probed_; }

 private:
  // Silence - a log of what is told in the answers.
  class Silence final : public LogSink {
   public:
    void write(std::string_view) noexcept override {}
  };

  static Task<void> ask_all(Shard& shard, AccountProber& self);
  static Task<void> ask(Shard& shard, AccountProber& self, Probed& probed);

  Clock* clock_;
  Silence silence_;
  UringKernel kernel_;
  std::optional<Shard> shard_;
  Resolver resolver_;
  std::optional<ClientTlsContext> tls_;
  std::optional<UpstreamPools> pools_;
  std::vector<std::unique_ptr<Probed>> probed_;
};

// What that means, in a sentence.
[[nodiscard]] std::string probe_text(const Account& account, const AccountProbe& probe);

// ProbeReport - one probe, for who shows it.
struct ProbeReport {
  ProbeVerdict verdict = ProbeVerdict::kUnavailable;
  int status = 0;  // 0: no answer came
  Duration took{};
  std::string text;
};

// Asks one provider. Blocks: not on a shard. Reads the account's authorities.
[[nodiscard]] ProbeReport ask_provider(const Account& account, Clock& clock);

}  // namespace sluice
