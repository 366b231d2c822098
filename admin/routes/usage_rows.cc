#include "admin/routes/usage_rows.h"

#include <fmt/format.h>

#include "admin/routes/json_text.h"
#include "admin/routes/times.h"
#include "base/csv.h"

namespace sluice {
namespace {

// All that is shown of sums, once for both forms.
template <class OnMember>
void each_member(const UsageSums& sums, OnMember&& on_member) {
  on_member("requests", sums.requests);
  on_member("errors", sums.errors);
  on_member("attempts", sums.attempts);
  on_member("failed_attempts", sums.failed_attempts);
  on_member("prompt_tokens", sums.prompt_tokens);
  on_member("completion_tokens", sums.completion_tokens);
  on_member("total_tokens", sums.total_tokens);
  on_member("cached_read_tokens", sums.cached_read_tokens);
  on_member("cached_write_tokens", sums.cached_write_tokens);
  on_member("reasoning_tokens", sums.reasoning_tokens);
  on_member("cost", NanoDollars{sums.cost_nano_dollars});
  on_member("unpriced", sums.unpriced);
  on_member("avg_latency_ms", average_ms(sums.latency_us, sums.attempts - sums.unknown));
  on_member("avg_ttft_ms", average_ms(sums.first_token_us, sums.first_tokens));
  on_member("avg_queue_ms", average_ms(sums.queue_us, sums.requests));
}

void write_sums(JsonText& text, const UsageSums& sums) {
  each_member(sums, [&text](std::string_view name, const auto& it) { text.member(name, it); });
}

std::string time_of(const UsageGroup& group, UsageSpan span) {
  return span == UsageSpan::kHour ? hour_text(group.hour) : date_text(day_of_hour(group.hour));
}

void write_group(JsonText& text, const UsageView& view, const UsageGroup& group) {
  text.begin('{');
  if (view.span != UsageSpan::kWhole) text.member(span_text(view.span), time_of(group, view.span));
  if (view.side) {
    text.member(side_text(*view.side),
                group.others ? std::nullopt : std::optional<std::string_view>(group.name));
  }
  if (group.others) text.member("others", true);
  write_sums(text, group.sums);
  text.end('}');
}

std::string csv_value(std::uint64_t number) { return std::to_string(number); }
std::string csv_value(NanoDollars amount) { return dollars_text(amount); }
std::string csv_value(const std::optional<double>& number) {
  return number ? fmt::format("{}", *number) : "";
}

}  // namespace

std::string_view side_text(UsageSide side) {
  switch (side) {
    case UsageSide::kAccount: return "account";
    case UsageSide::kModel: return "model";
    case UsageSide::kClientKey: return "client";
    case UsageSide::kAll:
    case UsageSide::kStatus: break;
  }
  return "";
}

std::string_view span_text(UsageSpan span) {
  switch (span) {
    case UsageSpan::kHour: return "hour";
    case UsageSpan::kDay: return "day";
    case UsageSpan::kWhole: break;
  }
  return "";
}

std::string usage_json(const UsageView& view) {
  JsonText text;
  text.begin('{').member("from", rfc3339_text(view.from_ms)).member("to", rfc3339_text(view.to_ms));
  text.name("group_by").begin('[');
  if (view.side && view.side_first) text.value(side_text(*view.side));
  if (view.span != UsageSpan::kWhole) text.value(span_text(view.span));
  if (view.side && !view.side_first) text.value(side_text(*view.side));
  text.end(']').name("rows").begin('[');
  for (const UsageGroup& group : view.groups.groups) write_group(text, view, group);
  text.end(']').name("total").begin('{');
  write_sums(text, view.groups.total);
  text.end('}').member("truncated", view.groups.truncated).end('}');
  return text.take();
}

std::string usage_csv(const UsageView& view) {
  std::string text;
  if (view.span != UsageSpan::kWhole) text += std::string(span_text(view.span)) + ",";
  if (view.side) text += std::string(side_text(*view.side)) + ",others,";
  each_member(UsageSums{},
              [&text](std::string_view name, const auto&) { text += name, text += ','; });
  text.back() = '\r';
  text += '\n';
  for (const UsageGroup& group : view.groups.groups) {
    if (view.span != UsageSpan::kWhole) text += time_of(group, view.span) + ",";
    if (view.side) text += csv_text(group.name) + (group.others ? ",true," : ",false,");
    each_member(group.sums, [&text](std::string_view, const auto& it) {
      text += csv_value(it);
      text += ',';
    });
    text.back() = '\r';
    text += '\n';
  }
  return text;
}

}  // namespace sluice
