#include "admin/health_prober.h"

#include <algorithm>

#include "engine/io/operations.h"
#include "engine/proxy/probe_account.h"

namespace sluice {

std::string HealthProber::prepare() {
  auto hosts = HostsFile::read();
  if (!hosts) return hosts.error();
  if (std::string failed =
          resolver_.open(Resolver::Options{}, std::make_shared<const HostsFile>(std::move(*hosts)));
      !failed.empty())
    return failed;
  auto tls = ClientTlsContext::create(TrustStore::none());  // each account names its authorities
  if (!tls) return tls.error();
  tls_.emplace(std::move(*tls));
  ready_ = true;
  return {};
}

// A new account gets its first turn within one interval, each somewhere else in it.
HealthProber::Turn HealthProber::next_turn(const Directory& directory, Duration interval,
                                           Instant now) {
  std::unordered_map<std::string, Instant> due;
  const auto count = static_cast<std::int64_t>(directory.accounts.size());
  std::int64_t number = 0;
  Turn turn{.account = nullptr, .at = kNever};
  for (const auto& account : directory.accounts) {
    ++number;
    if (!account->enabled) continue;
    const auto known = due_.find(account->name);
    Instant at = known != due_.end() ? known->second : now + interval * number / count;
    at = std::min(at, now + interval);  // the interval may have become shorter
    due.emplace(account->name, at);
    if (at < turn.at && !asked_.contains(account->name)) turn = {account.get(), at};
  }
  due_ = std::move(due);  // without those that have gone
  std::erase_if(revivals_, [this](const auto& entry) { return !due_.contains(entry.first); });
  return turn;
}

// An account that has served somebody since is trusted as at first.
bool HealthProber::may_revive(const std::string& account, Instant now) {
  const Duration first = gateway_->config()->health.interval;
  Revival& revival = revivals_[account];
  if (board_->find(account).success_rate.value_or(0) > 0) revival = {};
  if (now < revival.next) return false;
  revival.wait = std::clamp(revival.wait * 2, std::min(first, kReviveAfterMax), kReviveAfterMax);
  revival.next = now + revival.wait;
  return true;
}

Task<void> HealthProber::run(Shard& shard, HealthProber& self, CancelSource& end) {
  constexpr Duration kLookAgain = 1s;  // the configuration may have changed
  if (!self.ready_) co_return;
  self.pools_.emplace(shard, self.resolver_, &*self.tls_, UpstreamPools::Limits{});
  self.pools_->start();
  Scope probes(shard);
  while (!end.requested()) {
    const std::shared_ptr<const Snapshot> snapshot = self.gateway_->snapshot();
    const Duration interval = self.gateway_->config()->health.interval;
    Turn turn{.account = nullptr, .at = kNever};
    if (interval > 0s) turn = self.next_turn(*snapshot->directory, interval, shard.now());
    if (turn.at > shard.now()) {
      const Instant until = std::min(turn.at, shard.now() + kLookAgain);
      static_cast<void>(co_await Sleep(shard, until, &end));
      continue;
    }
    if (probes.count() < kAtOnce && !self.gateway_->draining()) {
      self.due_[turn.account->name] = shard.now() + interval;
      self.asked_.insert(turn.account->name);
      probes.spawn(probe(shard, self, snapshot, *turn.account, end));
    }
    const Duration pause = apart(snapshot->directory->accounts.size(), interval);
    static_cast<void>(co_await Sleep(shard, shard.now() + pause, &end));
  }
  co_await probes.join();
  co_await UpstreamPools::stop(shard, *self.pools_);
  co_await stop(shard, self.resolver_);
}

Task<void> HealthProber::probe(Shard& shard, HealthProber& self,
                               std::shared_ptr<const Snapshot> snapshot, const Account& account,
                               CancelSource& end) {
  const std::string name = account.name;
  co_await ask(shard, self, std::move(snapshot), account, end);
  self.asked_.erase(name);
}

Task<void> HealthProber::ask(Shard& shard, HealthProber& self,
                             std::shared_ptr<const Snapshot> snapshot, const Account& account,
                             CancelSource& end) {
  if (self.gateway_->config()->health.counts) {
    const Take taken = account.state->take(shard.now());
    if (!taken.granted) co_return;  // busy: its traffic tells how it is
    account.state->settle_sent(taken, shard.now());
  }
  const TrustStore* const trust =
      account.endpoint.tls ? snapshot->trust_for(account.endpoint.ca_file) : nullptr;
  if (account.endpoint.tls && trust == nullptr) co_return;
  Arena arena(shard.blocks());
  const Limits limits{.deadline = shard.now() + kPatience, .cancel = &end};
  const AccountProbe probe =
      co_await probe_account(shard, *self.pools_, account, trust, arena, limits);
  if (end.requested()) co_return;
  if (judge_probe(probe) == ProbeVerdict::kAccepted &&
      account.state->rejected(account.generation) && self.may_revive(account.name, shard.now()))
    account.state->accept(account.generation);
  const ProbeFinding finding{
      .status = probe.status, .took = probe.took, .unix_ms = shard.clock().unix_ms()};
  self.board_->note(account.name, finding);
}

}  // namespace sluice
