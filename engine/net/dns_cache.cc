#include "engine/net/dns_cache.h"

#include <algorithm>
#include <cstring>

namespace sluice {

DnsCache::~DnsCache() {
  while (by_use_.pop_front() != nullptr) {
  }
}

DnsCache::Found DnsCache::find(std::string_view name, Instant now) noexcept {
  Found found;
  const auto place = entries_.find(name);
  if (place == entries_.end()) return found;
  Entry& entry = *place->second;
  entry.unlink();
  by_use_.push_back(entry);

  const bool has_addresses = !entry.addresses.empty();
  const bool fresh = has_addresses && now < entry.fresh_until;
  const bool usable = has_addresses && now < entry.fresh_until + kStaleMax;
  const bool failed = entry.error.code != Errc::kOk;
  const bool failed_lately = failed && now < entry.retry_at;
  if (usable) {
    found.addresses = in_trying_order(entry.addresses, entry.ipv6, entry.turn++);
    found.expired = !fresh;
    if (fresh || failed_lately) found.verdict = Verdict::kAnswer;
    else found.verdict = failed ? Verdict::kAnswerAndAsk : Verdict::kAskOrStale;
  } else if (failed_lately) {
    found.error = entry.error;
    found.verdict = Verdict::kError;
  }
  return found;
}

void DnsCache::store(std::string_view name, const AddressList& addresses, Ipv6 ipv6, Duration ttl,
                     Instant now) {
  SL_ASSERT(!addresses.empty());
  Entry& entry = entry_for(name);
  entry.addresses = addresses;
  entry.ipv6 = ipv6;
  entry.fresh_until = now + std::clamp(ttl, kTtlMin, kTtlMax);
  entry.error = Error{};
}

void DnsCache::store_failure(std::string_view name, Failure failure, std::int32_t os_errno,
                             Instant now) {
  Entry& entry = entry_for(name);
  const bool answered = failure != Failure::kNoAnswer;
  entry.error = Error{
      .code = answered ? Errc::kNameNotFound : Errc::kNameLookupFailed,
      .side = Side::kUpstream,
      .retry = Retry::kSafe,
      .os_errno = os_errno,
  };
  entry.retry_at = now + (answered ? kNegativeTtl : kFailureTtl);
  if (failure == Failure::kNoSuchName) entry.addresses = AddressList();
}

DnsCache::Entry& DnsCache::entry_for(std::string_view name) {
  SL_ASSERT(!name.empty() && name.size() <= HostName::kBytesMax);
  const auto place = entries_.find(name);
  if (place != entries_.end()) return *place->second;
  if (entries_.size() == kNamesMax) {
    Entry* const oldest = by_use_.pop_front();
    // The key is a view into the entry: the node goes first, the entry after it.
    auto node = entries_.extract(std::string_view(oldest->name, oldest->name_bytes));
  }
  auto entry = std::make_unique<Entry>();
  std::memcpy(entry->name, name.data(), name.size());
  entry->name_bytes = name.size();
  by_use_.push_back(*entry);
  const std::string_view key(entry->name, entry->name_bytes);
  return *entries_.emplace(key, std::move(entry)).first->second;
}

}  // namespace sluice
