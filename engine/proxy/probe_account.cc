#include "engine/proxy/probe_account.h"

#include "engine/proxy/collect_head.h"
#include "engine/proxy/upstream_head.h"

namespace sluice {
namespace {

// The head of the answer, behind interim ones.
Task<Result<void>> read_head(Shard& shard, Stream& stream, Arena& arena, Limits limits,
                             AccountProbe& probe) {
  auto* const head = arena.make<ResponseHead>();
  Slice rest;
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    const Result<CollectedHead> collected = co_await collect_head(
        shard, stream, arena, rest, limits,
        ParseResponse{.parser = ResponseHeadParser(), .head = head, .arena = &arena});
    if (!collected) co_return std::unexpected(collected.error());
    switch (collected->state) {
      case HeadState::kIncomplete: co_return fail(Errc::kEndOfStream, Side::kUpstream);
      case HeadState::kRefused:
        probe.failure =
            arena.join(collected->refusal.message, " (rule ", collected->refusal.rule, ")");
        co_return fail(Errc::kMalformed, Side::kUpstream);
      case HeadState::kComplete: break;
    }
    if (head->interim()) continue;
    probe.status = head->status;
    co_return Result<void>();
  }
  probe.failure = "more than ten interim answers (rule P1)";
  co_return fail(Errc::kMalformed, Side::kUpstream);
}

Task<Result<void>> ask(Shard& shard, UpstreamPools& pools, const Account& account,
                       const TrustStore* trust, Arena& arena, Limits limits, AccountProbe& probe) {
  const Endpoint& endpoint = account.endpoint;
  EndpointPool& pool = pools.pool_for({.host = endpoint.host,
                                       .ca_file = endpoint.ca_file,
                                       .port = endpoint.port,
                                       .tls = endpoint.tls,
                                       .reach = endpoint.reach});
  const Result<UpstreamConnection*> opened =
      co_await UpstreamPools::open(shard, pools, pool, trust, limits, arena, probe.failure);
  if (!opened) co_return std::unexpected(opened.error());
  Outbox outbox(shard.blocks());
  add_probe_head(arena, account, outbox);
  Stream& stream = (*opened)->stream;
  const WriteLimits write_limits{.deadline = limits.deadline, .cancel = limits.cancel};
  Result<void> done = co_await write_all(shard, stream, outbox, write_limits);
  if (done) done = co_await read_head(shard, stream, arena, limits, probe);
  pools.give_back(**opened, false);
  co_return done;
}

}  // namespace

Task<AccountProbe> probe_account(Shard& shard, UpstreamPools& pools, const Account& account,
                                 const TrustStore* trust, Arena& arena, Limits limits) {
  AccountProbe probe;
  const Instant began = shard.clock().now();
  const Result<void> answered = co_await ask(shard, pools, account, trust, arena, limits, probe);
  if (!answered) probe.error = answered.error();
  probe.took = shard.clock().now() - began;
  co_return probe;
}

ProbeVerdict judge_probe(const AccountProbe& probe) noexcept {
  // 403 is no word on the key: it may be good for requests and not for the list of models.
  if (probe.status == 401) return ProbeVerdict::kKeyRefused;
  return probe.status >= 200 && probe.status < 300 ? ProbeVerdict::kAccepted
                                                   : ProbeVerdict::kUnavailable;
}

std::string_view probe_status_text(int status) noexcept {
  if (status >= 200 && status < 300) return "key accepted";
  switch (status) {
    case 401: return "the provider refuses the key";
    case 403: return "the provider forbids the list of models; requests may work all the same";
    case 402: return "the account has no credit";
    case 404:
    case 405:
    case 501: return "the provider has no list of models there: is base_url right?";
    case 407: return "a proxy on the way wants to know who asks";
    case 408: return "the provider was too slow for itself";
    case 429: return "the account's limit is used up for now";
    default: break;
  }
  if (status >= 300 && status < 400) return "the provider is elsewhere: is base_url right?";
  if (status >= 500) return "the provider has a fault";
  return "the provider takes no such request";
}

}  // namespace sluice
