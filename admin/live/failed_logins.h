#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "admin/live/event_ring.h"
#include "base/clock.h"

namespace sluice {

// FailedLogins - makes events of wrong tokens: of the first one at once, of those that follow one
// for each kFold, with their number. So an attack is told, and who knocks a thousand times pushes
// nothing out of the ring.
//
// Owns      the count of those that are not told yet. Affinity: any thread but a shard's.
class FailedLogins {
 public:
  static constexpr Duration kFold = 1min;

  // A wrong token from that address.
  void count(EventRing& ring, const std::string& peer, Instant now, std::int64_t now_unix_ms);
  // Now and then: tells what is due.
  void look(EventRing& ring, Instant now, std::int64_t now_unix_ms);

 private:
  // With the mutex.
  void fold(EventRing& ring, Instant now, std::int64_t now_unix_ms);

  std::mutex mutex_;
  bool folding_ = false;  // one was told within kFold; under mutex_, as all of these
  Instant told_at_{};
  std::uint64_t untold_ = 0;
  std::string last_peer_;
};

}  // namespace sluice
