#include "engine/route/client_state.h"

#include <algorithm>

namespace sluice {
namespace {

// When only the end of a request in flight makes room, nobody knows the instant.
constexpr Duration kAskAgain = 1s;

}  // namespace

ClientState::ClientState(const ClientLimits& limits)
    : requests_(limits.requests, kWindow), concurrent_(limits.concurrent) {
  if (limits.tokens != 0) tokens_ = new TokenWindow(limits.tokens, kWindow);
}

ClientState::~ClientState() { delete tokens(); }

ClientVerdict ClientState::admit(const Demand& demand, Instant now,
                                 TokenReservation& reserved) noexcept {
  using Kind = ClientVerdict::Kind;
  reserved = {};
  if (!enter()) return {.kind = Kind::kConcurrent, .at = now + kAskAgain};
  const bool counted = requests_.limit() != 0;
  const Take taken = counted ? requests_.take(now) : Take{};
  if (counted && !taken.granted) {
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    return {.kind = Kind::kRequests, .at = taken.at};
  }
  if (TokenWindow* const window = tokens()) {
    const std::uint64_t units = demand.units(completion_tokens_.value());
    const std::optional<TokenReservation> given = window->reserve(units, now);
    if (!given) {
      if (counted) requests_.refund();
      const bool alone = in_flight_.fetch_sub(1, std::memory_order_relaxed) == 1;
      const Instant back_at = window->next_at(units, now);
      // What is in flight may use less than it has reserved.
      return {.kind = Kind::kTokens, .at = alone ? back_at : std::min(back_at, now + kAskAgain)};
    }
    reserved = *given;
  }
  if (counted) requests_.settle_sent(now);
  last_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  return {};
}

void ClientState::finish(const TokenReservation& reserved, const TokensUsed& used,
                         Instant now) noexcept {
  if (reserved.counted()) tokens()->settle(reserved, used.total, now);
  if (used.completion > 0) completion_tokens_.add(used.completion);
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
}

void ClientState::remember_request(Instant at) noexcept {
  if (requests_.limit() == 0 || !requests_.take(at).granted) return;
  requests_.settle_sent(at);
  last_at_.store(at.time_since_epoch().count(), std::memory_order_relaxed);
}

void ClientState::remember_tokens(std::uint64_t tokens_used, Instant at) noexcept {
  if (TokenWindow* const window = tokens()) window->charge(tokens_used, at);
  const Instant::rep since = at.time_since_epoch().count();
  if (since > last_at_.load(std::memory_order_relaxed))
    last_at_.store(since, std::memory_order_relaxed);
}

bool ClientState::enter() noexcept {
  const std::uint32_t most = concurrent_limit();
  std::uint32_t inside = in_flight_.load(std::memory_order_relaxed);
  while (most == 0 || inside < most) {
    if (in_flight_.compare_exchange_weak(inside, inside + 1, std::memory_order_relaxed))
      return true;
  }
  return false;
}

ClientState::Left ClientState::requests_left(Instant now) noexcept {
  Left left{.limit = requests_.limit()};
  if (left.limit == 0) return left;
  left.remaining = requests_.available(now);
  if (left.remaining < left.limit) left.reset = whole_after(kWindow, now);
  return left;
}

ClientState::Left ClientState::tokens_left(Instant now) noexcept {
  TokenWindow* const window = tokens();
  if (window == nullptr || window->limit() == 0) return {};
  Left left{.limit = window->limit()};
  const std::uint64_t used = window->used(now);
  left.remaining = left.limit - std::min(used, left.limit);
  if (used > 0) left.reset = whole_after(kWindow + TokenWindow::cell_width(kWindow), now);
  return left;
}

Duration ClientState::whole_after(Duration window, Instant now) const noexcept {
  const Instant last(Duration(last_at_.load(std::memory_order_relaxed)));
  return std::max(last + window - now, Duration::zero());
}

void ClientState::set_limits(const ClientLimits& limits) {
  requests_.set_limit(limits.requests, kWindow);
  concurrent_.store(limits.concurrent, std::memory_order_relaxed);
  if (TokenWindow* const window = tokens()) window->set_limit(limits.tokens, kWindow);
  else if (limits.tokens != 0) {
    tokens_.store(new TokenWindow(limits.tokens, kWindow), std::memory_order_release);
  }
}

bool ClientState::at_rest(Instant now) noexcept {
  const Left requests = requests_left(now);
  TokenWindow* const window = tokens();
  return in_flight_.load(std::memory_order_relaxed) == 0 && requests.remaining == requests.limit &&
         (window == nullptr || window->used(now) == 0);
}

}  // namespace sluice
