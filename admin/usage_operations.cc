#include "admin/usage_operations.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "admin/stored_entries.h"
#include "engine/config/build_directory.h"
#include "store/catalog.h"
#include "store/recompute_cost.h"

namespace sluice {

AdminAnswer AdminDesk::recompute_usage(const AdminCall& call) {
  const std::uint32_t from_hour = call.args.at("from_hour");
  const std::uint32_t to_hour = call.args.at("to_hour");
  const auto stored = list_accounts(writer_.environment());
  if (!stored) return failed(stored.error());
  // Whose price it is does not depend on keys.
  StoredEntries entries;
  for (const StoredAccount& account : *stored)
    entries.accounts.push_back({from_stored(account, Secret()), overrides_of(account), false});
  const auto directory = draft_directory(config_, &entries);
  if (!directory)
    return {
        .exit_code = EX_CONFIG, .text = directory.error().text(), .outcome = AdminOutcome::kFailed};
  const CostSource source = [&directory](std::string_view name, std::string_view model) {
    const auto& accounts = (*directory)->accounts;
    const auto account =
        std::ranges::find_if(accounts, [name](const auto& one) { return one->name == name; });
    if (account == accounts.end()) return CostBy::kNobody;
    return (*account)->price_of(model).known() ? CostBy::kAccount : CostBy::kModel;
  };
  const auto done = recompute_cost(writer_, from_hour, to_hour, source);
  if (!done) return failed(done.error());
  return {.figures = {{"hourly_rows", done->hourly_rows},
                      {"requests", done->requests},
                      {"rows_kept", done->rows_kept},
                      {"next_hour", done->next_hour}}};
}

AdminAnswer recompute_usage(std::uint32_t from_hour, std::uint32_t to_hour,
                            const std::function<AdminAnswer(const AdminCall&)>& ask) {
  AdminAnswer sum{.figures = {{"hourly_rows", 0}, {"requests", 0}, {"rows_kept", 0}}};
  while (from_hour < to_hour) {
    AdminAnswer answer = ask(
        {.command = "usage.recompute", .args = {{"from_hour", from_hour}, {"to_hour", to_hour}}});
    if (answer.outcome != AdminOutcome::kDone || answer.exit_code != EX_OK) return answer;
    for (const char* const count : {"hourly_rows", "requests", "rows_kept"})
      sum.figures[count] =
          sum.figures[count].get<std::uint64_t>() + answer.figures[count].get<std::uint64_t>();
    from_hour = answer.figures["next_hour"];
  }
  sum.text = fmt::format("{} hourly sums and {} requests have another cost now\n",
                         sum.figures["hourly_rows"].get<std::uint64_t>(),
                         sum.figures["requests"].get<std::uint64_t>());
  if (const auto kept = sum.figures["rows_kept"].get<std::uint64_t>(); kept > 0)
    sum.text += fmt::format(
        "{} hourly sums keep theirs: their requests are not kept any more, and a price changed "
        "within the hour\n",
        kept);
  return sum;
}

}  // namespace sluice
