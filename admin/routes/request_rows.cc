#include "admin/routes/request_rows.h"

#include <fmt/format.h>

#include <charconv>

#include "admin/routes/json_text.h"
#include "admin/routes/times.h"
#include "store/usage_event.h"

namespace sluice {
namespace {

std::string_view outcome_text(const StoredRequest& row) {
  switch (row.outcome) {
    case RequestOutcome::kEnded: return (row.flags & kUsageBrokenOff) != 0 ? "broken_off" : "ended";
    case RequestOutcome::kRefused: return "refused";
    case RequestOutcome::kUnknown:
    case RequestOutcome::kOpen: break;  // kOpen is of open attempts alone
  }
  return "unknown";
}

std::optional<std::string_view> degraded_text(std::uint16_t flags) {
  if ((flags & kUsageEmergency) != 0) return "emergency";
  if ((flags & kUsageFallback) != 0) return "fallback";
  return std::nullopt;
}

template <class T>
std::optional<T> only_if(bool there, T it) {
  return there ? std::optional<T>(it) : std::nullopt;
}

void write_request(JsonText& text, const RequestView& view, const AccountNames& accounts) {
  const StoredRequest& row = view.row;
  const auto has = [&row](UsageFlag flag) { return (row.flags & flag) != 0; };
  text.begin('{')
      .member("id", cursor_text(view.key))
      .member("request_id", row.request_id)
      .member("at", rfc3339_text(row.unix_ms))
      .member("outcome", outcome_text(row))
      .member("status", only_if(row.status != 0, row.status))
      .member("model", view.model)
      .member("native_model", view.native_model)
      .member("client", view.client_key)
      .member("account", view.account)
      .member("backend_id", accounts.id_of(view.account))
      .member("pool", view.pool)
      .member("attempt", row.attempt)
      .member("last", has(kUsageLast))
      .member("streamed", has(kUsageStreamed))
      .member("degraded", degraded_text(row.flags))
      .member("hedged", has(kUsageHedged))
      .member("client_gone", has(kUsageClientGone))
      .member("prompt_tokens", row.prompt_tokens)
      .member("completion_tokens", row.completion_tokens)
      .member("total_tokens", row.total_tokens)
      .member("cached_read_tokens", row.cached_read_tokens)
      .member("cached_write_tokens", row.cached_write_tokens)
      .member("reasoning_tokens", row.reasoning_tokens)
      .member("tokens_estimated", has(kUsageTokensGuessed))
      .member("cost", only_if(has(kUsageCostKnown), NanoDollars{row.cost_nano_dollars}))
      .member("latency_ms", average_ms(row.latency_us, 1))
      .member("ttft_ms", average_ms(row.first_token_us, row.first_token_us == 0 ? 0 : 1))
      .member("queue_ms", average_ms(row.queue_us, 1))
      .end('}');
}

}  // namespace

std::string cursor_text(const RequestKey& key) {
  return fmt::format("{:x}-{:x}-{:x}", key.unix_ms, key.journal, key.sequence);
}

std::optional<RequestKey> parse_cursor(std::string_view text) {
  RequestKey key;
  const auto take = [&text](auto& number, char end) {
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    if (end == '\0') return text.empty();
    if (!text.starts_with(end)) return false;
    text.remove_prefix(1);
    return true;
  };
  if (!take(key.unix_ms, '-') || !take(key.journal, '-') || !take(key.sequence, '\0'))
    return std::nullopt;
  return key;
}

std::string requests_json(const RequestPage& page, const AccountNames& accounts) {
  JsonText text;
  text.begin('{').name("requests").begin('[');
  for (const RequestView& view : page.requests) write_request(text, view, accounts);
  text.end(']');
  text.member("next", page.next ? std::optional(cursor_text(*page.next)) : std::nullopt).end('}');
  return text.take();
}

}  // namespace sluice
