#include "engine/store_troubles.h"

namespace sluice {
namespace {

struct Texts {
  std::string_view begun;
  std::string_view ended;
};
// In the order of StoreTrouble.
constexpr Texts kTexts[kStoreTroubles] = {
    {"usage cannot be booked: the journals keep it, requests are served as before",
     "usage is booked again; nothing of it was lost"},
    {"what is booked cannot be synced to the disk: the journals keep it until it is, requests are "
     "served as before",
     "what is booked is synced to the disk again"},
    {"old rows cannot be removed from the database: it grows until they can",
     "old rows are removed from the database again"},
    {"cooldowns cannot be recorded: after a restart accounts would not go on cooling",
     "cooldowns are recorded again"},
};

constexpr std::uint64_t kSpaciousPercent = 75;  // the alert level is SpaceUse::kAlertPercent

}  // namespace

void StoreTroubles::begin(StoreTrouble trouble, const StoreError& error) {
  const auto at = static_cast<std::size_t>(trouble);
  State& state = states_[at];
  // A broken database stays so until a restart: that is told also behind what would have passed.
  const bool tell = !lasts(at) || (error.code == StoreErrc::kBroken && !broken_);
  broken_ = broken_ || error.code == StoreErrc::kBroken;
  state.error = error;
  if (!tell) return;
  const Instant now = clock_.now();
  if (!lasts(at)) state.since = now;
  state.tell_at = now + kRepeatEvery;
  bits_.store(bits() | trouble_bit(trouble), std::memory_order_relaxed);
  LogLine(log_, LogLevel::kError, kTexts[at].begun).field("error", explain(error, directory_));
}

void StoreTroubles::end(StoreTrouble trouble) {
  const auto at = static_cast<std::size_t>(trouble);
  if (!lasts(at)) return;
  bits_.store(bits() & ~trouble_bit(trouble), std::memory_order_relaxed);
  LogLine(log_, LogLevel::kInfo, kTexts[at].ended);
}

void StoreTroubles::note_space(const SpaceUse& space) {
  const auto tell = [&](LogLevel level, std::string_view text) {
    LogLine(log_, level, text)
        .field("bytes", static_cast<std::int64_t>(space.used))
        .field("bytes_max", static_cast<std::int64_t>(space.map_max));
  };
  const Instant now = clock_.now();
  if (space.alert() && (!tight_ || now >= tell_space_at_)) {
    tight_ = true;
    tell_space_at_ = now + kRepeatEvery;
    tell(LogLevel::kWarning,
         "the database has used most of store.bytes_max; raise it, or keep requests for less "
         "long (usage.keep_requests)");
  } else if (tight_ && space.used < space.map_max / 100 * kSpaciousPercent) {
    tight_ = false;
    tell(LogLevel::kInfo, "the database has room again below store.bytes_max");
  }
}

bool StoreTroubles::due(Instant now) const noexcept {
  for (std::size_t at = 0; at < kStoreTroubles; ++at)
    if (lasts(at) && now >= states_[at].tell_at) return true;
  return false;
}

void StoreTroubles::repeat(Instant now, std::uint64_t backlog) {
  for (std::size_t at = 0; at < kStoreTroubles; ++at) {
    State& state = states_[at];
    if (!lasts(at) || now < state.tell_at) continue;
    state.tell_at = now + kRepeatEvery;
    LogLine(log_, LogLevel::kError, kTexts[at].begun)
        .field("minutes", (now - state.since) / 1min)
        .field("records_not_booked", static_cast<std::int64_t>(backlog))
        .field("error", explain(state.error, directory_));
  }
}

}  // namespace sluice
