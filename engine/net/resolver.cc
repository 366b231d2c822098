#include "engine/net/resolver.h"

#include <algorithm>
#include <cerrno>
#include <new>

namespace sluice {
namespace {

using Verdict = DnsCache::Verdict;

constexpr Error kNotFound{Errc::kNameNotFound, Side::kUpstream, Retry::kSafe, 0};
constexpr Error kStopped{Errc::kDrained, Side::kOurs, Retry::kSafe, 0};

DnsCache::Found answer_with(const AddressList& addresses) noexcept {
  return {.verdict = Verdict::kAnswer, .error = {}, .addresses = addresses};
}
DnsCache::Found refuse_with(const Error& error) noexcept {
  return {.verdict = Verdict::kError, .error = error, .addresses = {}};
}

}  // namespace

// Asked - one caller's wait for a lookup. Ends with what the cache then says.
class Resolver::Asked final : private Wait {
 public:
  Asked(Reactor& reactor, Resolver& resolver, const HostName& name, const Limits& limits) noexcept
      : Wait(reactor, limits, Side::kUpstream), resolver_(&resolver), name_(&name) {}

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    suspend(waiter);
    resolver_->join(reactor(), *name_, this);
  }
  Result<AddressList> await_resume() noexcept {
    if (found_.verdict == Verdict::kAnswer) return found_.addresses;
    Error error = found_.verdict == Verdict::kError ? found_.error : cause();
    error.retry = Retry::kSafe;
    return std::unexpected(error);
  }

 private:
  friend class Resolver;
  friend class Lookup;
  // The name inside Wait is private: say which.
  struct Place : sluice::ListNode {
    explicit Place(Asked& waiting) noexcept : asked(&waiting) {}
    Asked* asked;
  };
  void on_interrupt() noexcept override {
    place_.unlink();
    wake();
  }
  void end(const DnsCache::Found& found) noexcept {
    found_ = found;
    wake();
  }

  Resolver* resolver_;
  const HostName* name_;
  Place place_{*this};
  DnsCache::Found found_;
};

// Lookup - a query under way and those who wait for it. In a block of the shard's pool; dies with
// the answer.
class Resolver::Lookup final : public DnsClient::Query, public ListNode {
 public:
  Lookup(Reactor& reactor, Resolver& resolver, const HostName& name) noexcept
      : reactor_(&reactor), resolver_(&resolver), name_(name) {}

  void add(Asked& asked) noexcept { waiting_.push_back(asked.place_); }
  void on_answer(const DnsClient::Answer& answer) noexcept override {
    resolver_->conclude(*this, answer);
  }

 private:
  friend class Resolver;
  Reactor* reactor_;
  Resolver* resolver_;
  HostName name_;
  IntrusiveList<Asked::Place> waiting_;
};

Resolver::~Resolver() { SL_ASSERT(lookups_.empty()); }

std::string Resolver::open(const Options& options, std::shared_ptr<const HostsFile> hosts) {
  hosts_ = std::move(hosts);
  stale_after_ = options.stale_after;
  return client_.open(options.dns);
}

DnsCache::Found Resolver::find_local(std::string_view host) const noexcept {
  AddressList local;
  if (const std::optional<IpAddress> ip = parse_ip(host)) {
    local.add(*ip);
    return answer_with(local);
  }
  const std::optional<HostName> name = HostName::parse(host);
  if (!name) return refuse_with(kNotFound);
  if (hosts_ != nullptr) local = hosts_->find(name->without_dot());
  if (local.empty() && name->is_localhost()) {
    local.add(kLoopback4);
    local.add(kLoopback6);
  }
  return local.empty() ? DnsCache::Found{} : answer_with(local);
}

DnsCache::Found Resolver::find_cached(const HostName& name, Instant now) noexcept {
  DnsCache::Found found = cache_.find(name.view(), now);
  if (stopped_ && found.verdict == Verdict::kAsk) return refuse_with(kStopped);
  if (stopped_ && !found.addresses.empty()) return answer_with(found.addresses);
  const bool waits = found.verdict == Verdict::kAsk || found.verdict == Verdict::kAskOrStale;
  if (!waits) ++counters_.cached;
  if (!waits && found.expired) ++counters_.stale;
  return found;
}

