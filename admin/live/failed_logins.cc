#include "admin/live/failed_logins.h"

namespace sluice {
namespace {

void tell(EventRing& ring, std::int64_t now_unix_ms, std::string text, EventValues values) {
  ring.add({.unix_ms = now_unix_ms,
            .kind = EventKind::kLoginFailed,
            .account = {},
            .backend_id = {},
            .client = {},
            .text = std::move(text),
            .values = std::move(values)});
}

}  // namespace

void FailedLogins::count(EventRing& ring, const std::string& peer, Instant now,
                         std::int64_t now_unix_ms) {
  const std::lock_guard lock(mutex_);
  fold(ring, now, now_unix_ms);
  if (folding_) {
    ++untold_;
    last_peer_ = peer;
    return;
  }
  folding_ = true;
  told_at_ = now;
  tell(ring, now_unix_ms, "A wrong admin token came from " + peer + ".", {{"peer", peer}});
}

void FailedLogins::look(EventRing& ring, Instant now, std::int64_t now_unix_ms) {
  const std::lock_guard lock(mutex_);
  fold(ring, now, now_unix_ms);
}

void FailedLogins::fold(EventRing& ring, Instant now, std::int64_t now_unix_ms) {
  if (!folding_ || now < told_at_ + kFold) return;
  folding_ = untold_ > 0;  // it goes on; or the next one is a first one again
  if (!folding_) return;
  const std::string count = std::to_string(untold_);
  tell(ring, now_unix_ms,
       count + " more wrong admin token" + (untold_ == 1 ? "" : "s") +
           " came since the last event of them, the last from " + last_peer_ + ".",
       {{"what", "more"}, {"count", count}, {"peer", last_peer_}});
  told_at_ = now;
  untold_ = 0;
}

}  // namespace sluice
