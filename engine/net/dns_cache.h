#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "engine/net/address_list.h"
#include "parser/host_name.h"

namespace sluice {

// DnsCache - what name servers said, for as long as it holds. Pure: time is an argument.
//
// Owns      its entries: at most kNamesMax, the one that was used longest ago gives way.
// Affinity  one shard.
// Cost      a hit: one hash, a copy of 280 bytes, no malloc. A new name: two mallocs.
class DnsCache {
 public:
  static constexpr std::size_t kNamesMax = 1024;
  static constexpr Duration kTtlMin = 1s;       // also for records with a TTL of 0: no query storms
  static constexpr Duration kTtlMax = 300s;     // a provider that moves is followed within minutes
  static constexpr Duration kNegativeTtl = 5s;  // the name has no address
  static constexpr Duration kFailureTtl = 1s;   // no usable answer: ask again soon
  static constexpr Duration kStaleMax = 10min;  // how long addresses outlive their TTL on failures

  enum class Verdict : std::uint8_t {
    kAnswer,        // use `addresses`
    kError,         // use `error`: asked a moment ago, in vain
    kAsk,           // ask
    kAskOrStale,    // ask; when that brings nothing in time, use `addresses`, which have expired
    kAnswerAndAsk,  // the last time that brought nothing: use `addresses` at once, ask beside it
  };
  struct Found {
    Verdict verdict = Verdict::kAsk;
    Error error;
    bool expired = false;   // of `addresses`
    AddressList addresses;  // in the order in which to try them; every call turns it
  };

  DnsCache() = default;
  ~DnsCache();
  DnsCache(const DnsCache&) = delete;
  DnsCache& operator=(const DnsCache&) = delete;

  [[nodiscard]] Found find(std::string_view name, Instant now) noexcept;

  // `addresses`, not empty, hold for `ttl` (kTtlMin and kTtlMax bound it).
  void store(std::string_view name, const AddressList& addresses, Ipv6 ipv6, Duration ttl,
             Instant now);

  // What a lookup without addresses means for those of before (RFC 8767 section 4).
  enum class Failure : std::uint8_t {
    kNoSuchName,  // an authority denies the name: they are void
    kNoAddress,   // the name is there, without addresses: used while stale
    kNoAnswer,    // timeout, SERVFAIL, nonsense: used while stale
  };
  // `os_errno` goes into the Error, 0 when there is none.
  void store_failure(std::string_view name, Failure failure, std::int32_t os_errno, Instant now);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry : ListNode {
    char name[HostName::kBytesMax];
    std::size_t name_bytes = 0;
    AddressList addresses;
    Ipv6 ipv6 = Ipv6::kReachable;
    std::uint32_t turn = 0;
    Instant fresh_until;  // of the addresses
    Instant retry_at;     // of the error: until then nobody asks again
    Error error;
  };
  [[nodiscard]] Entry& entry_for(std::string_view name);

  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries_;  // keyed by Entry::name
  IntrusiveList<Entry> by_use_;  // the one used longest ago first
};

}  // namespace sluice
