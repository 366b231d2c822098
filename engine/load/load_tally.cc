#include "engine/load/load_tally.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr std::string_view kOtherAccounts = "(others)";

// For people: "connect failed (Connection refused)".
std::string sentence_of(const LoadOutcome& outcome) {
  if (!outcome.failure.empty()) return std::string(outcome.failure);
  std::string text(errc_text(outcome.error.code));
  if (outcome.error.os_errno != 0)
    text += std::string(" (") + std::strerror(outcome.error.os_errno) + ")";
  return text;
}

}  // namespace

std::string_view load_end_name(LoadEnd end) noexcept {
  switch (end) {
    case LoadEnd::kAnswered: return "answered";
    case LoadEnd::kNotSent: return "not_sent";
    case LoadEnd::kName: return "name";
    case LoadEnd::kConnect: return "connect";
    case LoadEnd::kTls: return "tls";
    case LoadEnd::kTimeout: return "timeout";
    case LoadEnd::kClosed: return "closed";
    case LoadEnd::kBroken: return "broken";
    case LoadEnd::kCut: return "cut";
    case LoadEnd::kErrorEvent: return "error_event";
    case LoadEnd::kOurs: return "local";
    case LoadEnd::kInterrupted: return "interrupted";
  }
  return "";
}

void LoadTally::note_start(Instant due, Instant held_until, Instant now) {
  ++started;
  const bool was_held = held_until > due;
  if (was_held) held.add(held_until - due);
  lag.add(now - (was_held ? held_until : due));
}

void LoadTally::note(const LoadOutcome& outcome) {
  const auto end = static_cast<std::size_t>(outcome.end);
  ++ends[end];
  if (outcome.end == LoadEnd::kAnswered) {
    note_answer(outcome);
    return;
  }
  if (samples[end].empty()) samples[end] = sentence_of(outcome);
  if (outcome.end != LoadEnd::kTimeout && outcome.end != LoadEnd::kNotSent) return;
  latency.add(outcome.ended - outcome.due);
  if (outcome.sent != kNever) service.add(outcome.ended - outcome.sent);
}

void LoadTally::note_answer(const LoadOutcome& outcome) {
  ++statuses[outcome.status];
  note_gateway(outcome.gateway);
  if (outcome.status == 429 && outcome.retry_after) {
    retry_after_least = retry_afters == 0 ? *outcome.retry_after
                                          : std::min(retry_after_least, *outcome.retry_after);
    retry_after_most = std::max(retry_after_most, *outcome.retry_after);
    ++retry_afters;
  }
  if (outcome.status < 200 || outcome.status > 299) {
    refused.add(outcome.ended - outcome.due);
    return;
  }
  latency.add(outcome.ended - outcome.due);
  service.add(outcome.ended - outcome.sent);
  if (outcome.stream) ++streams;
  if (outcome.first_content != kNever) {
    first_content.add(outcome.first_content - outcome.due);
    first_content_service.add(outcome.first_content - outcome.sent);
  }
  content_events += outcome.content_events;
  if (!outcome.usage.estimated) {
    ++usage_told;
    prompt_tokens += token_count(outcome.usage.prompt);
    completion_tokens += token_count(outcome.usage.completion);
  } else {
    content_events_untold += outcome.content_events;
  }
}

void LoadTally::note_gateway(const GatewayFields& fields) {
  if (fields.queue_ms) queued.add(std::chrono::milliseconds(*fields.queue_ms));
  if (fields.overhead_us) overhead.add(std::chrono::microseconds(*fields.overhead_us));
  if (fields.attempts > 0) {
    attempts += fields.attempts;
    ++attempts_told;
  }
  if (fields.degraded) ++degraded;
  if (fields.account.empty()) return;
  if (const auto known = accounts.find(fields.account); known != accounts.end()) ++known->second;
  else if (accounts.size() < kAccountsMax) accounts.emplace(fields.account, 1);
  else ++accounts[std::string(kOtherAccounts)];
}

std::uint64_t LoadTally::ended() const noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t some : ends) sum += some;
  return sum;
}

std::uint64_t LoadTally::errors() const noexcept {
  return ended() - of(LoadEnd::kAnswered) - of(LoadEnd::kInterrupted);
}

}  // namespace sluice
