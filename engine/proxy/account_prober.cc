#include "engine/proxy/account_prober.h"

#include <cstring>

#include "tls/random.h"

namespace sluice {
namespace {

constexpr Duration kPatience = 15s;

}  // namespace

std::string AccountProber::open() {
  if (const int os_errno = kernel_.open(UringKernel::Options{}); os_errno != 0)
    return uring_refusal(os_errno, "");
  shard_.emplace(Shard::Options{.seed = random_seed()}, kernel_, *clock_,
                 Log(silence_, *clock_, LogLevel::kError, LogFormat::kText));
  auto hosts = HostsFile::read();
  if (!hosts) return hosts.error();
  if (std::string failed =
          resolver_.open(Resolver::Options{}, std::make_shared<const HostsFile>(std::move(*hosts)));
      !failed.empty())
    return failed;
  auto tls = ClientTlsContext::create(TrustStore::none());  // each account names its authorities
  if (!tls) return tls.error();
  tls_.emplace(std::move(*tls));
  pools_.emplace(*shard_, resolver_, &*tls_, UpstreamPools::Limits{});
  return {};
}

void AccountProber::run() {
  pools_->start();
  Scope scope(*shard_);
  scope.spawn(ask_all(*shard_, *this));
  shard_->run();
}

Task<void> AccountProber::ask_all(Shard& shard, AccountProber& self) {
  Scope scope(shard);
  for (const auto& probed : self.probed_) scope.spawn(ask(shard, self, *probed));
  co_await scope.join();
  co_await UpstreamPools::stop(shard, *self.pools_);
  co_await stop(shard, self.resolver_);
  shard.stop();
}

Task<void> AccountProber::ask(Shard& shard, AccountProber& self, Probed& probed) {
  const Account& account = *probed.account;
  if (account.endpoint.tls && probed.trust == nullptr) {
    probed.probe.failure = "the account is disabled, and so its ca_file was not read";
    probed.probe.error = Error{.code = Errc::kUnsupported};
    co_return;
  }
  const Limits limits{.deadline = shard.now() + kPatience};
  probed.probe =
      co_await probe_account(shard, *self.pools_, account, probed.trust, probed.arena, limits);
}

std::string probe_text(const Account& account, const AccountProbe& probe) {
  if (probe.status != 0) return std::string(probe_status_text(probe.status));
  std::string why(errc_text(probe.error.code));
  if (probe.error.os_errno != 0)
    why += std::string(" (") + std::strerror(probe.error.os_errno) + ")";
  if (!probe.failure.empty()) why = probe.failure;
  return "no answer from " + account.endpoint.authority + ": " + why;
}

ProbeReport ask_provider(const Account& account, Clock& clock) {
  ProbeReport report;
  std::optional<TrustStore> trust;
  if (account.endpoint.tls) {
    const std::string& file = account.endpoint.ca_file;
    auto read = file.empty() ? TrustStore::system() : TrustStore::from_file(file);
    if (!read) {
      report.text = read.error();
      return report;
    }
    trust.emplace(std::move(*read));
  }
  AccountProber prober(clock);
  report.text = prober.open();
  if (!report.text.empty()) return report;
  prober.add(account, trust ? &*trust : nullptr);
  prober.run();
  const AccountProbe& probe = prober.probed().front()->probe;
  report = {judge_probe(probe), probe.status, probe.took, probe_text(account, probe)};
  return report;
}

}  // namespace sluice
