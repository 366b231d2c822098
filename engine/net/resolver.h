#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/io/wait.h"
#include "engine/net/dns_cache.h"
#include "engine/net/dns_client.h"
#include "engine/net/hosts_file.h"
#include "engine/task/task.h"

namespace sluice {

// Resolver - the addresses behind the names of upstream hosts: numbers at once, then the hosts
// file, then what name servers say, remembered for as long as it holds.
//
// Owns      the cache and the DNS client; the hosts file is shared with the other shards.
// Affinity  open() on the starting thread, because it reads resolv.conf; then one shard.
// Lifetime  co_await stop() before it dies (asserted).
// Cost      a number, a hosts name or a cache hit: no system call, no malloc. A lookup mallocs.
class Resolver {
 public:
  struct Options {
    DnsClient::Options dns;
    // How long a refresh may take before expired addresses are used (RFC 8767 section 5: the client
    // response timer).
    Duration stale_after = 1800ms;
  };
  struct Counters {
    std::uint64_t cached = 0;   // answered from the cache
    std::uint64_t queries = 0;  // asked of name servers
    std::uint64_t joined = 0;   // waited for a query that somebody else had begun
    std::uint64_t failed = 0;   // queries without a usable answer
    std::uint64_t stale = 0;    // answered with expired addresses for want of fresh ones
  };

  Resolver() = default;
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Blocks (resolv.conf). Empty, or a sentence for the operator.
  [[nodiscard]] std::string open(const Options& options, std::shared_ptr<const HostsFile> hosts);

  // On the shard: the hosts file was read anew.
  void set_hosts(std::shared_ptr<const HostsFile> hosts) noexcept { hosts_ = std::move(hosts); }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  friend Task<Result<AddressList>> resolve(Reactor&, Resolver&, std::string_view, Limits);
  friend Task<void> stop(Reactor&, Resolver&);
  class Asked;
  class Lookup;

  // What is known without asking anybody.
  [[nodiscard]] DnsCache::Found find_local(std::string_view host) const noexcept;
  [[nodiscard]] DnsCache::Found find_cached(const HostName& name, Instant now) noexcept;
  // Adds `asked`, unless it is nullptr, to the lookup of `name`, which it begins where there is
  // none.
  void join(Reactor& reactor, const HostName& name, Asked* asked);
  void conclude(Lookup& lookup, const DnsClient::Answer& answer) noexcept;

  std::shared_ptr<const HostsFile> hosts_;
  DnsCache cache_;
  DnsClient client_;
  IntrusiveList<Lookup> lookups_;
  Counters counters_;
  Duration stale_after_{};
  bool stopped_ = false;
};

// The addresses of `host` in the order in which to try them; it is a number, in brackets or not, or
// a name, and stays the caller's. Callers who wait for one name share one query, which goes on when
// they leave. Addresses whose time is over are used for ten minutes while name servers are slow or
// fail (RFC 8767): the first to notice waits 1.8 s, the others not at all. Errors, all
// Retry::kSafe: kNameNotFound, kNameLookupFailed (os_errno ETIMEDOUT or ECONNREFUSED where that is
// the cause), kTimedOut, all upstream; why `limits` called it off; kDrained after stop().
[[nodiscard]] Task<Result<AddressList>> resolve(Reactor& reactor, Resolver& resolver,
                                                std::string_view host, Limits limits);

// Ends all lookups with kDrained and waits until nothing is in flight. Numbers, hosts names and
// cached names still resolve afterwards.
[[nodiscard]] Task<void> stop(Reactor& reactor, Resolver& resolver);

}  // namespace sluice
