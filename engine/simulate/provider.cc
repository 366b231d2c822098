#include "engine/simulate/provider.h"

#include "base/draw.h"

namespace sluice {
namespace {

constexpr double kLatencySigma = 0.5;
constexpr Duration kRefusalAfter = 30ms;  // a refusal takes a round trip and no work

Reply::Kind kind_of(Trouble trouble) noexcept {
  switch (trouble) {
    case Trouble::kServerErrors: return Reply::Kind::kServerError;
    case Trouble::kStalls:
    case Trouble::kUnreachable: return Reply::Kind::kStalled;
    case Trouble::kKeyRefused: return Reply::Kind::kKeyRefused;
    case Trouble::kForbidden: return Reply::Kind::kForbidden;
    case Trouble::kRateLimited: return Reply::Kind::kRateLimited;
    case Trouble::kBreaksOff: break;
  }
  return Reply::Kind::kBroken;
}

}  // namespace

void Provider::set_limit(std::uint32_t limit, Duration window) noexcept {
  model_.limit = limit;
  model_.window = window;
}

bool Provider::reachable(Instant now, Prng& prng) const noexcept {
  const Spell* const now_wrong = spell(now, prng);
  return now_wrong == nullptr || now_wrong->trouble != Trouble::kUnreachable;
}

const Spell* Provider::spell(Instant now, Prng& prng) const noexcept {
  for (const Spell& spell : model_.spells) {
    if (now < spell.from || now >= spell.until) continue;
    if (spell.share >= 1 || prng.unit() < spell.share) return &spell;
  }
  return nullptr;
}

Reply Provider::ask(Instant now, std::uint32_t prompt_tokens, std::uint32_t completion_tokens,
                    Prng& prng) {
  Reply reply;
  reply.after = kRefusalAfter;
  const Spell* const wrong = spell(now, prng);
  if (wrong != nullptr && wrong->trouble == Trouble::kRateLimited) {
    reply.kind = Reply::Kind::kRateLimited;
    if (model_.tells_retry_after) reply.retry_after = wrong->until - now;
    return reply;
  }
  const std::uint64_t tokens = std::uint64_t{prompt_tokens} + completion_tokens;
  if (const std::optional<Duration> wait = full_for(now, tokens)) {
    if (model_.counts_refused) count(now, 0);
    reply.kind = Reply::Kind::kRateLimited;
    // Retry-After counts whole seconds.
    constexpr Duration kUnit = 1s;
    if (model_.tells_retry_after) reply.retry_after = (*wait + kUnit - 1ns) / kUnit * kUnit;
    return reply;
  }
  count(now, tokens);
  if (wrong != nullptr) {
    reply.kind = kind_of(wrong->trouble);
    return reply;
  }
  if (model_.error_share > 0 && prng.unit() < model_.error_share) {
    reply.kind = Reply::Kind::kServerError;
    return reply;
  }
  if (model_.stall_share > 0 && prng.unit() < model_.stall_share) {
    reply.kind = Reply::Kind::kStalled;
    return reply;
  }
  reply.tokens = tokens;
  const double first_token_s = draw_lognormal(prng, model_.latency_s, kLatencySigma);
  reply.first_token = seconds(first_token_s);
  reply.after = seconds(first_token_s + completion_tokens / model_.tokens_per_second);
  return reply;
}

std::optional<Duration> Provider::full_for(Instant now, std::uint64_t tokens) {
  if (model_.counting == Counting::kUnlimited) return {};
  const Instant fixed_start = now - now.time_since_epoch() % model_.window;
  const Instant since =
      model_.counting == Counting::kFixed ? fixed_start : now - model_.window + 1ns;
  while (!counted_.empty() && counted_.front().at < since) {
    tokens_ -= counted_.front().tokens;
    counted_.pop_front();
  }
  const bool tokens_full =
      model_.tokens_limit != 0 && tokens_ != 0 && tokens_ + tokens > model_.tokens_limit;
  if (counted_.size() < model_.limit && !tokens_full) return {};
  if (model_.counting == Counting::kFixed || counted_.empty()) {
    return fixed_start + model_.window - now;
  }
  return counted_.front().at + model_.window - now;
}

void Provider::count(Instant now, std::uint64_t tokens) {
  if (model_.counting == Counting::kUnlimited) return;
  counted_.push_back({now, tokens});
  tokens_ += tokens;
}

}  // namespace sluice