void Resolver::join(Reactor& reactor, const HostName& name, Asked* asked) {
  for (Lookup* lookup = lookups_.front(); lookup != nullptr; lookup = lookups_.after(*lookup)) {
    if (lookup->name_.view() != name.view()) continue;
    if (asked == nullptr) return;
    ++counters_.joined;
    lookup->add(*asked);
    return;
  }
  ++counters_.queries;
  auto* const lookup = new (reactor.blocks().take(sizeof(Lookup))) Lookup(reactor, *this, name);
  lookups_.push_back(*lookup);
  if (asked != nullptr) lookup->add(*asked);
  client_.ask(reactor, lookup->name_.c_str(), *lookup);
}

void Resolver::conclude(Lookup& lookup, const DnsClient::Answer& answer) noexcept {
  const Instant now = lookup.reactor_->clock().now();
  const std::string_view name = lookup.name_.view();
  using Failure = DnsCache::Failure;
  switch (answer.outcome) {
    case DnsClient::Outcome::kAddresses: {
      const Ipv6 ipv6 = ipv6_reachable(answer.addresses);
      // Half an answer, of the family that does not work here: the other half may come next time.
      const bool useless =
          ipv6 == Ipv6::kUnreachable && answer.addresses.count_of(IpFamily::kV4) == 0;
      cache_.store(name, answer.addresses, ipv6, useless ? Duration::zero() : answer.ttl, now);
      break;
    }
    case DnsClient::Outcome::kNoSuchName:
      cache_.store_failure(name, Failure::kNoSuchName, 0, now);
      break;
    case DnsClient::Outcome::kNoAddress:
      cache_.store_failure(name, Failure::kNoAddress, 0, now);
      break;
    case DnsClient::Outcome::kNoAnswer:
      ++counters_.failed;
      cache_.store_failure(name, Failure::kNoAnswer, answer.os_errno, now);
      break;
    case DnsClient::Outcome::kStopped: break;
  }
  const bool got_addresses = answer.outcome == DnsClient::Outcome::kAddresses;
  const bool was_stopped = answer.outcome == DnsClient::Outcome::kStopped;
  while (Asked::Place* const place = lookup.waiting_.pop_front()) {
    const DnsCache::Found found = was_stopped ? refuse_with(kStopped) : cache_.find(name, now);
    if (found.verdict == Verdict::kAnswer && !got_addresses) ++counters_.stale;
    place->asked->end(found);
  }
  Reactor& reactor = *lookup.reactor_;
  static_cast<ListNode&>(lookup).unlink();
  lookup.~Lookup();
  reactor.blocks().give(&lookup, sizeof(Lookup));
}

Task<Result<AddressList>> resolve(Reactor& reactor, Resolver& resolver, std::string_view host,
                                  Limits limits) {
  const DnsCache::Found local = resolver.find_local(host);
  if (local.verdict == Verdict::kAnswer) co_return local.addresses;
  if (local.verdict == Verdict::kError) co_return std::unexpected(local.error);
  const HostName name = *HostName::parse(host);
  const DnsCache::Found cached = resolver.find_cached(name, reactor.now());
  if (cached.verdict == Verdict::kAnswerAndAsk) resolver.join(reactor, name, nullptr);
  if (cached.verdict == Verdict::kError) co_return std::unexpected(cached.error);
  const bool must_wait = cached.verdict == Verdict::kAsk || cached.verdict == Verdict::kAskOrStale;
  if (!must_wait) co_return cached.addresses;

  const bool has_stale = cached.verdict == Verdict::kAskOrStale;
  if (has_stale) limits.deadline = std::min(limits.deadline, reactor.now() + resolver.stale_after_);
  const Result<AddressList> answer = co_await Resolver::Asked(reactor, resolver, name, limits);
  if (answer || !has_stale || answer.error().code != Errc::kTimedOut) co_return answer;
  // Slow: whoever comes next does not wait.
  ++resolver.counters_.stale;
  resolver.cache_.store_failure(name.view(), DnsCache::Failure::kNoAnswer, ETIMEDOUT,
                                reactor.now());
  co_return cached.addresses;
}

Task<void> stop(Reactor& reactor, Resolver& resolver) {
  resolver.stopped_ = true;
  resolver.client_.cancel_all();
  co_await DnsClient::Idle(reactor, resolver.client_);
}

}  // namespace sluice
